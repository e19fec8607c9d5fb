// The layers of tf.layers that are compiled, one function a kind: each adds its
// nodes and weights to the graph and returns the node of its output. The table at
// the end is the list that README and notebook 3 show.

import type { Shape } from "./graph.ts";
import {
  activationOf,
  type GraphBuilder,
  type Layer,
  needChannels,
  pair,
  pointWindow,
  unsupported,
  windowOf,
} from "./graph_builder.ts";

/** Where a layer stands: the nodes of its inputs, and the shape of its output. */
interface Place {
  input: number;
  inputs: number[];
  output: Shape;
}

type AddLayer = (graph: GraphBuilder, layer: Layer, place: Place) => number;

const addConv: AddLayer = (graph, layer, { input, output }) => {
  const { shape } = graph.nodes[input];
  needChannelsLast(layer);
  const kind = layer.getClassName();
  const window = windowOf(layer, pair(layer.kernelSize), shape);
  let source = input;
  if (kind !== "Conv2D") {
    if (layer.depthMultiplier !== 1) {
      throw unsupported(layer, "a depth multiplier");
    }
    const kernel = graph.weight(
      layer.depthwiseKernel,
      layer.depthwiseRegularizer,
    );
    const bias = kind === "DepthwiseConv2D"
      ? graph.optional(layer.bias, layer.biasRegularizer)
      : null;
    const between: Shape = [output[0], output[1], shape[2]];
    const step = { op: "depthwise", window, kernel, bias } as const;
    source = graph.add(layer.name, [input], between, step);
  }
  if (kind !== "DepthwiseConv2D") {
    const separable = kind === "SeparableConv2D";
    const kernel = separable
      ? graph.weight(layer.pointwiseKernel, layer.pointwiseRegularizer)
      : graph.weight(layer.kernel, layer.kernelRegularizer);
    const bias = graph.optional(layer.bias, layer.biasRegularizer);
    source = graph.add(layer.name, [source], output, {
      op: "conv",
      kernel,
      bias,
      window: separable ? pointWindow() : window,
    });
  }
  return graph.activation(layer, source, activationOf(layer));
};

function needChannelsLast(layer: Layer): void {
  if (layer.dataFormat !== "channelsFirst") return;
  throw unsupported(layer, "channelsFirst");
}

const addDense: AddLayer = (graph, layer, { input, output }) => {
  // After a Flatten, the kernel covers all pixels: a convolution without padding.
  const [height, width] = graph.nodes[input].shape;
  const flat = layer.input.shape.length === 2;
  const node = graph.add(layer.name, [input], output, {
    op: "conv",
    window: pointWindow(flat ? [height, width] : [1, 1]),
    kernel: graph.weight(layer.kernel, layer.kernelRegularizer),
    bias: graph.optional(layer.bias, layer.biasRegularizer),
  });
  return graph.activation(layer, node, activationOf(layer));
};

const addBatchNorm: AddLayer = (graph, layer, place) => {
  needChannels(layer);
  const input = graph.vector(layer, place.input);
  return graph.add(layer.name, [input], graph.nodes[input].shape, {
    op: "norm",
    epsilon: layer.epsilon,
    momentum: layer.momentum,
    gamma: graph.optional(layer.gamma, layer.gammaRegularizer),
    beta: graph.optional(layer.beta, layer.betaRegularizer),
    mean: graph.weight(layer.movingMean, null, "statistic"),
    variance: graph.weight(layer.movingVariance, null, "statistic"),
  });
};

const addLayerNorm: AddLayer = (graph, layer, place) => {
  needChannels(layer);
  const input = graph.vector(layer, place.input);
  return graph.add(layer.name, [input], graph.nodes[input].shape, {
    op: "layerNorm",
    epsilon: layer.epsilon,
    gamma: graph.optional(layer.gamma, layer.gammaRegularizer),
    beta: graph.optional(layer.beta, layer.betaRegularizer),
  });
};

const addPrelu: AddLayer = (graph, layer, { input }) => {
  const { shape } = graph.nodes[input];
  const own = layer.alpha.shape as number[];
  const sizes = own.reduce((a, b) => a * b, 1);
  const shared = sizes === shape[2] && own.at(-1) === shape[2];
  if (!shared && sizes !== shape[0] * shape[1] * shape[2]) {
    throw unsupported(layer, `sharedAxes [${layer.sharedAxes}]`);
  }
  const alpha = graph.weight(layer.alpha, layer.alphaRegularizer);
  return graph.add(layer.name, [input], shape, { op: "prelu", alpha, shared });
};

