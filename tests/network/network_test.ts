// The fast network against tfjs: predictions, whole gradients and statistics, for
// mini-Xception and for networks of every supported layer.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { describeNetwork } from "mien/network/describe_network.ts";
import { NetworkError } from "mien/network/graph.ts";
import { Network } from "mien/network/network.ts";
import { readWeights, writeWeights } from "mien/network/weights.ts";
import { createRandom } from "mien/random.ts";
import {
  chain,
  compare,
  difference,
  prepare,
} from "../helpers/network_reference.ts";

await tf.setBackend("cpu");

Deno.test("mini-Xception predicts, and has the gradient, that tfjs has", async () => {
  await compare(buildMiniXception(), 3, 11);
});

Deno.test("Convolutions of any kernel, stride and channels have tfjs's gradient", async () => {
  await compare(
    chain([13, 11, 3], 5, [
      tf.layers.conv2d({ filters: 6, kernelSize: [3, 5], padding: "same" }),
      tf.layers.conv2d({
        filters: 9,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        activation: "relu",
      }),
      tf.layers.conv2d({ filters: 4, kernelSize: [2, 3] }),
      tf.layers.conv2d({ filters: 10, kernelSize: 1, strides: [1, 2] }),
      tf.layers.flatten(),
    ]),
    5,
    21,
  );
});

Deno.test("Three by three convolutions by Winograd's method are tfjs's convolutions", async () => {
  // Lines of 12 and 8 outputs: whole groups of four; padded channels and several faces too.
  const conv = (filters: number) =>
    tf.layers.conv2d({ filters, kernelSize: 3, padding: "same" });
  const model = chain([9, 14, 8], 3, [
    tf.layers.conv2d({ filters: 8, kernelSize: 3, useBias: false }),
    tf.layers.batchNormalization(),
    tf.layers.activation({ activation: "relu" }),
    conv(12),
    conv(16),
    tf.layers.maxPooling2d({ poolSize: [1, 5], strides: 1 }),
    conv(8),
    tf.layers.flatten(),
  ]);
  await compare(model, 5, 27);
});

Deno.test("A dilated convolution is one with zeros between its weights", async () => {
  // tfjs has no gradient for dilation, so the wider kernel is the reference.
  const build = (kernelSize: number, dilationRate: number) =>
    chain([9, 9, 8], 2, [
      tf.layers.conv2d({
        filters: 8,
        kernelSize,
        dilationRate,
        useBias: false,
      }),
      tf.layers.conv2d({
        filters: 8,
        kernelSize,
        dilationRate,
        useBias: false,
      }),
      tf.layers.flatten(),
    ]);
  const wide = await prepare(build(5, 1), 2, 81);
  const dilated = await prepare(build(3, 2), 2, 81);
  const plane = 64;
  /** Pairs of places: in the dilated network, in the wide one. */
  const places: [number, number][] = [];
  for (let layer = 0; layer < 2; layer++) {
    for (let tap = 0; tap < 9; tap++) {
      const wideTap = 10 * Math.floor(tap / 3) + 2 * (tap % 3);
      for (let i = 0; i < plane; i++) {
        places.push([
          (9 * layer + tap) * plane + i,
          (25 * layer + wideTap) * plane + i,
        ]);
      }
    }
  }
  wide.network.parameters.fill(0);
  for (const [from, to] of places) {
    wide.network.parameters[to] = dilated.network.parameters[from];
  }
  const head = dilated.network.parameters.subarray(18 * plane);
  wide.network.parameters.set(head, 50 * plane);
  assert.equal(wide.network.gradient(2), dilated.network.gradient(2));
  assert.ok(
    difference(
      places.map(([from]) => dilated.network.gradients[from]),
      places.map(([, to]) => wide.network.gradients[to]),
    ) < 1e-5,
  );
});

Deno.test("Depthwise and separable convolutions have tfjs's gradient", async () => {
  await compare(
    chain([12, 15, 2], 3, [
      tf.layers.depthwiseConv2d({ kernelSize: 3, padding: "same" }),
      // No bias: batch normalization takes it away again.
      tf.layers.separableConv2d({ filters: 12, kernelSize: 3, useBias: false }),
      tf.layers.batchNormalization({ momentum: 0.9 }),
      tf.layers.depthwiseConv2d({ kernelSize: 5, strides: 2, padding: "same" }),
      tf.layers.activation({ activation: "sigmoid" }),
      tf.layers.depthwiseConv2d({ kernelSize: [2, 3], useBias: false }),
      tf.layers.globalAveragePooling2d({}),
    ]),
    4,
    22,
  );
});

