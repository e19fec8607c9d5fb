// Creates the engine of a network, in any thread and in browsers. The network's description decides
// which of the two it is (describe_model.ts).
import type * as tf from "@tensorflow/tfjs";
import { NetworkError, type NetworkGraph } from "../network/graph.ts";
import { Network, type NetworkOptions } from "../network/network.ts";
import { type Engine, isForTfjs } from "./engine.ts";
import type { Loss, TfjsGraph } from "./tfjs_graph.ts";

/**
 * Creates the engine of a network, without its weights.
 *
 * @param own what cannot be sent to another thread: the model itself, which then holds the weights,
 * and a custom loss
 * @throws {NetworkError} as `Network.create` does, or for a layer that is unknown in this thread
 */
export async function createEngine(
  graph: NetworkGraph | TfjsGraph,
  options: NetworkOptions,
  own: { model?: tf.LayersModel; loss?: Loss } = {},
): Promise<Engine> {
  if (!isForTfjs(graph)) return await Network.create(graph, options);
  // Imported here, so that pages and workers without such a network do not load TensorFlow.js.
  const { TfjsEngine } = await import("./tfjs_engine.ts").catch((error) => {
    throw new NetworkError(
      `${graph.reason}, and TensorFlow.js is not available here (${error.message})`,
    );
  });
  return await TfjsEngine.create(graph, options, own);
}
