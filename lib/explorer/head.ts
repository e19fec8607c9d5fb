/**
 * The last layer of a network: the exact reason for an answer, and retraining
 * for other classes, for which TensorFlow.js would make the page several times as
 * large.
 *
 * Our networks end in a linear layer and means: each class's score is a sum of
 * one number for each position of the last maps. So the map of a class is not
 * an estimate, and training the last layer is a small convex problem, solved
 * in a second. Networks that end differently have no such maps.
 *
 * @module
 */
import { indexOfLargest } from "../emotions.ts";
import { createRandom } from "../random.ts";
import {
  NetworkError,
  type NetworkGraph,
  type NetworkNode,
} from "../network/graph.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { scoreNode, visitWindow, weightOf, withoutDropout } from "./forward.ts";

/** A class's score as a sum over positions. */
export interface ScoreMap {
  /** What each position adds to the score, row by row. */
  readonly parts: Float32Array;
  /** What is added for every face. */
  readonly bias: number;
  /** `bias` and the sum of `parts`. */
  readonly score: number;
}

/** The score maps of all classes. */
export interface ScoreMaps {
  readonly height: number;
  readonly width: number;
  readonly classes: readonly ScoreMap[];
}

type Conv = Extract<NetworkNode, { op: "conv" | "depthwise" }>;

interface Head {
  readonly conv: number;
  /** Whether the mean over positions comes after the layer or before it. */
  readonly mean: "after" | "before" | "none";
  /** The node whose positions the maps have. */
  readonly maps: number;
}

function findHead(graph: NetworkGraph): Head | undefined {
  const before = (index: number) =>
    withoutDropout(graph, graph.nodes[index].inputs[0]);
  const end = scoreNode(graph);
  if (graph.nodes[end].op === "globalAverage") {
    const conv = before(end);
    if (graph.nodes[conv].op !== "conv") return undefined;
    return { conv, mean: "after", maps: conv };
  }
  if (graph.nodes[end].op !== "conv") return undefined;
  const source = before(end);
  if (graph.nodes[source].op === "globalAverage") {
    return { conv: end, mean: "before", maps: before(source) };
  }
  return { conv: end, mean: "none", maps: source };
}

/**
 * Why the network answers as it does: for each class, what each position of the
 * last maps adds to its score.
 *
 * @param values what `traceLayers` returned
 * @returns nothing if the network does not end in a linear layer
 *
 * @example
 * ```ts
 * import { traceLayers } from "mien/explorer/forward.ts";
 * import { mapScores } from "mien/explorer/head.ts";
 * import { loadTrained } from "mien/recognition/recognize.ts";
 * const network = await loadTrained();
 * const values = traceLayers(network, new Float32Array(48 * 48));
 * console.log(mapScores(network, values)?.classes.length); // 7
 * ```
 */
export function mapScores(
  network: TrainedNetwork,
  values: readonly Float32Array[],
): ScoreMaps | undefined {
  const head = findHead(network.graph);
  if (!head) return undefined;
  const { graph } = network;
  const conv = graph.nodes[head.conv] as Conv;
  const [height, width, depth] = graph.nodes[head.maps].shape;
  const positions = height * width, classes = graph.outputSize;
  const kernel = weightOf(network, conv.kernel);
  const biases = conv.bias === null ? null : weightOf(network, conv.bias);
  const maps = values[head.maps];
  const share = head.mean === "none" ? 1 : 1 / positions;
  return {
    height,
    width,
    classes: Array.from({ length: classes }, (_, k) => {
      const bias = biases?.[k] ?? 0;
      const parts = Float32Array.from({ length: positions }, (_, p) => {
        if (head.mean === "after") {
          return (maps[p * classes + k] - bias) * share;
        }
        const first = head.mean === "none" ? p * depth : 0;
        let sum = 0;
        for (let c = 0; c < depth; c++) {
          sum += maps[p * depth + c] * kernel[(first + c) * classes + k];
        }
        return sum * share;
      });
      return { parts, bias, score: parts.reduce((a, b) => a + b, bias) };
    }),
  };
}

