// Changes how readily and how confidently a network gives each answer: offsets and a temperature for
// its logits, folded into its last weights.
//
// A network learns how often each emotion occurs in its training data. In other data, other emotions
// may be common; adding the logarithm of the ratio to the logits corrects for this (Menon et al. 2021,
// "Long-tail learning via logit adjustment", arXiv 2007.07314). The networks here end with a
// convolution, the mean over its map, and a softmax, so offsets can be added to the convolution's bias
// at no extra cost. A temperature, which makes confidence match accuracy (Guo et al. 2017, "On
// calibration of modern neural networks", arXiv 1706.04599), is free too. A network that learned from
// votes is underconfident.
import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../user_error.ts";

/**
 * Adds an offset, in nats, to the logit of each answer. Changes the model in place.
 *
 * @param offsets one for each answer; the same number for all changes nothing
 * @throws {UserError} when the last layer with weights has no bias of that length
 *
 * @example
 * ```ts
 * import { addOffsets } from "mien/model/answer_offsets.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const model = buildMiniXception();
 * addOffsets(model, [0, 0, -0.5, 0, 0, 0.5, 0]); // less fear, more surprise
 * ```
 */
export function addOffsets(
  model: tf.LayersModel,
  offsets: readonly number[],
): void {
  const { bias } = lastWeights(model, offsets.length);
  const sum = tf.tidy(() => tf.add(bias.read(), tf.tensor1d([...offsets])));
  bias.write(sum);
  sum.dispose();
}

/**
 * Divides the logits by a temperature: below 1 makes the model more confident, above 1 less confident.
 * Its answers stay the same. Changes the model in place.
 *
 * @param temperature above 0
 * @throws {UserError} when the last layer with weights has no bias, or for a temperature that is
 * not above 0
 *
 * @example
 * ```ts
 * import { divideLogits } from "mien/model/answer_offsets.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const model = buildMiniXception();
 * divideLogits(model, 0.7); // more confident
 * ```
 */
export function divideLogits(model: tf.LayersModel, temperature: number): void {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new UserError(
      `the temperature must be a number above 0, not ${temperature}`,
    );
  }
  const answers = model.outputs[0].shape.at(-1)!;
  for (const weight of lastWeights(model, answers).all) {
    const scaled = tf.div(weight.read(), temperature);
    weight.write(scaled);
    scaled.dispose();
  }
}

/** The weights of the last layer with weights; the logits are linear in them. */
function lastWeights(model: tf.LayersModel, answers: number) {
  const last = model.layers.findLast((layer) => layer.weights.length > 0);
  const bias = last?.weights.find(({ shape }) => shape.length === 1);
  if (last && bias?.shape[0] === answers) return { all: last.weights, bias };
  throw new UserError(
    `${model.name}: its last layer with weights${
      last ? `, ${last.name},` : ""
    } has no bias with ${answers} values to change`,
  );
}
