// Models of tfjs's ordinary layers train by plain model.fit on the wasm backend
// as they do on tfjs's cpu backend: the same losses, step after step.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
import { values } from "../helpers/gradient_check.ts";

const l = tf.layers;

/** Every entry is a stack of layers on images [12, 11, 3]. */
const STACKS: Record<string, () => tf.layers.Layer[]> = {
  "conv2d, same": () => [
    l.conv2d({ filters: 5, kernelSize: 3, padding: "same" }),
  ],
  "conv2d, valid, relu": () => [
    l.conv2d({ filters: 8, kernelSize: [3, 2], activation: "relu" }),
  ],
  "conv2d, strides 2 and 3, elu": () => [
    l.conv2d({
      filters: 7,
      kernelSize: 4,
      strides: [2, 3],
      padding: "same",
      activation: "elu",
    }),
  ],
  "conv2d, filter smaller than its strides": () => [
    l.conv2d({ filters: 4, kernelSize: 2, strides: 3, padding: "same" }),
  ],
  "conv2d, channels first": () => [
    l.permute({ dims: [3, 1, 2] }),
    l.conv2d({ filters: 4, kernelSize: 3, dataFormat: "channelsFirst" }),
  ],
  "conv2dTranspose": () => [
    l.conv2dTranspose({ filters: 6, kernelSize: 3, strides: 2 }),
    l.conv2dTranspose({ filters: 2, kernelSize: 3, padding: "same" }),
  ],
  "depthwiseConv2d, depth multiplier 3": () => [
    l.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 3, strides: 2 }),
  ],
  "separableConv2d": () => [
    l.separableConv2d({ filters: 9, kernelSize: 3, padding: "same" }),
    l.separableConv2d({
      filters: 8,
      kernelSize: 5,
      depthMultiplier: 2,
      strides: 2,
    }),
  ],
  "conv1d": () => [
    l.reshape({ targetShape: [12, 33] }),
    l.conv1d({ filters: 5, kernelSize: 3, strides: 2 }),
  ],
  "maxPooling2d": () => [
    l.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
    l.maxPooling2d({ poolSize: [2, 3], strides: 1 }),
  ],
  "averagePooling2d, valid": () => [l.averagePooling2d({ poolSize: [3, 2] })],
  "globalMaxPooling2d": () => [l.globalMaxPooling2d({} as never)],
  "globalAveragePooling2d": () => [l.globalAveragePooling2d({} as never)],
  "upSampling2d": () => [l.upSampling2d({ size: [2, 2] })],
  // Square, because tfjs's cpu backend confuses height and width in this gradient.
  "upSampling2d, bilinear": () => [
    l.cropping2D({ cropping: [[0, 1], [0, 0]] } as never),
    l.upSampling2d({ size: [2, 2], interpolation: "bilinear" }),
  ],
  "batchNormalization": () => [l.batchNormalization()],
  "batchNormalization after dense": () => [
    l.flatten(),
    l.dense({ units: 6 }),
    l.batchNormalization(),
  ],
  "layerNormalization": () => [l.layerNormalization()],
  "zeroPadding2d and cropping2d": () => [
    l.zeroPadding2d({ padding: 2 }),
    l.cropping2D({ cropping: [[1, 2], [0, 3]] } as never),
  ],
  "relu, leakyReLU, elu": () => [
    l.reLU(),
    l.leakyReLU(),
    l.elu(),
  ],
  "prelu": () => [l.prelu()],
  "activations": () =>
    ([
      "relu6",
      "tanh",
      "softsign",
      "softplus",
      "selu",
      "hardSigmoid",
      "swish",
      "mish",
      "gelu_new",
      "softmax",
    ] as never[]).map((activation) => l.activation({ activation })),
  "dropout, off": () => [l.dropout({ rate: 0 })],
  "simpleRNN, gru, lstm": () => [
    l.reshape({ targetShape: [12, 33] }),
    l.simpleRNN({ units: 4, returnSequences: true }),
    l.gru({ units: 4, returnSequences: true }),
    l.lstm({ units: 4 }),
  ],
};

/** What tfjs's cpu backend cannot train: its own gradients reject dilation. */
const DILATED: Record<string, () => tf.layers.Layer[]> = {
  "conv2d, dilated": () => [
    l.conv2d({
      filters: 6,
      kernelSize: 3,
      dilationRate: [2, 3],
      activation: "sigmoid",
    }),
    l.conv2d({
      filters: 3,
      kernelSize: 3,
      dilationRate: 2,
      padding: "same",
      useBias: false,
    }),
  ],
  // The layer depthwiseConv2d ignores its dilationRate in tfjs 4.22.
  "separableConv2d, dilated": () => [
    l.separableConv2d({ filters: 4, kernelSize: 3, dilationRate: 2 }),
  ],
};

