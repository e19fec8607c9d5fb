// Layers that students reach for, compiled: activations with slopes, noise, layer
// normalization, padding, concatenation, and softmax in whatever place it stands.
// Against tfjs's cpu backend and finite differences.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { COMPILED_LAYERS } from "mien/network/compiled_layers.ts";
import { describeNetwork } from "mien/network/describe_network.ts";
import { COMPILED_ACTIVATIONS } from "mien/network/graph_builder.ts";
import { penaltyOf } from "mien/network/weights.ts";
import {
  chain,
  compare,
  difference,
  prepare,
} from "../helpers/network_reference.ts";

await tf.setBackend("cpu");
const l = tf.layers;
type Tensor = tf.SymbolicTensor;

Deno.test("LeakyReLU, ELU and tanh have tfjs's values and gradient", async () => {
  await compare(
    chain([9, 7, 3], 4, [
      l.conv2d({ filters: 6, kernelSize: 3, activation: "tanh" }),
      l.leakyReLU({ alpha: 0.2 }),
      l.conv2d({ filters: 12, kernelSize: 1, activation: "elu" }),
      l.batchNormalization(),
      l.leakyReLU(),
      l.conv2d({ filters: 5, kernelSize: 3 }),
      l.elu(),
      l.flatten(),
      l.dense({ units: 9 }),
      l.activation({ activation: "tanh" }),
    ]),
    4,
    101,
  );
});

Deno.test("PReLU has tfjs's gradient with a slope a channel and a slope a value", async () => {
  await compare(
    chain([7, 6, 3], 4, [
      l.prelu(),
      l.conv2d({ filters: 5, kernelSize: 3 }),
      l.prelu({ sharedAxes: [1, 2] }),
      l.conv2d({ filters: 9, kernelSize: 2 }),
      l.prelu(),
      l.flatten(),
      l.dense({ units: 6 }),
      l.prelu(),
    ]),
    5,
    102,
  );
});

Deno.test("Layer normalization has tfjs's gradient on maps, rows and the input", async () => {
  await compare(
    chain([6, 5, 3], 4, [
      l.layerNormalization(),
      l.conv2d({ filters: 6, kernelSize: 3 }),
      l.layerNormalization({ epsilon: 0.01 }),
      l.conv2d({ filters: 5, kernelSize: 2, activation: "relu" }),
      l.flatten(),
      l.layerNormalization(),
      l.dense({ units: 11 }),
      l.batchNormalization(),
      l.layerNormalization(),
    ]),
    5,
    103,
  );
});

Deno.test("Without scale and shift, layer normalization has the scale 1 and the shift 0", async () => {
  // tfjs has no gradient without them.
  const build = (both: boolean) =>
    prepare(
      chain([5, 5, 3], 2, [
        l.conv2d({ filters: 6, kernelSize: 3 }),
        l.layerNormalization({ scale: both, center: both }),
        l.flatten(),
      ]),
      3,
      107,
    );
  const own = await build(true), none = await build(false);
  const [kernel, bias, gamma, beta, ...dense] = own.graph.weights;
  const { parameters } = own.network;
  parameters.set(none.network.parameters.subarray(0, gamma.offset));
  parameters.fill(1, gamma.offset, beta.offset);
  parameters.fill(0, beta.offset, dense[0].offset);
  parameters.set(
    none.network.parameters.subarray(gamma.offset),
    dense[0].offset,
  );
  own.network.input.set(none.network.input);
  own.network.targets.set(none.network.targets);
  assert.equal(none.network.gradient(3), own.network.gradient(3));
  const end = kernel.shape.reduce((a, b) => a * b) + bias.shape[0];
  assert.deepEqual(
    none.network.gradients.subarray(0, end),
    own.network.gradients.subarray(0, end),
  );
  assert.equal(none.graph.weights.length, 4);
});

