// A network as plain data: what each layer of a tf.layers model computes, and
// where its weights lie in one flat array. Written by describeNetwork, compiled
// by network.ts; it can be sent to workers and saved, and needs no tfjs there.
// Supported: the layers of image classifiers that end in a softmax.

import type * as tf from "@tensorflow/tfjs";
import { UserError } from "../user_error.ts";

/** A network that cannot be compiled: names the layer and the reason. */
export class NetworkError extends UserError {
  override name = "NetworkError";
}

/** One weight array of the network. */
export interface NetworkWeight {
  /** The name of the layer and of the weight, as in `model.weights`. */
  name: string;
  shape: number[];
  /** Trained by gradient, or a batch normalization's moving mean or variance. */
  kind: "parameter" | "statistic";
  /** Where it starts in the flat array of its kind. */
  offset: number;
  /** Its L2 penalty: l2 times the sum of its squares is added to the loss. */
  l2: number;
  /** Whether decoupled weight decay applies: kernels yes, biases and scales no. */
  decays: boolean;
}

/** Rows, columns, channels. */
export type Shape = [height: number, width: number, channels: number];

/** A window that slides over rows and columns; `top` and `left` are padding. */
export interface Window {
  size: [number, number];
  strides: [number, number];
  dilation: [number, number];
  top: number;
  left: number;
}

/** What activations a layer may have, softmax at the end only. */
export type ActivationKind = "relu" | "sigmoid" | "swish" | "softmax";

/** What a node computes; numbers in `kernel`, `bias` and so on index `weights`. */
export type NodeOperation =
  | { op: "input" }
  | {
    op: "conv" | "depthwise";
    window: Window;
    kernel: number;
    bias: number | null;
  }
  | {
    op: "norm";
    epsilon: number;
    momentum: number;
    gamma: number | null;
    beta: number | null;
    mean: number;
    variance: number;
  }
  | { op: "activation"; kind: ActivationKind }
  | { op: "maxPool" | "averagePool"; window: Window }
  | { op: "globalAverage" }
  | { op: "add" | "multiply" }
  | { op: "dropout"; rate: number };

/** One step of the computation; `inputs` are indices of earlier nodes. */
export type NetworkNode = NodeOperation & {
  name: string;
  inputs: number[];
  shape: Shape;
};

/** A network as plain data: nodes in the order of computation, and weights. */
export interface NetworkGraph {
  nodes: NetworkNode[];
  weights: NetworkWeight[];
  /** Floats of one input and of one output. */
  inputSize: number;
  outputSize: number;
  /** Floats in the flat arrays of parameters and of statistics. */
  parameters: number;
  statistics: number;
}

// deno-lint-ignore no-explicit-any
type Layer = any;

class GraphBuilder {
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
    variable: tf.Variable & { originalName?: string },
    regularizer: { l1?: number; l2?: number } | null = null,
    kind: NetworkWeight["kind"] = "parameter",
  ): number {
    const { name } = variable;
    const shape = variable.shape as number[];
    if (Number(regularizer?.l1 ?? 0) !== 0) {
      throw new NetworkError(`${name} has an L1 penalty; only L2 is supported`);
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
      decays: kind === "parameter" && shape.length > 1,
    });
    return this.weights.length - 1;
  }

  /** The layer's fused activation, as a node of its own. */
  activation(layer: Layer, input: number, kind: string): number {
    if (kind === "linear") return input;
    if (!["relu", "sigmoid", "swish", "softmax"].includes(kind)) {
      throw unsupported(layer, `activation ${kind}`);
    }
    return this.add(layer.name, [input], this.nodes[input].shape, {
      op: "activation",
      kind: kind as ActivationKind,
    });
  }
}

function unsupported(layer: Layer, what: string): NetworkError {
  return new NetworkError(
    `layer ${layer.name} (${layer.getClassName()}): ${what} is not supported`,
  );
}