function stacked(layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: [12, 11, 3] });
  // A trainable layer before, so that every layer's input gradient is needed.
  let x = l.conv2d({ filters: 3, kernelSize: 1 })
    .apply(input) as tf.SymbolicTensor;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  if (x.rank > 2) x = l.flatten().apply(x) as tf.SymbolicTensor;
  const output = l.dense({ units: 3, activation: "softmax" })
    .apply(x) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

/** add, multiply, concatenate and dot products across two branches. */
function branched(): tf.LayersModel {
  const input = tf.input({ shape: [12, 11, 3] });
  const conv = (filters: number) =>
    l.conv2d({ filters, kernelSize: 3, strides: 2, padding: "same" })
      .apply(input) as tf.SymbolicTensor;
  const [a, b, c] = [conv(4), conv(4), conv(4)];
  const joined = [
    l.add().apply([a, b]),
    l.multiply().apply([b, c]),
    l.average().apply([a, c]),
    l.maximum().apply([a, b]),
    l.minimum().apply([b, c]),
  ] as tf.SymbolicTensor[];
  const all = l.concatenate().apply(joined) as tf.SymbolicTensor;
  const flat = l.flatten().apply(all) as tf.SymbolicTensor;
  const output = l.dense({ units: 3, activation: "softmax" }).apply(flat);
  return tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
}

function embedded(): tf.LayersModel {
  return tf.sequential({
    layers: [
      l.embedding({ inputDim: 9, outputDim: 5, inputLength: 7 }),
      l.flatten(),
      l.dense({ units: 3, activation: "softmax" }),
    ],
  });
}

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  adam: () => tf.train.adam(0.003),
  "sgd with momentum": () => tf.train.momentum(0.02, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.001, 0.9, 0.5),
};

/** Losses of three epochs of model.fit on a backend, from fixed weights. */
async function losses(
  backend: string,
  build: () => tf.LayersModel,
  optimizer: () => tf.Optimizer,
  batchSize: number,
): Promise<number[]> {
  await tf.setBackend(backend);
  const model = build();
  model.setWeights(
    model.getWeights().map((weight, i) =>
      weight.shape.length > 1
        ? tf.tensor(values(weight.size, i), weight.shape)
          .mul(Math.sqrt(weight.shape.at(-1)! / weight.size))
        : weight
    ),
  );
  model.compile({
    optimizer: optimizer(),
    loss: "categoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const shape = model.inputs[0].shape.slice(1) as number[];
  const size = tf.util.sizeFromShape(shape);
  const x = shape.length === 1
    ? tf.tensor(values(6 * size, 1).map((v) => Math.floor((v + 1) * 4.5)), [
      6,
      ...shape,
    ])
    : tf.tensor(values(6 * size, 1), [6, ...shape]);
  const y = tf.oneHot([0, 1, 2, 2, 1, 0], 3);
  const { history } = await model.fit(x, y, {
    batchSize,
    epochs: 3,
    shuffle: false,
    verbose: 0,
  });
  return history.loss as number[];
}

async function trainsAlike(
  build: () => tf.LayersModel,
  optimizer: () => tf.Optimizer,
  batchSize: number,
): Promise<void> {
  const expected = await losses("cpu", build, optimizer, batchSize);
  const actual = await losses("wasm", build, optimizer, batchSize);
  actual.forEach((loss, i) => {
    const message = `epoch ${i}: ${loss}, on cpu ${expected[i]}`;
    assert.ok(Math.abs(loss - expected[i]) <= 1e-3 * expected[i], message);
  });
}

const models: Record<string, () => tf.LayersModel> = {
  ...Object.fromEntries(
    Object.entries(STACKS).map(([name, layers]) => [
      name,
      () => stacked(layers()),
    ]),
  ),
  "add, multiply, average, maximum, minimum, concatenate": branched,
  "embedding": embedded,
};

for (const [optimizerName, optimizer] of Object.entries(OPTIMIZERS)) {
  Deno.test(`ordinary layers train with ${optimizerName}`, async (t) => {
    await useWasmBackend();
    for (const [name, build] of Object.entries(models)) {
      // tfjs's cpu backend mixes up images in the gradient of upSampling2d.
      const batchSize = name === "upSampling2d" ? 1 : 3;
      await t.step(name, () => trainsAlike(build, optimizer, batchSize));
    }
  });
}

Deno.test("dilated layers train, which they do not on tfjs's other backends", async (t) => {
  await useWasmBackend();
  for (const [name, layers] of Object.entries(DILATED)) {
    await t.step(name, async () => {
      const build = () => stacked(layers());
      const history = await losses("wasm", build, OPTIMIZERS.adam, 3);
      assert.ok(history[2] < history[1] && history[1] < history[0]);
      await assert.rejects(
        losses("cpu", build, OPTIMIZERS.adam, 3),
        /dilation/,
      );
    });
  }
});