Deno.test("Zero padding and concatenation have tfjs's gradient", async () => {
  const input = tf.input({ shape: [8, 9, 3] });
  const padded = l.zeroPadding2d({ padding: [[1, 2], [0, 3]] })
    .apply(input) as Tensor;
  const conv = (x: Tensor, filters: number) =>
    l.conv2d({ filters, kernelSize: 3 }).apply(x) as Tensor;
  const a = conv(padded, 5), b = conv(padded, 8);
  const c = l.zeroPadding2d().apply(conv(a, 6)) as Tensor;
  // The same value twice, sizes that are no multiples of four.
  const joined = l.concatenate().apply([a, b, c, a]) as Tensor;
  const pooled = l.globalAveragePooling2d({}).apply(conv(joined, 7));
  const flat = l.flatten().apply(
    l.maxPooling2d({ poolSize: 3 }).apply(l.batchNormalization().apply(joined)),
  );
  // A row of 3 x 3 x 24 beside one of 7.
  let x = l.concatenate().apply([flat, pooled] as Tensor[]) as Tensor;
  x = l.dense({ units: 3, activation: "softmax" }).apply(x) as Tensor;
  await compare(tf.model({ inputs: input, outputs: x }), 4, 104);
});

Deno.test("Batch normalization after a flatten has a scale for every value", async () => {
  await compare(
    chain([4, 3, 5], 3, [l.flatten(), l.batchNormalization(), l.reLU()]),
    6,
    105,
  );
});

Deno.test("Softmax is compiled wherever it is the same", async () => {
  const ends: tf.layers.Layer[][] = [
    [l.flatten(), l.dense({ units: 3 }), l.softmax()],
    [
      l.flatten(),
      l.dense({ units: 3 }),
      l.activation({ activation: "softmax" }),
    ],
    [
      l.flatten(),
      l.dense({ units: 3 }),
      l.activation({ activation: "linear" }),
      l.softmax(),
    ],
    [
      l.flatten(),
      l.dense({ units: 3 }),
      l.reshape({ targetShape: [3] }),
      l.softmax({ axis: -1 }),
    ],
    [l.conv2d({ filters: 3, kernelSize: 4 }), l.flatten(), l.softmax()],
    [l.conv2d({ filters: 1, kernelSize: 3 }), l.flatten(), l.softmax()],
    [
      l.conv2d({ filters: 3, kernelSize: 4, activation: "softmax" }),
      l.flatten(),
    ],
    [
      l.conv2d({ filters: 3, kernelSize: 4 }),
      l.softmax({ axis: -1 }),
      l.reshape({ targetShape: [3] }),
    ],
    [
      l.conv2d({ filters: 3, kernelSize: 4, activation: "softmax" }),
      l.globalAveragePooling2d({}),
    ],
    [
      l.conv2d({ filters: 3, kernelSize: 2 }),
      l.globalAveragePooling2d({}),
      l.softmax(),
    ],
  ];
  for (const [i, layers] of ends.entries()) {
    const input = tf.input({ shape: [4, 4, 2] });
    let x = input;
    for (const layer of layers) x = layer.apply(x) as Tensor;
    await compare(tf.model({ inputs: input, outputs: x }), 3, 110 + i);
  }
});

Deno.test("Every compiled layer's gradient is the slope that finite differences measure", async () => {
  const model = chain([8, 8, 3], 4, [
    l.zeroPadding2d(),
    l.conv2d({ filters: 6, kernelSize: 3 }),
    l.layerNormalization(),
    l.prelu(),
    l.conv2d({ filters: 5, kernelSize: 3, activation: "tanh" }),
    l.elu(),
    l.leakyReLU(),
    l.gaussianNoise({ stddev: 0.2 }),
    l.flatten(),
  ]);
  const { network, graph } = await prepare(model, 4, 121);
  network.gradient(4, undefined, 7);
  const gradient = network.gradients.slice();
  const start = network.parameters.slice();
  for (const { name, offset, shape } of graph.weights) {
    const part = gradient.slice(offset, offset + shape.reduce((a, b) => a * b));
    const length = Math.hypot(...part);
    const loss = (step: number) => {
      network.parameters.set(start);
      part.forEach((g, i) =>
        network.parameters[offset + i] += step * g / length
      );
      return network.gradient(4, undefined, 7) / 4;
    };
    // Along the gradient the loss rises by its length. Few values change sides at this
    // step; these, and float32 losses near 1, leave two digits.
    const slope = (loss(5e-4) - loss(-5e-4)) / 1e-3;
    assert.ok(
      Math.abs(slope - length) < 0.02 * length + 2e-3,
      `${name}: slope ${slope}, gradient ${length}`,
    );
  }
});

