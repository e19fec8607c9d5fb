// Weights between a tf.layers model and flat arrays, for either engine.
import * as tf from "@tensorflow/tfjs";
import {
  type FlatWeights,
  type NetworkGraph,
  valuesOf,
} from "../network/graph.ts";
import {
  readWeights as readCompiled,
  writeWeights as writeCompiled,
} from "../network/weights.ts";
import { isForTfjs } from "./engine.ts";
import { variablesOf } from "./tfjs_graph.ts";

/** Copies a model's weights, exactly, into flat arrays in the graph's order. */
export function readWeights(
  graph: NetworkGraph,
  model: tf.LayersModel,
): FlatWeights {
  if (!isForTfjs(graph)) return readCompiled(graph, model);
  const flat = {
    parameters: new Float32Array(graph.parameters),
    statistics: new Float32Array(graph.statistics),
  };
  const variables = variablesOf(model).all;
  graph.weights.forEach((weight, i) =>
    valuesOf(weight, flat).set(variables[i].read().dataSync())
  );
  return flat;
}

/** Copies weights from flat arrays exactly into a model. */
export function writeWeights(
  graph: NetworkGraph,
  flat: FlatWeights,
  model: tf.LayersModel,
): void {
  if (!isForTfjs(graph)) return writeCompiled(graph, flat, model);
  const variables = variablesOf(model).all;
  graph.weights.forEach((weight, i) => {
    const { shape, dtype } = variables[i].read();
    const values = valuesOf(weight, flat).slice();
    tf.tidy(() => {
      variables[i].write(tf.tensor(values, shape).cast(dtype));
    });
  });
}
