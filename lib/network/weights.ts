// Weights between a tf.layers model and the flat arrays of a network. Needs the
// model's own tfjs only.

import type * as tf from "@tensorflow/tfjs";
import { describeNetwork } from "./describe_network.ts";
import {
  type FlatWeights,
  NetworkError,
  type NetworkGraph,
  valuesOf,
} from "./graph.ts";

/** The model's variables in the graph's order. */
function variablesOf(graph: NetworkGraph, model: tf.LayersModel) {
  const own = describeNetwork(model).weights;
  const named = new Map(model.weights.map((w) => [w.name, w]));
  const shapes = (weights: typeof own) =>
    weights.map((w) => `${w.kind} ${w.shape}`).join("\n");
  if (shapes(own) !== shapes(graph.weights)) {
    throw new NetworkError(
      `model ${model.name} is another network: its weights have other shapes`,
    );
  }
  return own.map(({ name }) => named.get(name)!);
}

/**
 * Copies a model's weights, exactly, into flat arrays in the graph's order.
 *
 * @throws {NetworkError} where the model is not the graph's network
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { describeNetwork } from "mien/network/describe_network.ts";
 * import { readWeights } from "mien/network/weights.ts";
 *
 * const model = buildMiniXception();
 * const { parameters } = readWeights(describeNetwork(model), model);
 * console.log(parameters.length); // 56951
 * ```
 */
export function readWeights(
  graph: NetworkGraph,
  model: tf.LayersModel,
): FlatWeights {
  const flat = {
    parameters: new Float32Array(graph.parameters),
    statistics: new Float32Array(graph.statistics),
  };
  variablesOf(graph, model).forEach((variable, i) => {
    const values = variable.read().dataSync() as Float32Array;
    valuesOf(graph.weights[i], flat).set(values);
  });
  return flat;
}

/**
 * Copies weights from flat arrays, or a network, exactly into a model.
 *
 * @throws {NetworkError} where the model is not the graph's network
 */
export function writeWeights(
  graph: NetworkGraph,
  flat: FlatWeights,
  model: tf.LayersModel,
): void {
  variablesOf(graph, model).forEach((variable, i) => {
    const buffer = variable.read().bufferSync();
    buffer.values = valuesOf(graph.weights[i], flat).slice();
    const tensor = buffer.toTensor();
    variable.write(tensor);
    tensor.dispose();
  });
}

/** The L2 penalties of the parameters: what they add to the loss. */
export function penaltyOf(
  graph: NetworkGraph,
  parameters: Float32Array,
): number {
  let penalty = 0;
  for (const { kind, offset, shape, l2 } of graph.weights) {
    if (kind !== "parameter" || l2 === 0) continue;
    const length = shape.reduce((a, b) => a * b, 1);
    let sum = 0;
    for (let i = offset; i < offset + length; i++) sum += parameters[i] ** 2;
    penalty += l2 * sum;
  }
  return penalty;
}
