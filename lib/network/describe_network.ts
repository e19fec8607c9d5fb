// From a tf.layers model to its graph, the network as plain data (graph.ts).

import type * as tf from "@tensorflow/tfjs";
import { COMPILED_LAYERS } from "./compiled_layers.ts";
import { NetworkError, type NetworkGraph, sizeOf } from "./graph.ts";
import {
  GraphBuilder,
  type Layer,
  shapeOf,
  unsupported,
} from "./graph_builder.ts";

/**
 * Describes a `tf.layers` model as plain data for `Network`.
 *
 * Its layers must be among `COMPILED_LAYERS`, its activations among
 * `COMPILED_ACTIVATIONS`; one input, one output that ends in a softmax.
 *
 * @throws {NetworkError} naming a layer that is not supported, and why
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { describeNetwork } from "mien/network/describe_network.ts";
 *
 * const graph = describeNetwork(buildMiniXception());
 * console.log(graph.parameters); // 56951
 * ```
 */
export function describeNetwork(model: tf.LayersModel): NetworkGraph {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new NetworkError("a network has one input and one output");
  }
  const graph = new GraphBuilder();
  const nodeOf = new Map<number, number>();
  const visit = (tensor: tf.SymbolicTensor): number => {
    const known = nodeOf.get(tensor.id);
    if (known !== undefined) return known;
    const layer: Layer = tensor.sourceLayer;
    if (layer.inboundNodes.length > 1) {
      throw unsupported(layer, "use in two places");
    }
    const inputs = (tensor.inputs as tf.SymbolicTensor[]).map(visit);
    const kind = layer.getClassName();
    if (!Object.hasOwn(COMPILED_LAYERS, kind)) {
      throw unsupported(layer, "this kind of layer");
    }
    const output = shapeOf(layer, tensor);
    const node = COMPILED_LAYERS[kind](graph, layer, {
      input: inputs[0],
      inputs,
      output,
    });
    nodeOf.set(tensor.id, node);
    return node;
  };
  const last = visit(model.outputs[0]);
  const { nodes, weights, parameters, statistics } = graph;
  const end = nodes[last];
  if (end.op !== "activation" || end.kind !== "softmax") {
    const layer: Layer = model.outputs[0].sourceLayer;
    throw new NetworkError(
      `the network must end in a softmax, but its last layer ${layer.name} (${layer.getClassName()}) has none: give it activation: "softmax", or add tf.layers.softmax() after it`,
    );
  }
  const early = nodes.find((node, i) =>
    node.op === "activation" && node.kind === "softmax" && i !== last
  );
  if (early) {
    throw new NetworkError(`softmax inside the network: ${early.name}`);
  }
  if (end.shape[0] * end.shape[1] !== 1) {
    throw new NetworkError(`the output must be a vector, not [${end.shape}]`);
  }
  return {
    nodes,
    weights,
    parameters,
    statistics,
    inputSize: sizeOf(nodes.find((node) => node.op === "input")!.shape),
    outputSize: sizeOf(end.shape),
  };
}