Deno.test("Gaussian noise is normal, drawn by seed alone, and none in prediction", async () => {
  const build = (stddev: number) => {
    const model = chain([16, 16, 8], 2, [
      l.gaussianNoise({ stddev }),
      l.conv2d({ filters: 1, kernelSize: 1, useBias: false }),
      l.flatten(),
    ]);
    return prepare(model, 8, 131);
  };
  const { network, graph } = await build(0.5);
  const still = await build(0);
  const loss = (seed: number) => network.gradient(8, undefined, seed);
  const losses = [1, 2, 1].map(loss);
  assert.equal(losses[0], losses[2]);
  assert.notEqual(losses[0], losses[1]);
  network.predict(8);
  still.network.predict(8);
  assert.deepEqual(network.outputs, still.network.outputs);
  // The 1x1 kernel picks channel 0; the dense one's gradient is the noisy map.
  const { offset } = graph.weights[0];
  network.parameters.fill(0, offset, offset + 8);
  network.parameters[offset] = 1;
  const draws: number[] = [];
  for (let seed = 0; seed < 40; seed++) {
    network.input.fill(0);
    network.gradient(1, undefined, seed);
    const dense = graph.weights[1];
    const factor = network.outputs[0] - network.targets[0];
    for (let i = 0; i < 256; i++) {
      draws.push(network.gradients[dense.offset + 2 * i] / factor);
    }
  }
  const mean = (power: number) =>
    draws.reduce((sum, x) => sum + (x / 0.5) ** power, 0) / draws.length;
  // 10,240 draws: standard errors 0.01, 0.014, 0.024 and 0.1; four of each.
  assert.ok(Math.abs(mean(1)) < 0.04, `mean ${mean(1)}`);
  assert.ok(Math.abs(mean(2) - 1) < 0.056, `variance ${mean(2)}`);
  assert.ok(Math.abs(mean(3)) < 0.1, `skewness ${mean(3)}`);
  assert.ok(Math.abs(mean(4) - 3) < 0.4, `kurtosis ${mean(4)}`);
  assert.equal(new Set(draws).size, draws.length);
});

Deno.test("What is not the same is refused by the layer's name: axes, constraints, shared slopes", () => {
  const refused = (layers: tf.layers.Layer[], message: RegExp) =>
    assert.throws(() => describeNetwork(chain([4, 4, 2], 2, layers)), {
      name: "NetworkError",
      message,
    });
  refused([
    l.layerNormalization({ name: "rows", axis: 1 }),
    l.flatten(),
  ], /layer rows .*axis 1 is not supported/);
  refused([
    l.prelu({ name: "bent", sharedAxes: [1] }),
    l.flatten(),
  ], /layer bent .*sharedAxes \[1\]/);
  refused([
    l.flatten(),
    l.dense({ units: 2, kernelConstraint: tf.constraints.nonNeg() }),
  ], /the constraint of dense.*kernel is not supported/);
});

Deno.test("README lists every layer and activation that is compiled, and no other", async () => {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const [, part] = /compiles the layers (.*?), and two/s.exec(readme)!;
  const listed = [...part.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(listed, [
    ...Object.keys(COMPILED_LAYERS),
    ...COMPILED_ACTIVATIONS,
  ]);
});

Deno.test("The slopes of PReLU do not decay, but have their own penalty", async () => {
  const model = chain([4, 4, 2], 2, [
    l.prelu({ alphaRegularizer: tf.regularizers.l2({ l2: 0.5 }) }),
    l.flatten(),
  ]);
  const { graph, network } = await prepare(model, 1, 141);
  const [alpha, kernel] = graph.weights;
  assert.deepEqual([alpha.decays, kernel.decays], [false, true]);
  const squares = network.parameters.subarray(0, 32)
    .reduce((sum, value) => sum + value ** 2, 0);
  const penalty = penaltyOf(graph, network.parameters);
  assert.ok(difference([penalty], [0.5 * squares]) < 1e-6);
});
