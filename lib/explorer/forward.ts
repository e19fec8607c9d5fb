/**
 * A forward pass that keeps everything: the values of every layer, computed
 * layer by layer in plain TypeScript. This is the version to read and inspect;
 * `network/network.ts` is the fast one, and both agree.
 *
 * Left out: training (see `network/compiler/`).
 *
 * @module
 */
import {
  type NetworkGraph,
  type NetworkNode,
  type Shape,
  valuesOf,
  type Window,
} from "../network/graph.ts";
import type { TrainedNetwork } from "../network/trained.ts";

type Node<Op extends NetworkNode["op"]> = Extract<NetworkNode, { op: Op }>;

/** The values of one of the network's weight arrays, flat. */
export function weightOf(
  network: TrainedNetwork,
  index: number,
): Float32Array {
  return valuesOf(network.graph.weights[index], network);
}

/** The first input row or column that a window covers at an output position. */
export function windowStart(window: Window, axis: 0 | 1, at: number): number {
  return at * window.strides[axis] - (axis === 0 ? window.top : window.left);
}

/**
 * The values of every node of a network for one face, in the graph's order;
 * each is rows x columns x channels, flat.
 *
 * @param input 48 x 48 values from -1 to 1
 *
 * @example
 * ```ts
 * import { traceLayers } from "mien/explorer/forward.ts";
 * import { loadTrained } from "mien/recognition/recognize.ts";
 * const values = traceLayers(await loadTrained(), new Float32Array(48 * 48));
 * console.log(values.at(-1)); // seven probabilities
 * ```
 */
export function traceLayers(
  network: TrainedNetwork,
  input: Float32Array,
): Float32Array[] {
  const values: Float32Array[] = [];
  for (const node of network.graph.nodes) {
    values.push(computeNode(network, node, values, input));
  }
  return values;
}

function computeNode(
  network: TrainedNetwork,
  node: NetworkNode,
  values: readonly Float32Array[],
  input: Float32Array,
): Float32Array {
  const given = node.inputs.map((index) => values[index]);
  const shapes = node.inputs.map((index) => network.graph.nodes[index].shape);
  switch (node.op) {
    case "input":
      return input;
    case "conv":
    case "depthwise":
      return convolve(network, node, given[0], shapes[0]);
    case "norm":
      return normalize(network, node, given[0]);
    case "activation":
      return activate(node, given[0]);
    case "prelu": {
      // One slope a channel, or one a value.
      const slopes = weightOf(network, node.alpha);
      return given[0].map((value, i) =>
        value > 0 ? value : value * slopes[i % slopes.length]
      );
    }
    case "layerNorm":
      return normalizePixels(network, node, given[0]);
    case "concatenate":
      return concatenate(given, shapes, node.shape);
    case "pad":
      return pad(node, given[0], shapes[0]);
    case "maxPool":
    case "averagePool":
      return pool(node, given[0], shapes[0]);
    case "globalAverage":
      return averageAll(given[0], node.shape[2]);
    case "add":
      return given[0].map((value, i) => value + given[1][i]);
    case "multiply": {
      // One factor per channel, or one per value.
      const factors = given[1];
      return given[0].map((value, i) => value * factors[i % factors.length]);
    }
    case "flatten":
    case "dropout": // Active only during training.
    case "noise":
      return given[0];
  }
}

function convolve(
  network: TrainedNetwork,
  { op, window, kernel, bias, shape: [rows, columns, channels] }: Node<
    "conv" | "depthwise"
  >,
  input: Float32Array,
  [height, width, depth]: Shape,
): Float32Array {
  // window x depth x channels; depthwise, window x channels
  const weights = weightOf(network, kernel);
  const output = new Float32Array(rows * columns * channels);
  const biases = bias === null ? null : weightOf(network, bias);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, to += channels) {
      if (biases) output.set(biases, to);
      visitWindow(window, [y, x], [height, width], (place, tap) => {
        if (op === "depthwise") {
          for (let k = 0; k < channels; k++) {
            output[to + k] += input[place * channels + k] *
              weights[tap * channels + k];
          }
          return;
        }
        let at = tap * depth * channels;
        for (let c = 0; c < depth; c++, at += channels) {
          const value = input[place * depth + c];
          if (value === 0) continue;
          for (let k = 0; k < channels; k++) {
            output[to + k] += value * weights[at + k];
          }
        }
      });
    }
  }
  return output;
}

/** Scale and shift of a batch normalization for one channel. */
export function normOf(
  network: TrainedNetwork,
  { gamma, beta, mean, variance, epsilon }: Node<"norm">,
  channel: number,
): {
  mean: number;
  gamma: number;
  beta: number;
  deviation: number;
} {
  return {
    mean: weightOf(network, mean)[channel],
    deviation: Math.sqrt(weightOf(network, variance)[channel] + epsilon),
    gamma: gamma === null ? 1 : weightOf(network, gamma)[channel],
    beta: beta === null ? 0 : weightOf(network, beta)[channel],
  };
}

function normalize(
  network: TrainedNetwork,
  node: Node<"norm">,
  input: Float32Array,
): Float32Array {
  const channels = node.shape[2];
  const output = new Float32Array(input.length);
  for (let k = 0; k < channels; k++) {
    const { mean, deviation, gamma, beta } = normOf(network, node, k);
    for (let i = k; i < input.length; i += channels) {
      output[i] = (input[i] - mean) / deviation * gamma + beta;
    }
  }
  return output;
}

