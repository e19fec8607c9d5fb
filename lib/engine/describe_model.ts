// Chooses the engine that computes a network: our compiled kernels if they support all of its layers,
// otherwise TensorFlow.js with the gradient kernels of tfjs_kernels/. Training, evaluation and
// recognition use either. Both keep weights in flat arrays, so that optimizer, checkpoints and
// resuming are the same.
import type * as tf from "@tensorflow/tfjs";
import { describeNetwork } from "../network/describe_network.ts";
import { NetworkError, type NetworkGraph } from "../network/graph.ts";
import { isForTfjs } from "./engine.ts";
import { describeForTfjs, type Loss, type TfjsGraph } from "./tfjs_graph.ts";

/** How much longer TensorFlow.js takes: 1.9 times for a step of mini-Xception with 64 faces in one thread. */
const TIMES_SLOWER = 2;

/**
 * A network as plain data: for the compiled kernels if they support all of its layers, otherwise for
 * TensorFlow.js, with the reason.
 *
 * @param loss a custom loss, which only TensorFlow.js computes
 * @throws {NetworkError} for a model with several inputs or outputs
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { describeModel } from "mien/engine/describe_model.ts";
 * import { isForTfjs } from "mien/engine/engine.ts";
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.flatten({ inputShape: [48, 48, 1] }),
 *     tf.layers.dense({ units: 2, activation: "selu" }),
 *     tf.layers.softmax(),
 *   ],
 * });
 * console.log(isForTfjs(describeModel(model))); // true: selu is not compiled
 * ```
 */
export function describeModel(
  model: tf.LayersModel,
  loss?: Loss,
): NetworkGraph | TfjsGraph {
  if (loss) return describeForTfjs(model, "a custom loss is not compiled");
  try {
    return describeNetwork(model);
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    const reason = error.message.replace(
      / is not supported(;.*)?$/s,
      " is not compiled",
    );
    return describeForTfjs(model, reason);
  }
}

/** One line for the user: which engine runs and why. */
export function describeEngine(graph: NetworkGraph): string {
  return isForTfjs(graph)
    ? `${graph.reason}: TensorFlow.js computes the network, about ${TIMES_SLOWER} times slower`
    : "all layers are compiled: the fast engine computes the network";
}
