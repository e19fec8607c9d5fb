// Weights between a tf.layers model and flat arrays, for either engine.
import * as tf from "@tensorflow/tfjs";
import type { NetworkGraph } from "../network/graph.ts";
import {
  type FlatWeights,
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
  const { trained, kept } = variablesOf(model);
  [...trained, ...kept].forEach((variable, i) => {
    const { kind, offset } = graph.weights[i];
    const array = kind === "parameter" ? flat.parameters : flat.statistics;
    array.set(variable.read().dataSync(), offset);
  });
  return flat;
}

/** Copies weights from flat arrays exactly into a model. */
export function writeWeights(
  graph: NetworkGraph,
  flat: FlatWeights,
  model: tf.LayersModel,
): void {
  if (!isForTfjs(graph)) return writeCompiled(graph, flat, model);
  const { trained, kept } = variablesOf(model);
  [...trained, ...kept].forEach((variable, i) => {
    const { kind, offset, shape } = graph.weights[i];
    const array = kind === "parameter" ? flat.parameters : flat.statistics;
    const length = shape.reduce((a, b) => a * b, 1);
    const { dtype } = variable.read();
    const values = array.slice(offset, offset + length);
    tf.tidy(() => {
      variable.write(tf.tensor(values, shape).cast(dtype));
    });
  });
}
