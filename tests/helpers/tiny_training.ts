// Networks and faces so small that a test can train for many epochs.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import { type Faces, hashFaces, SPLITS } from "mien/data/faces.ts";
import { EMOTIONS } from "mien/emotions.ts";
import { scalePixels } from "mien/network/input.ts";
import { createRandom } from "mien/random.ts";
import { noAugmentation } from "mien/training/augment.ts";
import type { PartialConfig } from "mien/training/config.ts";
import { shareFaces } from "mien/training/shared_memory.ts";

/** A convolution, `layers`, and a dense layer: 48x48x1 to seven probabilities. */
function build(
  name: string,
  seed: number,
  convolution: Partial<Parameters<typeof tf.layers.conv2d>[0]>,
  layers: tf.layers.Layer[],
): tf.LayersModel {
  const kernelInitializer = tf.initializers.glorotUniform({ seed });
  return tf.sequential({
    name,
    layers: [
      tf.layers.conv2d({
        inputShape: [48, 48, 1],
        filters: 4,
        kernelSize: 5,
        strides: 5,
        kernelInitializer,
        ...convolution,
      }),
      ...layers,
      tf.layers.dense({ units: 7, activation: "softmax", kernelInitializer }),
    ],
  });
}

const average = () =>
  tf.layers.globalAveragePooling2d({ dataFormat: "channelsLast" });

/** With batch normalization. */
export function buildTiny(seed = 1): tf.LayersModel {
  return build("tiny", seed, { useBias: false }, [
    tf.layers.batchNormalization(),
    tf.layers.reLU(),
    average(),
  ]);
}

/** With layers that are not compiled, two of which add noise. */
export function buildOther(seed = 1): tf.LayersModel {
  const kernelRegularizer = tf.regularizers.l2({ l2: 0.001 });
  return build("other", seed, { kernelRegularizer }, [
    tf.layers.batchNormalization(),
    tf.layers.activation({ activation: "selu" }),
    tf.layers.gaussianNoise({ stddev: 0.1 }),
    average(),
    tf.layers.dropout({ rate: 0.2, seed: 3 }),
  ]);
}

/** Without batch normalization, whose statistics depend on each worker's own faces. */
export function buildPlain(seed = 1): tf.LayersModel {
  const size = { kernelSize: 6, strides: 6 };
  return build("plain", seed, { ...size, activation: "relu" }, [average()]);
}

/** `training` + `validation` faces of noise; a network can learn the label from its grain and brightness. */
export function makeFaces(training: number, validation: number): Faces {
  const length = training + validation;
  const pixels = new Uint8Array(length * 48 * 48);
  const labels = Uint8Array.from({ length }, (_, i) => i % 7);
  const splits = Uint8Array.from(
    { length },
    (_, i) => SPLITS.indexOf(i < training ? "Training" : "PublicTest"),
  );
  const random = createRandom(8);
  for (let i = 0; i < pixels.length; i++) {
    const label = labels[Math.floor(i / 2304)];
    pixels[i] = 30 * label + random.integer(10 + 10 * (label % 3));
  }
  const hash = hashFaces({ pixels, labels, splits });
  return {
    emotions: EMOTIONS,
    pixels,
    labels,
    splits,
    length,
    source: { name: "grainy faces", hash, skipped: [] },
  };
}

/** The faces as a FER-2013 CSV. */
export function formatCsv(faces: Faces): string {
  const rows = Array.from(faces.labels, (label, i) => {
    const pixels = faces.pixels.subarray(i * 2304, (i + 1) * 2304);
    return `${label},${pixels.join(" ")},${SPLITS[faces.splits[i]]}`;
  });
  return ["emotion,pixels,Usage", ...rows, ""].join("\n");
}

/** A model's predictions for all faces of a split, by TensorFlow.js' own CPU kernels. */
export function sayings(
  model: tf.LayersModel,
  faces: Faces,
  split: "Training" | "PublicTest",
  mirrored = false,
): number[][] {
  return tf.tidy(() => {
    const { pixels, length } = shareFaces(faces, split);
    const input = tf.tensor4d(scalePixels(pixels), [length, 48, 48, 1]);
    const seen = mirrored ? input.reverse(2) : input;
    return (model.predict(seen) as tf.Tensor2D).arraySync();
  });
}

/** A run that changes nothing and only computes the losses of the first weights. */
export const still: PartialConfig = {
  epochs: 1,
  learningRate: 0,
  weightDecay: 0,
  averageDecay: null,
  augmentation: noAugmentation,
};

/** Fails unless two numbers agree to within this part of the second. */
export function near(actual: number, expected: number, tolerance = 1e-4) {
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.abs(expected),
    `${actual} is not ${expected}`,
  );
}