/**
 * What the last layer sees: as many numbers as its kernel has for a class.
 * A class's score is the sum of their products with the kernel.
 *
 * @throws {NetworkError} if the network does not end in a linear layer
 */
export function headFeatures(
  { graph }: TrainedNetwork,
  values: readonly Float32Array[],
): Float32Array {
  const { node: { window, inputs, shape } } = headOf(graph);
  const input = values[inputs[0]];
  const [height, width, depth] = graph.nodes[inputs[0]].shape;
  const [rows, columns] = shape;
  const features = new Float32Array(window.size[0] * window.size[1] * depth);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      visitWindow(window, [y, x], [height, width], (place, tap) => {
        for (let c = 0; c < depth; c++) {
          features[tap * depth + c] += input[place * depth + c] /
            (rows * columns);
        }
      });
    }
  }
  return features;
}

function headOf(graph: NetworkGraph): { head: Head; node: Conv } {
  const head = findHead(graph);
  if (!head) {
    throw new NetworkError(
      "the network does not end in a linear layer, the only kind trained here",
    );
  }
  return { head, node: graph.nodes[head.conv] as Conv };
}

/** Examples of the user's own classes. */
export interface HeadExamples {
  /** What `headFeatures` returned for each example. */
  readonly features: readonly Float32Array[];
  /** The class of each example. */
  readonly labels: readonly number[];
  readonly classes: number;
}

/** A last layer, with a kernel of features x classes, and how well it fits. */
export interface TrainedHead {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  /** Accuracy on every fourth example, for a head that was not trained on these. */
  readonly heldOut: number | null;
}

/**
 * Trains a last layer: softmax regression on standardized features, all
 * classes weighted equally, with an L2 penalty; gradient descent with Adam.
 * Deterministic.
 *
 * @throws {RangeError} with fewer than two classes or a class without examples
 */
export function trainHead(examples: HeadExamples): TrainedHead {
  const { labels, classes } = examples;
  const counts = countLabels(labels, classes);
  if (classes < 2 || counts.some((count) => count === 0)) {
    throw new RangeError("at least two classes are needed, each with examples");
  }
  const held = (i: number) => rankWithin(labels, i) % 4 === 3;
  const all = labels.map((_, i) => i);
  let heldOut: number | null = null;
  if (counts.every((count) => count >= 4)) {
    const some = fit(examples, all.filter((i) => !held(i)));
    const tested = all.filter(held);
    const right = tested.filter((i) =>
      bestOf(some, examples.features[i], classes) === labels[i]
    );
    heldOut = right.length / tested.length;
  }
  return { ...fit(examples, all), heldOut };
}

function countLabels(labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]++;
  return counts;
}

/** How many examples of the same class come before. */
function rankWithin(labels: readonly number[], index: number): number {
  return labels.slice(0, index).filter((label) => label === labels[index])
    .length;
}

type Linear = Pick<TrainedHead, "kernel" | "bias">;

function bestOf(
  { kernel, bias }: Linear,
  features: Float32Array,
  classes: number,
): number {
  const scores = bias.slice();
  for (let f = 0; f < features.length; f++) {
    for (let k = 0; k < classes; k++) {
      scores[k] += features[f] * kernel[f * classes + k];
    }
  }
  return indexOfLargest(scores);
}

/** The factor of the mean squared weight, on standardized features. */
const PENALTY = 0.02;

const STEPS = 150;

