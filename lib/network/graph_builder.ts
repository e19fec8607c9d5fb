// What builds a network's graph layer by layer: nodes and weights in order, and
// what a tf.layers layer says about itself. Which layers: compiled_layers.ts.

import type * as tf from "@tensorflow/tfjs";
import {
  type ActivationKind,
  decays,
  NetworkError,
  type NetworkNode,
  type NetworkWeight,
  type NodeOperation,
  type Shape,
  sizeOf,
  type Window,
} from "./graph.ts";

/** A layer of tf.layers, with the fields of its kind. */
// deno-lint-ignore no-explicit-any
export type Layer = any;

/** The activations that are compiled, by their names in tf.layers. */
export const COMPILED_ACTIVATIONS: readonly string[] =
  "relu elu tanh sigmoid swish softmax".split(" ");

/** A graph under construction. */
export class GraphBuilder {
  readonly nodes: NetworkNode[] = [];
  readonly weights: NetworkWeight[] = [];
  parameters = 0;
  statistics = 0;

  add(
    name: string,
    inputs: number[],
    shape: Shape,
    operation: NodeOperation,
  ): number {
    this.nodes.push({ ...operation, name, inputs, shape });
    return this.nodes.length - 1;
  }

  weight(
    variable: Pick<tf.Variable, "name"> & {
      shape: (number | null)[];
      constraint?: unknown;
    },
    regularizer: { l1?: number; l2?: number } | null = null,
    kind: NetworkWeight["kind"] = "parameter",
  ): number {
    const { name } = variable;
    const shape = variable.shape as number[];
    if (Number(regularizer?.l1 ?? 0) !== 0) {
      throw new NetworkError(`${name} has an L1 penalty; only L2 is supported`);
    }
    if (variable.constraint) {
      throw new NetworkError(`the constraint of ${name} is not supported`);
    }
    const size = shape.reduce((a, b) => a * b, 1);
    const offset = kind === "parameter" ? this.parameters : this.statistics;
    if (kind === "parameter") this.parameters += size;
    else this.statistics += size;
    this.weights.push({
      name,
      shape,
      kind,
      offset,
      l2: Number(regularizer?.l2 ?? 0),
      decays: decays({ name, shape, kind }),
    });
    return this.weights.length - 1;
  }

  /** The same for a weight that the layer may lack. */
  optional(...[variable, ...rest]: Parameters<this["weight"]>): number | null {
    return variable ? this.weight(variable, ...rest) : null;
  }

  /** The layer's fused activation, as a node of its own. */
  activation(layer: Layer, input: number, kind: string): number {
    if (kind === "linear") return input;
    if (!COMPILED_ACTIVATIONS.includes(kind)) {
      throw unsupported(layer, `activation ${kind}`);
    }
    const from = kind === "softmax" ? this.vector(layer, input) : input;
    return this.add(layer.name, [from], this.nodes[from].shape, {
      op: "activation",
      kind: kind as ActivationKind,
    });
  }

  /** The input as one pixel where the layer takes vectors; after a Flatten it still has rows. */
  vector(layer: Layer, input: number): number {
    const { shape } = this.nodes[input];
    const [{ shape: taken }] = [layer.input].flat();
    if (taken.length !== 2 || shape[0] * shape[1] === 1) return input;
    return this.add(layer.name, [input], [1, 1, sizeOf(shape)], {
      op: "flatten",
    });
  }
}

export function unsupported(layer: Layer, what: string): NetworkError {
  return new NetworkError(
    `layer ${layer.name} (${layer.getClassName()}): ${what} is not supported`,
  );
}

export function activationOf(layer: Layer): string {
  return layer.activation?.getClassName?.() ?? "linear";
}

/** Refuses an axis, or a list of one, that is not the last: the channels. */
export function needChannels(layer: Layer): void {
  const axes = [layer.axis].flat();
  const [{ shape }] = [layer.input].flat();
  if (axes.length === 1 && [-1, shape.length - 1].includes(axes[0])) return;
  throw unsupported(layer, `axis ${layer.axis}`);
}

export function pair(value: number | number[]): [number, number] {
  return typeof value === "number" ? [value, value] : [value[0], value[1]];
}

/** The window of a layer, with padding as tf's "same" lays it out. */
export function windowOf(
  layer: Layer,
  size: [number, number],
  [height, width]: Shape,
): Window {
  const strides = pair(layer.strides ?? size);
  const dilation = pair(layer.dilationRate ?? 1);
  const pad = (length: number, axis: 0 | 1) => {
    if (layer.padding === "valid") return 0;
    const reach = (size[axis] - 1) * dilation[axis] + 1;
    const steps = Math.ceil(length / strides[axis]);
    const total = Math.max(0, (steps - 1) * strides[axis] + reach - length);
    return Math.floor(total / 2);
  };
  if (layer.padding !== "valid" && layer.padding !== "same") {
    throw unsupported(layer, `padding ${layer.padding}`);
  }
  return { size, strides, dilation, top: pad(height, 0), left: pad(width, 1) };
}

/** A window without movement: a pointwise layer. */
export function pointWindow(size: [number, number] = [1, 1]): Window {
  return { size, strides: [1, 1], dilation: [1, 1], top: 0, left: 0 };
}

/** Rows, columns and channels of a symbolic tensor; vectors are one pixel. */
export function shapeOf(layer: Layer, tensor: tf.SymbolicTensor): Shape {
  const [, ...sizes] = tensor.shape as number[];
  if (sizes.some((size) => !(size > 0))) {
    throw unsupported(layer, `an unknown size in [${sizes}]`);
  }
  if (sizes.length === 3) return sizes as Shape;
  if (sizes.length === 1) return [1, 1, sizes[0]];
  throw unsupported(layer, `a tensor of shape [${sizes}]`);
}
