// Fine-tuning: the first layers of a network stay unchanged while the others learn.
//
// A frozen batch normalization uses its own statistics, as in prediction: those of a batch, with the few
// faces used for fine-tuning, would undo what was learned. During training, it becomes a scale and a bias
// per channel in a compiled network.
import type * as tf from "@tensorflow/tfjs";
import { isForTfjs } from "../engine/engine.ts";
import { flatLayers } from "../engine/tfjs_graph.ts";
import { readWeights } from "../engine/weights.ts";
import type {
  FlatWeights,
  NetworkGraph,
  NetworkNode,
} from "../network/graph.ts";
import { TrainingError } from "./config.ts";

/** A range in a flat array. */
export type Range = [from: number, to: number];

/** A network in the form in which it is trained. */
export interface Frozen extends FlatWeights {
  /** The network, whose first parameters are those of the model. */
  graph: NetworkGraph;
  /** Weights that must not change. */
  parameterRanges: Range[];
  statisticRanges: Range[];
}

/**
 * A network with its first layers frozen, and those that are not `trainable`.
 *
 * @param freeze how many layers; the name of the last one; "block3" for all up to the end of the third
 * residual block; `null` for none
 * @throws {TrainingError} when there is no such layer, or nothing is left to train
 */
export function freezeLayers(
  graph: NetworkGraph,
  model: tf.LayersModel,
  freeze: number | string | null = null,
): Frozen {
  const weights = readWeights(graph, model);
  const names = frozenNames(model, freeze);
  const layers = flatLayers(model).filter(({ name }) => names.has(name));
  const held = new Set<string>(
    layers.flatMap((layer) =>
      (layer.weights as { name: string }[]).map(({ name }) => name)
    ),
  );
  if (held.size === 0) {
    return { graph, ...weights, parameterRanges: [], statisticRanges: [] };
  }
  const rangesOf = (kind: "parameter" | "statistic"): Range[] =>
    graph.weights.filter((w) => w.kind === kind && held.has(w.name))
      .map(({ offset, shape }) => [
        offset,
        offset + shape.reduce((a, b) => a * b, 1),
      ]);
  const parameterRanges = rangesOf("parameter");
  const size = parameterRanges.reduce((sum, [from, to]) => sum + to - from, 0);
  if (size === graph.parameters) {
    throw new TrainingError(`freeze ${freeze} leaves no weight to train`);
  }
  const still: NetworkGraph = {
    ...graph,
    weights: graph.weights.map((weight) =>
      held.has(weight.name) ? { ...weight, l2: 0, decays: false } : weight
    ),
  };
  const ranges = { parameterRanges, statisticRanges: rangesOf("statistic") };
  if (isForTfjs(still)) {
    still.frozenNorms = still.norms.filter(({ name }) => names.has(name))
      .map(({ name }) => name);
    still.norms = still.norms.filter(({ name }) => !names.has(name));
    return { graph: still, ...weights, ...ranges };
  }
  const added = holdNorms(still, weights, names);
  const parameters = new Float32Array(still.parameters);
  parameters.set(weights.parameters);
  parameters.set(added, graph.parameters);
  ranges.parameterRanges.push([graph.parameters, still.parameters]);
  return {
    graph: still,
    parameters,
    statistics: weights.statistics,
    ...ranges,
  };
}

/** The names of the frozen layers. */
function frozenNames(
  model: tf.LayersModel,
  freeze: number | string | null,
): Set<string> {
  const layers = flatLayers(model);
  const names = layers.map(({ name }) => name as string);
  const fixed = names.filter((_, i) => layers[i].trainable === false);
  const block = /^block(\d+)$/.exec(String(freeze))?.[1];
  let end = Number(freeze ?? 0);
  if (typeof freeze === "string") {
    end = names.indexOf(freeze) + 1;
    if (end === 0 && block) {
      const ends = layers.flatMap((layer, i) =>
        layer.getClassName() === "Add" ? [i + 1] : []
      );
      end = ends[Number(block) - 1] ?? 0;
    }
    if (end === 0) {
      throw new TrainingError(
        `freeze "${freeze}": there is no such layer; the layers are ${
          names.join(", ")
        }`,
      );
    }
  }
  return new Set([...fixed, ...names.slice(0, end)]);
}

/** Turns frozen normalizations of a compiled network into scales and biases, which it returns. */
function holdNorms(
  graph: NetworkGraph,
  { parameters, statistics }: FlatWeights,
  names: Set<string>,
): Float32Array {
  const added: number[] = [];
  const weights = [...graph.weights];
  const add = (name: string, shape: number[], values: number[]): number => {
    const offset = graph.parameters + added.length;
    const kind = "parameter" as const;
    weights.push({ name, shape, kind, offset, l2: 0, decays: false });
    added.push(...values);
    return weights.length - 1;
  };
  graph.nodes = graph.nodes.map((node): NetworkNode => {
    if (node.op !== "norm" || !names.has(node.name)) return node;
    const { name, inputs, shape } = node;
    const channels = shape[2];
    const read = (index: number | null, flat: Float32Array, usual: number) =>
      Array.from(
        { length: channels },
        (_, c) => index === null ? usual : flat[weights[index].offset + c],
      );
    const gamma = read(node.gamma, parameters, 1);
    const beta = read(node.beta, parameters, 0);
    const mean = read(node.mean, statistics, 0);
    const variance = read(node.variance, statistics, 1);
    const scale = gamma.map((g, c) =>
      g / Math.sqrt(variance[c] + node.epsilon)
    );
    const bias = beta.map((b, c) => b - mean[c] * scale[c]);
    return {
      name,
      inputs,
      shape,
      op: "depthwise",
      window: {
        size: [1, 1],
        strides: [1, 1],
        dilation: [1, 1],
        top: 0,
        left: 0,
      },
      kernel: add(`${name}/frozen_scale`, [1, 1, channels, 1], scale),
      bias: add(`${name}/frozen_bias`, [channels], bias),
    };
  });
  graph.weights = weights;
  graph.parameters += added.length;
  return Float32Array.from(added);
}