Deno.test("Pooling, activations and dense layers have tfjs's gradient", async () => {
  await compare(
    chain([17, 14, 1], 7, [
      tf.layers.conv2d({ filters: 8, kernelSize: 3 }),
      tf.layers.activation({ activation: "swish" }),
      tf.layers.maxPooling2d({ poolSize: 3, strides: 1, padding: "same" }),
      tf.layers.batchNormalization({ epsilon: 0.01 }),
      // Without padding: tfjs's gradient counts the padding, its mean does not.
      tf.layers.averagePooling2d({ poolSize: 3, strides: 2 }),
      tf.layers.reLU(),
      tf.layers.conv2d({ filters: 16, kernelSize: 1, useBias: false }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.maxPooling2d({ poolSize: [2, 3], strides: [2, 3] }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 11, activation: "relu" }),
    ]),
    6,
    23,
  );
});

Deno.test("Maxima of three by three at every second pixel have tfjs's gradient at any size", async () => {
  // No bias: batch normalization takes it away again.
  const small = { kernelSize: 3, useBias: false };
  for (const [height, width] of [[9, 10], [10, 9], [11, 3]]) {
    for (const padding of ["same", "valid"] as const) {
      const pool = { poolSize: 3, strides: 2, padding };
      await compare(
        chain([height, width, 3], 3, [
          tf.layers.depthwiseConv2d({ ...small, padding: "same" }),
          tf.layers.maxPooling2d(pool),
          tf.layers.conv2d({ filters: 8, kernelSize: 1, useBias: false }),
          tf.layers.batchNormalization(),
          tf.layers.maxPooling2d({ ...pool, padding: "same" }),
          tf.layers.globalAveragePooling2d({}),
        ]),
        4,
        24,
      );
    }
  }
});

