// A network as plain data: what each layer of a tf.layers model computes, and
// where its weights lie in one flat array. Written by describe_network.ts, compiled
// by network.ts; it can be sent to workers and saved, and needs no tfjs there.

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

/** The flat arrays that hold a network's weights. */
export interface FlatWeights {
  parameters: Float32Array;
  statistics: Float32Array;
}

/** A weight's part of the flat arrays. */
export function valuesOf(
  { kind, offset, shape }: NetworkWeight,
  { parameters, statistics }: FlatWeights,
): Float32Array {
  const flat = kind === "parameter" ? parameters : statistics;
  return flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
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
export type ActivationKind =
  | "relu"
  | "leakyRelu"
  | "elu"
  | "tanh"
  | "sigmoid"
  | "swish"
  | "softmax";

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
  | {
    op: "activation";
    kind: ActivationKind;
    /** The slope below 0, of `leakyRelu`. */
    alpha?: number;
  }
  /** One slope per channel, or one per value. */
  | { op: "prelu"; alpha: number; shared: boolean }
  /** Over the channels of each pixel. */
  | {
    op: "layerNorm";
    epsilon: number;
    gamma: number | null;
    beta: number | null;
  }
  | { op: "maxPool" | "averagePool"; window: Window }
  | { op: "globalAverage" }
  | { op: "add" | "multiply" }
  | { op: "concatenate" | "flatten" }
  /** Zeros around the input: rows above, columns to the left. */
  | { op: "pad"; top: number; left: number }
  /** In training only. */
  | { op: "dropout"; rate: number }
  | { op: "noise"; deviation: number };

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

/** Floats of a shape. */
export function sizeOf([height, width, channels]: Shape): number {
  return height * width * channels;
}

/**
 * Whether decoupled weight decay applies to a weight: to kernels, not to biases, scales, or the
 * slopes of PReLU, which it would pull to ReLU (He et al., 2015).
 */
export function decays(
  { name, shape, kind }: Pick<NetworkWeight, "name" | "shape" | "kind">,
): boolean {
  return kind === "parameter" && shape.length > 1 && !/\/alpha\b/.test(name);
}