function activationOf(layer: Layer): string {
  return layer.activation?.getClassName?.() ?? "linear";
}

function pair(value: number | number[]): [number, number] {
  return typeof value === "number" ? [value, value] : [value[0], value[1]];
}

/** The window of a layer, with padding as tf's "same" lays it out. */
function windowOf(
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
function pointWindow(size: [number, number] = [1, 1]): Window {
  return { size, strides: [1, 1], dilation: [1, 1], top: 0, left: 0 };
}

/** Rows, columns and channels of a symbolic tensor; vectors are one pixel. */
function shapeOf(layer: Layer, tensor: tf.SymbolicTensor): Shape {
  const [, ...sizes] = tensor.shape as number[];
  if (sizes.some((size) => !(size > 0))) {
    throw unsupported(layer, `an unknown size in [${sizes}]`);
  }
  if (sizes.length === 3) return sizes as Shape;
  if (sizes.length === 1) return [1, 1, sizes[0]];
  throw unsupported(layer, `a tensor of shape [${sizes}]`);
}

function addConv(
  graph: GraphBuilder,
  layer: Layer,
  input: number,
  output: Shape,
): number {
  const { shape } = graph.nodes[input];
  if (layer.dataFormat === "channelsFirst") {
    throw unsupported(layer, "channelsFirst");
  }
  const kind = layer.getClassName();
  const window = windowOf(layer, pair(layer.kernelSize), shape);
  let source = input;
  if (kind !== "Conv2D") {
    if (layer.depthMultiplier !== 1) {
      throw unsupported(layer, "a depth multiplier");
    }
    const kernel = graph.weight(
      layer.depthwiseKernel.val,
      layer.depthwiseRegularizer,
    );
    const bias = kind === "DepthwiseConv2D" && layer.bias
      ? graph.weight(layer.bias.val, layer.biasRegularizer)
      : null;
    source = graph.add(layer.name, [input], [output[0], output[1], shape[2]], {
      op: "depthwise",
      window,
      kernel,
      bias,
    });
  }
  if (kind !== "DepthwiseConv2D") {
    const separable = kind === "SeparableConv2D";
    const kernel = separable
      ? graph.weight(layer.pointwiseKernel.val, layer.pointwiseRegularizer)
      : graph.weight(layer.kernel.val, layer.kernelRegularizer);
    const bias = layer.bias
      ? graph.weight(layer.bias.val, layer.biasRegularizer)
      : null;
    source = graph.add(layer.name, [source], output, {
      op: "conv",
      kernel,
      bias,
      window: separable ? pointWindow() : window,
    });
  }
  return graph.activation(layer, source, activationOf(layer));
}

function addDense(
  graph: GraphBuilder,
  layer: Layer,
  input: number,
  output: Shape,
): number {
  // After a Flatten the kernel covers all pixels: a valid convolution.
  const [height, width] = graph.nodes[input].shape;
  const flat = layer.input.shape.length === 2;
  const window = pointWindow(flat ? [height, width] : [1, 1]);
  const kernel = graph.weight(layer.kernel.val, layer.kernelRegularizer);
  const bias = layer.bias
    ? graph.weight(layer.bias.val, layer.biasRegularizer)
    : null;
  const node = graph.add(layer.name, [input], output, {
    op: "conv",
    window,
    kernel,
    bias,
  });
  return graph.activation(layer, node, activationOf(layer));
}

function addNorm(graph: GraphBuilder, layer: Layer, input: number): number {
  const { shape } = graph.nodes[input];
  const axis = layer.axis < 0 ? layer.axis : layer.axis - layer.input.rank;
  if (axis !== -1) throw unsupported(layer, `axis ${layer.axis}`);
  return graph.add(layer.name, [input], shape, {
    op: "norm",
    epsilon: layer.epsilon,
    momentum: layer.momentum,
    gamma: layer.gamma
      ? graph.weight(layer.gamma.val, layer.gammaRegularizer)
      : null,
    beta: layer.beta
      ? graph.weight(layer.beta.val, layer.betaRegularizer)
      : null,
    mean: graph.weight(layer.movingMean.val, null, "statistic"),
    variance: graph.weight(layer.movingVariance.val, null, "statistic"),
  });
}

/** Adds a layer and returns the node that holds its output. */
function addLayer(
  graph: GraphBuilder,
  layer: Layer,
  inputs: number[],
  output: Shape,
): number {
  const [input] = inputs;
  const { name } = layer;
  switch (layer.getClassName()) {
    case "InputLayer":
      return graph.add(name, [], output, { op: "input" });
    case "Conv2D":
    case "DepthwiseConv2D":
    case "SeparableConv2D":
      return addConv(graph, layer, input, output);
    case "Dense":
      return addDense(graph, layer, input, output);
    case "BatchNormalization":
      return addNorm(graph, layer, input);
    case "Activation":
      return graph.activation(layer, input, activationOf(layer));
    case "ReLU":
      if (layer.maxValue != null) throw unsupported(layer, "a maximum");
      return graph.activation(layer, input, "relu");
    case "Softmax":
      return graph.activation(layer, input, "softmax");
    case "MaxPooling2D":
    case "AveragePooling2D": {
      const op = layer.getClassName() === "MaxPooling2D"
        ? "maxPool"
        : "averagePool";
      const size = pair(layer.poolSize);
      const window = windowOf(layer, size, graph.nodes[input].shape);
      return graph.add(name, [input], output, { op, window });
    }
    case "GlobalAveragePooling2D":
      return graph.add(name, [input], output, { op: "globalAverage" });
    case "Add":
    case "Multiply": {
      const op = layer.getClassName() === "Add" ? "add" : "multiply";
      return inputs.reduce((a, b) => {
        const wide = size(graph.nodes[a].shape) >= size(graph.nodes[b].shape);
        const [x, y] = wide ? [a, b] : [b, a];
        checkOperands(graph, layer, op, x, y);
        return graph.add(name, [x, y], graph.nodes[x].shape, { op });
      });
    }
    case "Dropout":
      if (layer.rate === 0) return input;
      return graph.add(name, [input], output, {
        op: "dropout",
        rate: layer.rate,
      });
    case "Flatten":
      return input;
    case "Reshape": {
      const from = graph.nodes[input].shape;
      if (from.every((value, axis) => value === output[axis])) return input;
      throw unsupported(layer, `a change from [${from}] to [${output}]`);
    }
  }
  throw unsupported(layer, "this kind of layer");
}

function size([height, width, channels]: Shape): number {
  return height * width * channels;
}

function checkOperands(
  graph: GraphBuilder,
  layer: Layer,
  op: "add" | "multiply",
  x: number,
  y: number,
): void {
  const a = graph.nodes[x].shape, b = graph.nodes[y].shape;
  const equal = a.every((value, axis) => value === b[axis]);
  const perChannel = b[0] === 1 && b[1] === 1 && a[2] === b[2];
  if (equal || op === "multiply" && perChannel) return;
  throw unsupported(layer, `shapes [${a}] and [${b}]`);
}

/**
 * Describes a `tf.layers` model as plain data for {@linkcode Network}.
 *
 * Layers: Conv2D, DepthwiseConv2D, SeparableConv2D, Dense,
 * BatchNormalization, Activation, ReLU, Softmax, MaxPooling2D,
 * AveragePooling2D, GlobalAveragePooling2D, Add, Multiply, Dropout, Flatten,
 * Reshape. One input, one output that ends in a softmax.
 *
 * @throws {NetworkError} naming a layer that is not supported, and why
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { describeNetwork } from "mien/network/graph.ts";
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
    const node = addLayer(graph, layer, inputs, shapeOf(layer, tensor));
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
    inputSize: size(nodes.find((node) => node.op === "input")!.shape),
    outputSize: size(end.shape),
  };
}
