// Evaluates a model on one split of the faces: what tasks/evaluate.ts prints and evaluation.json
// contains. Only faces of that split are classified, once each, or with `mirror` twice for the mean over
// the face and its mirror image. Training is read only to find faces that are in both.
import type * as tf from "@tensorflow/tfjs";
import { standsInTraining } from "../data/audit.ts";
import { EMOTIONS, FACE_PIXELS } from "../emotions.ts";
import { type Faces, selectSplit, type Split } from "../data/faces.ts";
import {
  accuracyOf,
  applyTemperature,
  type CalibrationBin,
  calibrationBins,
  calibrationError,
  type ClassFigures,
  countConfusion,
  coverageCurve,
  type CoveragePoint,
  crossEntropy,
  figuresPerClass,
  fitTemperature,
  likeliest,
  macroF1Of,
} from "./metrics.ts";
import { createEngine } from "../engine/create_engine.ts";
import { describeModel } from "../engine/describe_model.ts";
import { isForTfjs } from "../engine/engine.ts";
import { readWeights } from "../engine/weights.ts";
import { MeaningError, meaningOf } from "../model/emotions_of_model.ts";
import { NetworkError } from "../network/graph.ts";
import { PREDICTION_BATCH, predictShare } from "../network/predict.ts";
import { predictAll, type PredictOptions } from "../network/predict_all.ts";

/** A model's figures on a split. */
export interface Evaluation {
  split: Split;
  /** The number of faces. */
  n: number;
  accuracy: number;
  /** Half the width of the accuracy's 95 % interval, from the number of faces alone. */
  halfWidth: number;
  macroF1: number;
  /** The number of faces that are not also in Training, pixel for pixel, and the accuracy on them. */
  unseen: { n: number; accuracy: number | null };
  /** Mean cross-entropy in nats. */
  loss: number;
  /** `confusion[label][answer]`, faces. */
  confusion: number[][];
  perClass: ({ emotion: string } & ClassFigures)[];
  /** Expected calibration error over `bins`. */
  ece: number;
  bins: CalibrationBin[];
  /** The best temperature for these faces, and the calibration error with it. */
  temperature: number;
  eceWithTemperature: number;
  /** Coverage and accuracy if only confident answers are given. */
  coverage: CoveragePoint[];
  /** Whether each face was also classified mirrored. */
  tta: boolean;
  params: number;
}

/**
 * Probabilities of each face, n x classes, row by row. A compiled network uses all cores; TensorFlow.js
 * computes other networks in this thread.
 *
 * @throws {NetworkError} for a model that takes something other than faces
 */
export async function predictFaces(
  model: tf.LayersModel,
  faces: Pick<Faces, "pixels" | "length">,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const graph = describeModel(model);
  if (graph.inputSize !== FACE_PIXELS) {
    throw new NetworkError(
      `the model takes ${graph.inputSize} numbers, not faces of 48x48x1`,
    );
  }
  const { scale } = meaningOf(model);
  const weights = readWeights(graph, model);
  if (!isForTfjs(graph)) {
    return await predictAll(
      { graph, ...weights, scale },
      faces.pixels,
      options,
    );
  }
  const engine = await createEngine(
    graph,
    { batch: PREDICTION_BATCH, training: false },
    { model },
  );
  engine.parameters.set(weights.parameters);
  engine.statistics.set(weights.statistics);
  return await predictShare(engine, {
    pixels: faces.pixels,
    mirror: options.mirror,
    scale,
    onProgress: options.onProgress,
  });
}

/** The figures for probabilities, n x classes, against labels. */
export function describeResult(
  probabilities: Float32Array,
  labels: Uint8Array,
  emotions: readonly string[] = EMOTIONS,
): Omit<Evaluation, "split" | "unseen" | "tta" | "params"> {
  const classes = emotions.length;
  const answers = likeliest(probabilities, classes);
  const confusion = countConfusion(labels, answers, classes);
  const accuracy = accuracyOf(confusion);
  const bins = calibrationBins(probabilities, labels, classes);
  const n = labels.length;
  const temperature = fitTemperature(probabilities, labels, classes);
  const cooled = applyTemperature(probabilities, classes, temperature);
  return {
    n,
    accuracy,
    halfWidth: 1.96 * Math.sqrt(accuracy * (1 - accuracy) / n),
    macroF1: macroF1Of(confusion),
    loss: crossEntropy(probabilities, labels, classes),
    confusion,
    perClass: figuresPerClass(confusion).map((figures, k) => ({
      emotion: emotions[k],
      ...figures,
    })),
    ece: calibrationError(bins),
    bins,
    temperature,
    eceWithTemperature: calibrationError(
      calibrationBins(cooled, labels, classes),
    ),
    coverage: coverageCurve(probabilities, labels, classes),
  };
}

/**
 * Evaluates a model on one split.
 *
 * @throws {DatasetError} when the split has no faces
 * @throws {NetworkError} for a model that cannot be run on faces
 * @throws {MeaningError} when the model's classes are not those of the faces
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { evaluate } from "mien/evaluation/evaluate.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const faces = drawFaces({ count: 700, seed: 1 });
 * const { accuracy } = await evaluate(buildMiniXception(), faces, "PublicTest");
 * console.log(accuracy); // about one in seven, because it is not trained
 * ```
 */
export async function evaluate(
  model: tf.LayersModel,
  faces: Faces,
  split: Split,
  options: { tta?: boolean; onProgress?: (faces: number) => void } = {},
): Promise<Evaluation> {
  const { tta = false, onProgress } = options;
  const chosen = selectSplit(faces, split);
  const order = outputsOf(model, faces.emotions);
  const said = await predictFaces(model, chosen, { mirror: tta, onProgress });
  const probabilities = said.map((_, i) => {
    const label = i % order.length;
    return said[i - label + order[label]];
  });
  return {
    split,
    ...describeResult(probabilities, chosen.labels, faces.emotions),
    unseen: describeUnseen(faces, split, probabilities, chosen.labels),
    tta,
    params: model.countParams(),
  };
}

/**
 * The model's output for each of the faces' classes: the one with the same name, or by number if
 * the model has no names.
 */
function outputsOf(
  model: tf.LayersModel,
  emotions: readonly string[],
): number[] {
  const { emotions: own, named } = meaningOf(model);
  const order = emotions.map((emotion, k) => named ? own.indexOf(emotion) : k);
  if (own.length === emotions.length && !order.includes(-1)) return order;
  throw new MeaningError(
    `the model is for ${own.length} classes (${
      own.join(", ")
    }), but the faces show ${emotions.length} (${emotions.join(", ")})`,
  );
}

/** Accuracy is `null` if every face of the split is also in Training. */
function describeUnseen(
  faces: Faces,
  split: Split,
  probabilities: Float32Array,
  labels: Uint8Array,
): Evaluation["unseen"] {
  const seen = standsInTraining(faces, split);
  const answers = likeliest(probabilities, faces.emotions.length);
  const right = [...labels.keys()].filter((face) => !seen[face])
    .map((face) => answers[face] === labels[face]);
  const n = right.length;
  const accuracy = n === 0 ? null : right.filter(Boolean).length / n;
  return { n, accuracy };
}
