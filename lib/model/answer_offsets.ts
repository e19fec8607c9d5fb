// How readily a network gives each answer: offsets of the logits, folded into its last bias.
//
// A network learns how often each emotion occurs in its training data. Where it is used other
// emotions are common, and adding the logarithm of the ratio to the logits corrects for it (Menon
// et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314). The networks here end
// with a convolution, the mean over its map and soft-max, so that the offsets can be added to the
// convolution's bias: the corrected network costs nothing more.
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
  const last = model.layers.findLast((layer) => layer.weights.length > 0);
  const bias = last?.weights.find(({ name }) => name.endsWith("/bias"));
  if (!last || !bias || bias.shape[0] !== offsets.length) {
    throw new UserError(
      `${model.name}: its last layer with weights${
        last ? `, ${last.name},` : ""
      } has no bias of ${offsets.length} numbers to add the offsets to`,
    );
  }
  const sum = tf.tidy(() => tf.add(bias.read(), tf.tensor1d([...offsets])));
  bias.write(sum);
  sum.dispose();
}
