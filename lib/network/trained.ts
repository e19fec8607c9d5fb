// From a tf.layers model to a network that is ready: as plain data, which goes to
// workers and pages, and compiled with its weights.

import type * as tf from "@tensorflow/tfjs";
import { describeNetwork } from "./describe_network.ts";
import type { NetworkGraph } from "./graph.ts";
import type { Scale } from "./input.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { readWeights } from "./weights.ts";

/** A trained network as plain data, so that it can go to a worker or page. */
export interface TrainedNetwork {
  readonly graph: NetworkGraph;
  /** All trained weights, flat, in the graph's order. */
  readonly parameters: Float32Array;
  /** Means and variances of batch normalization, flat. */
  readonly statistics: Float32Array;
  /** The names of its answers; the seven emotions, or numbers where there are not seven. */
  readonly emotions?: readonly string[];
  /** What black and white become in its input; by default this project's scale. */
  readonly scale?: Scale;
  /** The confidence below which its answers are unsure; 0, none. */
  readonly threshold?: number;
}

/**
 * A model as plain data.
 *
 * @throws {NetworkError} for a model with layers that the fast network lacks
 */
export function readTrained(model: tf.LayersModel): TrainedNetwork {
  const graph = describeNetwork(model);
  return { graph, ...readWeights(graph, model) };
}

/**
 * Compiles a trained network, with its weights.
 *
 * @throws {NetworkError} as {@linkcode Network.create} does
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { createTrained, readTrained } from "mien/network/trained.ts";
 *
 * const trained = readTrained(buildMiniXception());
 * const network = await createTrained(trained, { batch: 1, training: false });
 * network.predict(1); // of a gray face, all zero
 * ```
 */
export async function createTrained(
  { graph, parameters, statistics }: TrainedNetwork,
  options: NetworkOptions,
): Promise<Network> {
  const network = await Network.create(graph, options);
  network.parameters.set(parameters);
  network.statistics.set(statistics);
  return network;
}
