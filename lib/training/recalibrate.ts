// Recalibration: estimates the statistics of batch normalization again, on unchanged faces.
//
// In training they are running means over augmented faces, which are rotated, shifted and of other
// contrast. The faces to classify are not, so the statistics are slightly wrong for them. Means and
// variances over Training's unchanged faces fix this: "precise batch normalization" (Wu and Johnson,
// 2021, arXiv:2105.07576, sections 3 and 4). Weights stay the same, and no labels are used. If the faces
// to classify are a detector's crops, Training's faces can be blurred like them.
import type * as tf from "@tensorflow/tfjs";
import { FACE_PIXELS } from "../emotions.ts";
import { type Faces, selectSplit } from "../data/faces.ts";
import { createEngine } from "../engine/create_engine.ts";
import { describeModel } from "../engine/describe_model.ts";
import { isForTfjs } from "../engine/engine.ts";
import { readWeights, writeWeights } from "../engine/weights.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import { rescale } from "../network/input.ts";
import { type Augmentation, augmentFace, noAugmentation } from "./augment.ts";
import { orderOfEpoch } from "./order.ts";

/** Faces per batch; the result is the mean over batches. */
const BATCH = 128;

/**
 * Sets a model's moving means and variances to the mean over all batches of Training's faces. Their
 * order is random, because files may be sorted by emotion.
 *
 * @param options.seed the seed of order and augmentation
 * @param options.augmentation how the faces to classify differ from Training's; by default not at all
 * @param options.onProgress called with the number of faces done
 * @throws {DatasetError} when Training has no faces
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { recalibrate } from "mien/training/recalibrate.ts";
 *
 * const model = buildMiniXception();
 * await recalibrate(model, drawFaces({ count: 700, seed: 1 }), { seed: 1 });
 * ```
 */
export async function recalibrate(
  model: tf.LayersModel,
  faces: Faces,
  options: {
    seed: number;
    augmentation?: Augmentation;
    onProgress?: (faces: number) => void;
  },
): Promise<void> {
  const { seed, augmentation = noAugmentation } = options;
  const { pixels, length } = selectSplit(faces, "Training");
  const graph = describeModel(model);
  if (graph.statistics === 0) return;
  const { scale } = meaningOf(model);
  const { parameters, statistics } = readWeights(graph, model);
  const network = await createEngine({
    ...graph,
    // Without momentum, the statistics after a batch are the batch's own.
    nodes: graph.nodes.map((node) =>
      node.op === "norm" ? { ...node, momentum: 0 } : node
    ),
    ...(isForTfjs(graph)
      ? { norms: graph.norms.map((norm) => ({ ...norm, momentum: 0 })) }
      : {}),
  }, { batch: Math.min(BATCH, length), training: true });
  network.parameters.set(parameters);
  network.statistics.set(statistics);
  const sums = new Float64Array(statistics.length);
  const order = orderOfEpoch(length, seed, 0);
  for (let first = 0; first < length; first += BATCH) {
    const batch = order.subarray(first, first + BATCH);
    batch.forEach((face, i) =>
      augmentFace({
        pixels,
        face,
        augmentation,
        seed,
        epoch: 0,
        output: network.input,
        at: i * FACE_PIXELS,
      })
    );
    rescale(network.input.subarray(0, batch.length * FACE_PIXELS), scale);
    network.measure(batch.length);
    network.statistics.forEach((value, i) => sums[i] += value * batch.length);
    options.onProgress?.(first + batch.length);
    if (first % (8 * BATCH) === 0) await new Promise((go) => setTimeout(go));
  }
  const means = Float32Array.from(sums, (sum) => sum / length);
  writeWeights(graph, { parameters, statistics: means }, model);
}