Deno.test("A negative scale before maxima is a positive one of the negative map", async () => {
  const build = () =>
    chain([11, 10, 3], 3, [
      tf.layers.conv2d({ filters: 16, kernelSize: 3, useBias: false }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
      tf.layers.globalAveragePooling2d({}),
    ]);
  const [positive, negative] = [
    await prepare(build(), 4, 25),
    await prepare(build(), 4, 25),
  ];
  const signs = positive.network.parameters.map(() => 1);
  for (const { name, offset, shape } of positive.graph.weights) {
    if (!/kernel|gamma/.test(name) || /dense/i.test(name)) continue;
    signs.fill(-1, offset, offset + shape.reduce((a, b) => a * b));
  }
  const signed = (values: Float32Array) => values.map((x, i) => x * signs[i]);
  const { network } = negative;
  network.parameters.set(signed(network.parameters));
  for (const { name, offset, shape } of negative.graph.weights) {
    if (!/moving_mean/.test(name)) continue;
    const means = network.statistics.subarray(offset, offset + shape[0]);
    means.forEach((mean, i) => means[i] = -mean);
  }
  assert.equal(network.gradient(4), positive.network.gradient(4));
  assert.deepEqual(signed(network.gradients), positive.network.gradients);
});

Deno.test("Squeeze-and-excitation in a residual block has tfjs's gradient", async () => {
  type Tensor = tf.SymbolicTensor;
  const input = tf.input({ shape: [10, 10, 8] });
  const conv = (x: Tensor, filters: number, strides = 1) =>
    tf.layers.batchNormalization().apply(
      tf.layers.separableConv2d({
        filters,
        strides,
        kernelSize: 3,
        padding: "same",
        useBias: false,
      }).apply(x),
    ) as Tensor;
  let main = tf.layers.reLU().apply(conv(input, 16)) as Tensor;
  main = tf.layers.maxPooling2d({
    poolSize: 3,
    strides: 2,
    padding: "same",
  }).apply(conv(main, 16)) as Tensor;
  let gate = tf.layers.globalAveragePooling2d({}).apply(main) as Tensor;
  gate = tf.layers.dense({ units: 4, activation: "relu" })
    .apply(gate) as Tensor;
  gate = tf.layers.dense({ units: 16, activation: "sigmoid" })
    .apply(gate) as Tensor;
  gate = tf.layers.reshape({ targetShape: [1, 1, 16] }).apply(gate) as Tensor;
  const gated = tf.layers.multiply().apply([main, gate]) as Tensor;
  const shortcut = tf.layers.batchNormalization().apply(
    tf.layers.conv2d({
      filters: 16,
      kernelSize: 1,
      strides: 2,
      useBias: false,
    }).apply(input),
  ) as Tensor;
  let x = tf.layers.add().apply([gated, shortcut]) as Tensor;
  x = tf.layers.add().apply([x, conv(x, 16), shortcut]) as Tensor;
  x = tf.layers.multiply().apply([x, conv(x, 16)]) as Tensor;
  x = tf.layers.globalAveragePooling2d({}).apply(x) as Tensor;
  const output = tf.layers.dense({ units: 3, activation: "softmax" }).apply(x);
  await compare(
    tf.model({ inputs: input, outputs: output as Tensor }),
    5,
    24,
  );
});

Deno.test("The gradient is the slope that finite differences measure", async () => {
  const model = buildMiniXception();
  const prepared = await prepare(model, 4, 31);
  const { network, graph } = prepared;
  network.gradient(4);
  const gradient = network.gradients.slice();
  const start = network.parameters.slice();
  const random = createRandom(32);
  for (const weight of graph.weights) {
    if (weight.kind === "statistic") continue;
    const length = weight.shape.reduce((a, b) => a * b, 1);
    // Along the gradient of one array, the loss rises by its squared length.
    const { offset } = weight;
    const part = gradient.subarray(offset, offset + length);
    const norm = Math.hypot(...part);
    if (norm < 1e-3 || random.next() < 0.5) continue;
    const loss = (step: number) => {
      network.parameters.set(start);
      part.forEach((g, i) => {
        network.parameters[offset + i] += step * g / norm;
      });
      return network.gradient(4) / 4;
    };
    // Small enough for few ReLUs and maxima to change sides: they and 32-bit
    // rounding of the loss limit what a difference can show.
    const step = 5e-4;
    const slope = (loss(step) - loss(-step)) / (2 * step);
    assert.ok(
      Math.abs(slope - norm) < 0.03 * norm + 2e-3,
      `${weight.name}: slope ${slope}, gradient ${norm}`,
    );
  }
});

Deno.test("The same batch gives the same bits, after other batches too", async () => {
  const prepared = await prepare(buildMiniXception(), 5, 41);
  const { network } = prepared;
  const statistics = network.statistics.slice();
  const run = (count: number) => {
    network.statistics.set(statistics);
    network.gradient(count);
    return [network.gradients, network.statistics].map((a) => a.slice());
  };
  const first = run(5);
  run(2);
  assert.deepEqual(run(5), first);
  const again = await prepare(buildMiniXception(), 5, 41);
  again.network.gradient(5);
  assert.deepEqual(again.network.gradients, first[0]);
});

Deno.test("Weights go into a network and back into a model unchanged", async () => {
  const model = buildMiniXception();
  const { graph, network } = await prepare(model, 1, 51);
  const other = buildMiniXception({ seed: 9 });
  writeWeights(graph, network, other);
  assert.deepEqual(
    other.getWeights().map((w) => w.dataSync()),
    model.getWeights().map((w) => w.dataSync()),
  );
  assert.throws(
    () => readWeights(graph, buildMiniXception({ classes: 5 })),
    NetworkError,
  );
});

Deno.test("Dropout keeps its share, and draws by seed alone", async () => {
  const model = chain([4, 4, 8], 2, [
    tf.layers.dropout({ rate: 0.25 }),
    tf.layers.flatten(),
  ]);
  const { network } = await prepare(model, 16, 61);
  const losses = [1, 2, 1].map((seed) => network.gradient(16, undefined, seed));
  assert.equal(losses[0], losses[2]);
  assert.notEqual(losses[0], losses[1]);
  // A gradient of the dense kernel is zero where its input was dropped.
  network.gradient(1);
  const dropped = Array.from(
    { length: 128 },
    (_, i) => Number(network.gradients[2 * i] === 0),
  ).reduce((a, b) => a + b);
  assert.ok(dropped > 15 && dropped < 50, `${dropped} of 128 dropped`);
});

Deno.test("What cannot be compiled is refused by the layer's name", async () => {
  const graph = describeNetwork(buildMiniXception());
  await assert.rejects(
    Network.create(graph, { batch: 0, training: false }),
    /batch must be 1 or more/,
  );
  const network = await Network.create(graph, { batch: 2, training: false });
  assert.throws(() => network.predict(3), /count must be 1 to 2, not 3/);
  assert.throws(() => network.gradient(1), /without training/);
  const model = chain([4, 4, 1], 2, [
    tf.layers.upSampling2d({ name: "enlarge" }),
    tf.layers.flatten(),
  ]);
  assert.throws(() => describeNetwork(model), {
    name: "NetworkError",
    message: /layer enlarge \(UpSampling2D\)/,
  });
});
