// The interface of the two engines that compute networks. create_engine.ts chooses one.
import type { NetworkGraph } from "../network/graph.ts";
import type { Workspace } from "../network/network.ts";
import type { TfjsGraph } from "./tfjs_graph.ts";

/** Computes a network; `Network` documents the members. */
export interface Engine {
  readonly graph: NetworkGraph;
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly statistics: Float32Array;
  readonly input: Float32Array;
  readonly targets: Float32Array;
  readonly outputs: Float32Array;
  predict(count: number): void;
  gradient(count: number, weights?: Float32Array, seed?: number): number;
  measure(count: number, seed?: number): void;
  workspace(): Workspace;
}

/** Whether TensorFlow.js computes a network. */
export function isForTfjs(graph: NetworkGraph): graph is TfjsGraph {
  return "topology" in graph;
}

/** The batch normalizations of a network: their momentum, and which weights are their statistics. */
export function normsOf(graph: NetworkGraph): TfjsGraph["norms"] {
  if (isForTfjs(graph)) return graph.norms;
  return graph.nodes.filter((node) => node.op === "norm");
}
