/**
 * Where a network looks: Grad-CAM over the 48 x 48 crop.
 *
 * Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
 * Gradient-based Localization" (2017). A layer's channels are weighted by the
 * mean gradient of the emotion's score and summed; negative values become
 * zero. mini-Xception ends in a convolution with one channel for each
 * emotion and a global average, so at that last layer, of 3 x 3 positions,
 * the map is exact: the score is the mean of the emotion's own channel.
 *
 * This runs in TensorFlow.js, whose gradients reach every layer.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { FACE_SIZE, indexOfLargest } from "../emotions.ts";
import type { ColorImage } from "../image/gray.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import { scalePixels } from "../network/input.ts";

/** Where a network looked for its most likely emotion. */
export interface Explanation {
  readonly emotion: string;
  /** The layer's positions, row by row: how much each supports the emotion, >= 0. */
  readonly map: Float32Array;
  readonly mapWidth: number;
  readonly mapHeight: number;
  /** The map over the crop: 48 x 48 values, 0 to 1, the largest is 1. */
  readonly heat: Float32Array;
}

/**
 * Explains a network's most likely answer for one crop, at its last layer with positions.
 *
 * @param crop 48 x 48 gray values, 0 to 255
 * @throws {RangeError} when that layer is not on every path to the answer
 *
 * @example
 * ```ts
 * import { explain } from "mien/recognition/explain.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * const { map } = explain(buildMiniXception(), new Uint8Array(48 * 48));
 * map.length; // 9
 * ```
 */
export function explain(model: tf.LayersModel, crop: Uint8Array): Explanation {
  const layer = model.layers.findLast((l) => l.outputShape.length === 4)!;
  const [mapHeight, mapWidth] = layer.outputShape.slice(1) as number[];
  const { emotions, scale } = meaningOf(model);
  return tf.tidy(() => {
    const scaled = scalePixels(crop, undefined, scale);
    const input = tf.tensor4d(scaled, [1, FACE_SIZE, FACE_SIZE, 1]);
    const answer = model.predict(input) as tf.Tensor;
    const winner = indexOfLargest(answer.dataSync());
    const output = layer.output as tf.SymbolicTensor;
    const activations = tf.model({ inputs: model.inputs, outputs: output })
      .predict(input) as tf.Tensor4D;
    const scoreOf = (values: tf.Tensor) =>
      scores(model, output, values).reshape([emotions.length])
        .gather(winner).asScalar();
    const gradient = tf.grad(scoreOf)(activations);
    const weights = gradient.mean([1, 2], true);
    const map = activations.mul(weights).sum(3).relu();
    const resized = tf.image.resizeBilinear(
      map.reshape([1, mapHeight, mapWidth, 1]) as tf.Tensor4D,
      [FACE_SIZE, FACE_SIZE],
      false,
      true,
    );
    const heat = resized.dataSync() as Float32Array;
    const largest = heat.reduce((a, b) => Math.max(a, b), 1e-12);
    return {
      emotion: emotions[winner],
      map: map.dataSync() as Float32Array,
      mapWidth,
      mapHeight,
      heat: heat.map((value) => value / largest),
    };
  });
}

/**
 * The scores before the softmax that follow from one layer's values; for a
 * model without a separate softmax layer, the logarithms of its answer.
 */
function scores(
  model: tf.LayersModel,
  from: tf.SymbolicTensor,
  values: tf.Tensor,
): tf.Tensor {
  const known = new Map<number, tf.Tensor>([[from.id, values]]);
  const last = model.outputs[0];
  for (const layer of model.layers) {
    const inputs = [layer.input].flat();
    if (!inputs.some(({ id }) => known.has(id))) continue;
    const output = layer.output as tf.SymbolicTensor;
    if (!inputs.every(({ id }) => known.has(id))) {
      throw new RangeError(
        `Layer "${from.name.split("/")[0]}" cannot be used: "${layer.name}" ` +
          "also has an input that bypasses it",
      );
    }
    const given = inputs.map(({ id }) => known.get(id)!);
    const softmax = layer.getClassName() === "Softmax" ||
      layer.getConfig().activation === "softmax";
    const plain = ["Softmax", "Activation"].includes(layer.getClassName());
    if (output.id === last.id && softmax && plain) return given[0];
    const result = layer.apply(given.length === 1 ? given[0] : given);
    known.set(output.id, result as tf.Tensor);
  }
  return known.get(last.id)!.log();
}

/**
 * A crop with its heat map over it: gray where the network did not look, then
 * orange, and yellow where it looked most.
 *
 * @param heat 48 x 48 values, 0 to 1
 */
export function drawHeat(crop: Uint8Array, heat: Float32Array): ColorImage {
  const data = new Uint8ClampedArray(crop.length * 4);
  crop.forEach((gray, i) => {
    const amount = heat[i] * 0.65, rest = gray * (1 - amount);
    const green = 94 + 134 * heat[i], blue = 40 * heat[i];
    data[4 * i] = rest + 240 * amount;
    data[4 * i + 1] = rest + green * amount;
    data[4 * i + 2] = rest + blue * amount;
    data[4 * i + 3] = 255;
  });
  return { width: FACE_SIZE, height: FACE_SIZE, data };
}
