/**
 * One number of a network, taken apart: what a layer read for one position of
 * one map, and the steps that made its value.
 *
 * @module
 */
import type { NetworkNode, Shape } from "../network/graph.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import {
  normOf,
  pixelNormOf,
  visitWindow,
  weightOf,
  windowStart,
} from "./forward.ts";

/** One input map, as a convolution's window reads it. */
export interface Term {
  /** The map of the input. */
  readonly channel: number;
  /** What the window covers, row by row; 0 where it is beyond the edge. */
  readonly inputs: number[];
  readonly weights: number[];
  /** The sum of inputs times weights. */
  readonly sum: number;
}

/** How a value was computed, by the kind of layer. */
export type Reason =
  | { kind: "input" }
  | {
    kind: "window";
    /** The largest in absolute value first. */
    terms: Term[];
    bias: number;
    columns: number;
  }
  | { kind: "norm"; over: "training" | "pixel"; input: number }
    & ReturnType<typeof normOf>
  | { kind: "activation"; name: string; input: number; all: number[] }
  | { kind: "pool"; name: "maxPool" | "averagePool"; inputs: number[] }
  | { kind: "mean"; inputs: number[] }
  | { kind: "pair"; name: "add" | "multiply"; inputs: [number, number] }
  | { kind: "same"; op: NetworkNode["op"] };

/** A value and its reason. */
export interface Neuron {
  readonly value: number;
  readonly reason: Reason;
  /** Where the input was read: first row and column, rows and columns; for windows. */
  readonly field?: readonly [
    y: number,
    x: number,
    rows: number,
    columns: number,
  ];
}

/**
 * Takes one value of a layer apart.
 *
 * @param values what `traceLayers` returned
 * @param node the layer's index in the graph
 * @throws {RangeError} for a position that the layer does not have
 *
 * @example
 * ```ts
 * import { traceLayers } from "mien/explorer/forward.ts";
 * import { explainValue } from "mien/explorer/neuron.ts";
 * import { loadTrained } from "mien/recognition/recognize.ts";
 * const network = await loadTrained();
 * const values = traceLayers(network, new Float32Array(48 * 48));
 * const { value, reason } = explainValue(network, values, 1, [20, 20, 0]);
 * if (reason.kind === "window") {
 *   const sum = reason.terms.reduce((all, term) => all + term.sum, 0);
 *   console.log(Math.abs(sum + reason.bias - value) < 1e-4); // true
 * }
 * ```
 */
export function explainValue(
  network: TrainedNetwork,
  values: readonly Float32Array[],
  node: number,
  [y, x, channel]: Shape,
): Neuron {
  const layer = network.graph.nodes[node];
  const [rows, columns, channels] = layer.shape;
  const inside = (at: number, limit: number) =>
    Number.isInteger(at) && at >= 0 && at < limit;
  if (!inside(y, rows) || !inside(x, columns) || !inside(channel, channels)) {
    throw new RangeError(
      `layer ${layer.name} is ${rows}x${columns}x${channels}: ` +
        `it has no row ${y}, column ${x}, map ${channel}`,
    );
  }
  const at = (y * columns + x) * channels + channel;
  return {
    value: values[node][at],
    reason: reasonOf(network, values, layer, [y, x, channel], at),
    field: "window" in layer ? fieldOf(layer, y, x) : undefined,
  };
}

function reasonOf(
  network: TrainedNetwork,
  values: readonly Float32Array[],
  layer: NetworkNode,
  [y, x, channel]: Shape,
  at: number,
): Reason {
  const given = layer.inputs.map((index) => values[index]);
  const input = given[0]?.[at];
  switch (layer.op) {
    case "input":
      return { kind: "input" };
    case "conv":
    case "depthwise":
      return windowReason(network, given[0], layer, [y, x, channel]);
    case "norm": {
      const norm = normOf(network, layer, channel);
      return { kind: "norm", over: "training", input, ...norm };
    }
    case "layerNorm": {
      const first = at - channel;
      const norm = pixelNormOf(network, layer, given[0], first, channel);
      return { kind: "norm", over: "pixel", input, ...norm };
    }
    case "prelu": {
      const slopes = weightOf(network, layer.alpha);
      const name = `PReLU with slope ${slopes[at % slopes.length].toFixed(4)}`;
      return { kind: "activation", name, input, all: [] };
    }
    case "activation": {
      const all = layer.kind === "softmax" ? [...given[0]] : [];
      return { kind: "activation", name: layer.kind, input, all };
    }
    case "maxPool":
    case "averagePool": {
      const [height, width, depth] = network.graph.nodes[layer.inputs[0]].shape;
      const inputs: number[] = [];
      visitWindow(layer.window, [y, x], [height, width], (place) => {
        inputs.push(given[0][place * depth + channel]);
      });
      return { kind: "pool", name: layer.op, inputs };
    }
    case "globalAverage": {
      const depth = layer.shape[2];
      const inputs = [...given[0]].filter((_, i) => i % depth === channel);
      return { kind: "mean", inputs };
    }
    case "add":
    case "multiply": {
      const other = given[1][at % given[1].length];
      return { kind: "pair", name: layer.op, inputs: [input, other] };
    }
    default:
      return { kind: "same", op: layer.op };
  }
}

function fieldOf(
  layer: Extract<NetworkNode, { window: unknown }>,
  y: number,
  x: number,
): Neuron["field"] {
  const { window } = layer;
  const reach = (axis: 0 | 1) =>
    (window.size[axis] - 1) * window.dilation[axis] + 1;
  return [
    windowStart(window, 0, y),
    windowStart(window, 1, x),
    reach(0),
    reach(1),
  ];
}

function windowReason(
  network: TrainedNetwork,
  input: Float32Array,
  layer: Extract<NetworkNode, { op: "conv" | "depthwise" }>,
  [y, x, channel]: Shape,
): Reason {
  const { window, kernel, bias, op } = layer;
  const [height, width, depth] = network.graph.nodes[layer.inputs[0]].shape;
  const weights = weightOf(network, kernel);
  const [rows, columns] = window.size;
  const own = op === "depthwise";
  const readers = own ? [channel] : Array.from({ length: depth }, (_, c) => c);
  const terms = readers.map((c): Term => {
    const inputs: number[] = [], factors: number[] = [];
    let sum = 0;
    for (let ky = 0; ky < rows; ky++) {
      for (let kx = 0; kx < columns; kx++) {
        const row = windowStart(window, 0, y) + ky * window.dilation[0];
        const column = windowStart(window, 1, x) + kx * window.dilation[1];
        const inside = row >= 0 && row < height && column >= 0 &&
          column < width;
        const value = inside ? input[(row * width + column) * depth + c] : 0;
        const place = (ky * columns + kx) * depth + c;
        const weight = own
          ? weights[place]
          : weights[place * layer.shape[2] + channel];
        inputs.push(value);
        factors.push(weight);
        sum += value * weight;
      }
    }
    return { channel: c, inputs, weights: factors, sum };
  });
  terms.sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  return {
    kind: "window",
    terms,
    bias: bias === null ? 0 : weightOf(network, bias)[channel],
    columns,
  };
}