/** Mean and spread of a pixel's channels, from the first one on, and what layer normalization makes of it. */
export function pixelNormOf(
  network: TrainedNetwork,
  { gamma, beta, epsilon, shape: [, , channels] }: Node<"layerNorm">,
  input: Float32Array,
  first: number,
  channel: number,
): ReturnType<typeof normOf> {
  const pixel = input.subarray(first, first + channels);
  const mean = pixel.reduce((a, b) => a + b, 0) / channels;
  const variance = pixel.reduce((sum, x) => sum + (x - mean) ** 2, 0) /
    channels;
  return {
    mean,
    deviation: Math.sqrt(variance + epsilon),
    gamma: gamma === null ? 1 : weightOf(network, gamma)[channel],
    beta: beta === null ? 0 : weightOf(network, beta)[channel],
  };
}

function normalizePixels(
  network: TrainedNetwork,
  node: Node<"layerNorm">,
  input: Float32Array,
): Float32Array {
  const channels = node.shape[2];
  return input.map((value, i) => {
    const channel = i % channels;
    const { mean, deviation, gamma, beta } = pixelNormOf(
      network,
      node,
      input,
      i - channel,
      channel,
    );
    return (value - mean) / deviation * gamma + beta;
  });
}

function concatenate(
  given: Float32Array[],
  shapes: readonly Shape[],
  [rows, columns, channels]: Shape,
): Float32Array {
  const output = new Float32Array(rows * columns * channels);
  for (let pixel = 0, to = 0; pixel < rows * columns; pixel++) {
    given.forEach((values, i) => {
      const own = shapes[i][2];
      output.set(values.subarray(pixel * own, (pixel + 1) * own), to);
      to += own;
    });
  }
  return output;
}

function pad(
  { top, left, shape: [rows, columns, channels] }: Node<"pad">,
  input: Float32Array,
  [height, width]: Shape,
): Float32Array {
  const output = new Float32Array(rows * columns * channels);
  const line = width * channels;
  for (let y = 0; y < height; y++) {
    const to = ((y + top) * columns + left) * channels;
    output.set(input.subarray(y * line, (y + 1) * line), to);
  }
  return output;
}

function activate(
  { kind, alpha = 0 }: Node<"activation">,
  input: Float32Array,
): Float32Array {
  switch (kind) {
    case "relu":
      return input.map((value) => Math.max(0, value));
    case "leakyRelu":
      return input.map((value) => value > 0 ? value : value * alpha);
    case "elu":
      return input.map((value) => value > 0 ? value : Math.expm1(value));
    case "tanh":
      return input.map(Math.tanh);
    case "sigmoid":
      return input.map((value) => 1 / (1 + Math.exp(-value)));
    case "swish":
      return input.map((value) => value / (1 + Math.exp(-value)));
    case "softmax": {
      const most = input.reduce((a, b) => Math.max(a, b), -Infinity);
      const powers = input.map((value) => Math.exp(value - most));
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.map((power) => power / sum);
    }
  }
}

function pool(
  { op, window, shape: [rows, columns, channels] }: Node<
    "maxPool" | "averagePool"
  >,
  input: Float32Array,
  [height, width]: Shape,
): Float32Array {
  const output = new Float32Array(rows * columns * channels);
  for (let y = 0, to = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const places: number[] = [];
      visitWindow(window, [y, x], [height, width], (at) => places.push(at));
      for (let k = 0; k < channels; k++, to++) {
        let most = -Infinity, sum = 0;
        for (const place of places) {
          const value = input[place * channels + k];
          most = Math.max(most, value);
          sum += value;
        }
        output[to] = op === "maxPool" ? most : sum / places.length;
      }
    }
  }
  return output;
}

/**
 * Visits the positions, row * width + column, that a window covers, each with
 * its number in the window; padding is left out.
 */
export function visitWindow(
  window: Window,
  [y, x]: readonly [y: number, x: number],
  [height, width]: readonly [height: number, width: number],
  visit: (place: number, tap: number) => void,
): void {
  const [high, wide] = window.size, [down, across] = window.dilation;
  for (let ky = 0; ky < high; ky++) {
    const row = windowStart(window, 0, y) + ky * down;
    if (row < 0 || row >= height) continue;
    for (let kx = 0; kx < wide; kx++) {
      const column = windowStart(window, 1, x) + kx * across;
      if (column < 0 || column >= width) continue;
      visit(row * width + column, ky * wide + kx);
    }
  }
}

function averageAll(input: Float32Array, channels: number): Float32Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < input.length; i++) sums[i % channels] += input[i];
  const positions = input.length / channels;
  return Float32Array.from(sums, (sum) => sum / positions);
}

/** The last node before the softmax, without dropout: the classes' scores. */
export function scoreNode(graph: NetworkGraph): number {
  return withoutDropout(graph, graph.nodes.at(-1)!.inputs[0]);
}

/** The node, or before dropout and noise the one that they work on. */
export function withoutDropout(graph: NetworkGraph, index: number): number {
  const { op, inputs } = graph.nodes[index];
  return op === "dropout" || op === "noise"
    ? withoutDropout(graph, inputs[0])
    : index;
}