const addPool: AddLayer = (graph, layer, { input, output }) => {
  needChannelsLast(layer);
  const op = layer.getClassName() === "MaxPooling2D"
    ? "maxPool"
    : "averagePool";
  const size = pair(layer.poolSize);
  const window = windowOf(layer, size, graph.nodes[input].shape);
  return graph.add(layer.name, [input], output, { op, window });
};

const addPair: AddLayer = (graph, layer, { inputs }) => {
  const op = layer.getClassName() === "Add" ? "add" : "multiply";
  return inputs.reduce((first, second) => {
    // The one with more pixels comes first.
    const [x, y] = [first, second].sort((a, b) =>
      pixels(graph.nodes[b].shape) - pixels(graph.nodes[a].shape)
    );
    const a = graph.nodes[x].shape, b = graph.nodes[y].shape;
    const gates = op === "multiply" && pixels(b) === 1 && a[2] === b[2];
    if (!gates && !isSame(a, b)) {
      throw unsupported(layer, `shapes [${a}] and [${b}]`);
    }
    return graph.add(layer.name, [x, y], a, { op });
  });
};

function pixels([height, width]: Shape): number {
  return height * width;
}

function isSame(a: Shape, b: Shape): boolean {
  return a.every((value, axis) => value === b[axis]);
}

const addConcatenate: AddLayer = (graph, layer, { inputs, output }) => {
  needChannels(layer);
  const parts = inputs.map((input) => graph.vector(layer, input));
  return graph.add(layer.name, parts, output, { op: "concatenate" });
};

const addPadding: AddLayer = (graph, layer, { input, output }) => {
  needChannelsLast(layer);
  const [[top], [left]] = layer.padding;
  return graph.add(layer.name, [input], output, { op: "pad", top, left });
};

const addReshape: AddLayer = (graph, layer, { input, output }) => {
  const from = graph.nodes[input].shape;
  if (isSame(from, output)) return input;
  throw unsupported(layer, `a change from [${from}] to [${output}]`);
};

/** How each kind of layer is compiled, by its class name in tf.layers. */
export const COMPILED_LAYERS: Readonly<Record<string, AddLayer>> = {
  InputLayer: (graph, { name }, { output }) =>
    graph.add(name, [], output, { op: "input" }),
  Conv2D: addConv,
  DepthwiseConv2D: addConv,
  SeparableConv2D: addConv,
  Dense: addDense,
  BatchNormalization: addBatchNorm,
  LayerNormalization: addLayerNorm,
  Activation: (graph, layer, { input }) =>
    graph.activation(layer, input, activationOf(layer)),
  ReLU: (graph, layer, { input }) => {
    if (layer.maxValue != null) throw unsupported(layer, "a maximum");
    return graph.activation(layer, input, "relu");
  },
  LeakyReLU: (graph, { name, alpha }, { input }) =>
    graph.add(name, [input], graph.nodes[input].shape, {
      op: "activation",
      kind: "leakyRelu",
      alpha,
    }),
  PReLU: addPrelu,
  ELU: (graph, layer, { input }) => graph.activation(layer, input, "elu"),
  Softmax: (graph, layer, { input }) => {
    needChannels(layer);
    return graph.activation(layer, input, "softmax");
  },
  MaxPooling2D: addPool,
  AveragePooling2D: addPool,
  GlobalAveragePooling2D: (graph, layer, { input, output }) => {
    needChannelsLast(layer);
    if (pixels(graph.nodes[input].shape) === 1) return input;
    return graph.add(layer.name, [input], output, { op: "globalAverage" });
  },
  Add: addPair,
  Multiply: addPair,
  Concatenate: addConcatenate,
  ZeroPadding2D: addPadding,
  Flatten: (_graph, _layer, { input }) => input,
  Reshape: addReshape,
  Dropout: (graph, { name, rate }, { input }) =>
    rate === 0 ? input : graph.add(name, [input], graph.nodes[input].shape, {
      op: "dropout",
      rate,
    }),
  GaussianNoise: (graph, { name, stddev: deviation }, { input }) =>
    deviation === 0
      ? input
      : graph.add(name, [input], graph.nodes[input].shape, {
        op: "noise",
        deviation,
      }),
};
