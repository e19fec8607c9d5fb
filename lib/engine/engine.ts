// What computes a network, as all that use it see it. Which of the two it is: create_engine.ts.
import type { NetworkGraph } from "../network/graph.ts";
import type { Workspace } from "../network/network.ts";
import type { TfjsGraph } from "./tfjs_graph.ts";

/** What computes a network; {@linkcode Network} says what each member means. */
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

/** The batch normalizations of a network: their momentum, and the places of their statistics. */
export function normsOf(graph: NetworkGraph): TfjsGraph["norms"] {
  if (isForTfjs(graph)) return graph.norms;
  return graph.nodes.filter((node) => node.op === "norm");
}