function fit(
  { features, labels, classes }: HeadExamples,
  chosen: readonly number[],
): Linear {
  const size = features[0].length;
  const { means, scales } = standardize(chosen.map((i) => features[i]));
  const rows = chosen.map((i) =>
    features[i].map((value, f) => (value - means[f]) * scales[f])
  );
  const targets = chosen.map((i) => labels[i]);
  const counts = countLabels(targets, classes);
  const length = (size + 1) * classes;
  const random = createRandom(1);
  const weights = Float32Array.from(
    { length },
    (_, i) => i < size * classes ? 0.001 * random.normal() : 0,
  );
  const first = new Float32Array(length), second = new Float32Array(length);
  const slope = new Float32Array(length), answer = new Float64Array(classes);
  for (let step = 1; step <= STEPS; step++) {
    for (let i = 0; i < length; i++) {
      slope[i] = i < size * classes ? PENALTY * weights[i] : 0;
    }
    for (const [r, row] of rows.entries()) {
      for (let k = 0; k < classes; k++) answer[k] = weights[size * classes + k];
      for (let f = 0, at = 0; f < size; f++) {
        for (let k = 0; k < classes; k++) answer[k] += row[f] * weights[at++];
      }
      const most = Math.max(...answer);
      let sum = 0;
      for (let k = 0; k < classes; k++) {
        sum += answer[k] = Math.exp(answer[k] - most);
      }
      const weight = 1 / (classes * counts[targets[r]]);
      for (let k = 0; k < classes; k++) {
        answer[k] = weight *
          (answer[k] / sum - (k === targets[r] ? 1 : 0));
        slope[size * classes + k] += answer[k];
      }
      for (let f = 0, at = 0; f < size; f++) {
        for (let k = 0; k < classes; k++) slope[at++] += row[f] * answer[k];
      }
    }
    for (let i = 0; i < length; i++) {
      first[i] = 0.9 * first[i] + 0.1 * slope[i];
      second[i] = 0.99 * second[i] + 0.01 * slope[i] ** 2;
      const mean = first[i] / (1 - 0.9 ** step);
      const spread = Math.sqrt(second[i] / (1 - 0.99 ** step));
      weights[i] -= 0.02 * mean / (spread + 1e-8);
    }
  }
  // Back to the features as the network computes them.
  const kernel = weights.slice(0, size * classes);
  const bias = weights.slice(size * classes);
  for (let f = 0; f < size; f++) {
    for (let k = 0; k < classes; k++) {
      kernel[f * classes + k] *= scales[f];
      bias[k] -= means[f] * kernel[f * classes + k];
    }
  }
  return { kernel, bias };
}

function standardize(rows: readonly Float32Array[]) {
  const means = new Float32Array(rows[0].length);
  const scales = new Float32Array(rows[0].length);
  for (let f = 0; f < means.length; f++) {
    let sum = 0, squares = 0;
    for (const row of rows) sum += row[f];
    means[f] = sum / rows.length;
    for (const row of rows) squares += (row[f] - means[f]) ** 2;
    const deviation = Math.sqrt(squares / rows.length);
    // A constant feature says nothing.
    scales[f] = deviation > 1e-5 ? 1 / deviation : 0;
  }
  return { means, scales };
}

/**
 * The network with another last layer, for as many classes as that has.
 *
 * @throws {NetworkError} if the last layer has no bias or is not linear
 */
export function replaceHead(
  network: TrainedNetwork,
  { kernel, bias }: Linear,
): TrainedNetwork {
  const { node, head } = headOf(network.graph);
  if (node.bias === null) {
    throw new NetworkError(`layer ${node.name} has no bias`);
  }
  const classes = bias.length;
  const replaced = new Map([[node.kernel, kernel], [node.bias, bias]]);
  const flat = { parameter: [] as number[], statistic: [] as number[] };
  const weights = network.graph.weights.map((weight, index) => {
    const values = replaced.get(index) ?? weightOf(network, index);
    const all = flat[weight.kind];
    const offset = all.length;
    for (const value of values) all.push(value);
    const shape = replaced.has(index)
      ? [...weight.shape.slice(0, -1), classes]
      : weight.shape;
    return { ...weight, shape, offset };
  });
  const nodes = network.graph.nodes.map((each, index): NetworkNode =>
    index < head.conv ? each : {
      ...each,
      shape: [each.shape[0], each.shape[1], classes],
    }
  );
  return {
    graph: {
      ...network.graph,
      nodes,
      weights,
      outputSize: classes,
      parameters: flat.parameter.length,
      statistics: flat.statistic.length,
    },
    scale: network.scale,
    parameters: Float32Array.from(flat.parameter),
    statistics: Float32Array.from(flat.statistic),
  };
}
