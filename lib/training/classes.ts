// The classes of a run are those of its faces. The network must have the same number and names.
import type * as tf from "@tensorflow/tfjs";
import { FACE_PIXELS } from "../emotions.ts";
import { meaningOf, nameEmotions } from "../model/emotions_of_model.ts";
import { type TrainingConfig, TrainingError } from "./config.ts";

/**
 * @param graph the sizes of the network's input and output
 * @param which what the message calls the network
 * @throws {TrainingError} when a network does not take faces, or has other classes than the faces
 */
export function checkShapes(
  graph: { inputSize: number; outputSize: number },
  which: string,
  emotions: readonly string[],
): void {
  const [inputs, outputs] = [graph.inputSize, graph.outputSize];
  if (inputs === FACE_PIXELS && outputs === emotions.length) return;
  throw new TrainingError(
    `${which} takes ${inputs} numbers and returns ${outputs}; it must take faces of 48x48x1 and return ${emotions.length} probabilities: ${
      emotions.join(", ")
    }`,
  );
}

/** @throws {TrainingError} when a network ends in a dense layer that does not return probabilities */
export function checkEnd(model: tf.LayersModel): void {
  const layer = model.outputs[0].sourceLayer as unknown as {
    name: string;
    getClassName(): string;
    activation?: { getClassName(): string };
  };
  if (layer.getClassName() !== "Dense") return;
  if (layer.activation?.getClassName() === "softmax") return;
  throw new TrainingError(
    `the network must end in a softmax, but its last layer ${layer.name} (Dense) has none: give it activation: "softmax", add tf.layers.softmax() after it, or train with a custom loss`,
  );
}

/**
 * Gives a network without class names those of the faces.
 *
 * @throws {TrainingError} when it has different names
 */
export function agreeOnClasses(
  model: tf.LayersModel,
  emotions: readonly string[],
): void {
  const { named, emotions: own } = meaningOf(model);
  if (!named) return nameEmotions(model, emotions);
  if (own.join() === emotions.join()) return;
  throw new TrainingError(
    `the network is for ${own.join(", ")}, but the faces show ${
      emotions.join(", ")
    }: give it a new output with replaceClasses, or the faces other classes with mapEmotions`,
  );
}

/**
 * One weight per class: "balanced" gives each class the same share of the loss.
 *
 * @throws {TrainingError} for more or fewer weights than classes, or none above 0
 */
export function resolveClassWeights(
  { classWeights }: TrainingConfig,
  labels: Uint8Array,
  classes: number,
): number[] | null {
  if (classWeights === null) return null;
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]++;
  if (classWeights !== "balanced") {
    if (classWeights.length !== classes) {
      throw new TrainingError(
        `classWeights has ${classWeights.length} numbers, but the faces have ${classes} classes`,
      );
    }
    if (counts.every((count, k) => count === 0 || classWeights[k] === 0)) {
      throw new TrainingError(
        "classWeights gives every class of the training faces the weight 0",
      );
    }
    return classWeights;
  }
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => count ? labels.length / (present * count) : 0);
}
