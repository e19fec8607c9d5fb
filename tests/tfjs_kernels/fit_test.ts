// What users do on the wasm backend: mini-Xception by plain model.fit with any
// optimizer, Adam's state, dropout.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { BAR, largestError, values } from "../helpers/gradient_check.ts";

/** Sixteen pictures with a bright square whose position is their emotion. */
function squares(): { x: tf.Tensor4D; y: tf.Tensor2D } {
  const pixels = values(16 * 48 * 48, 1).map((v) => v / 4);
  const emotions = Array.from({ length: 16 }, (_, i) => i % 7);
  emotions.forEach((emotion, i) => {
    for (let dy = 0; dy < 12; dy++) {
      for (let dx = 0; dx < 12; dx++) {
        const row = 16 * (emotion % 3) + dy, column = 16 * (emotion / 3 | 0);
        pixels[(i * 48 + row) * 48 + column + dx] = 1;
      }
    }
  });
  return {
    x: tf.tensor4d(pixels, [16, 48, 48, 1]),
    y: tf.oneHot(emotions, 7).toFloat() as tf.Tensor2D,
  };
}

for (const optimizer of ["adam", "sgd", "rmsprop"]) {
  Deno.test(`mini-Xception learns by plain model.fit with ${optimizer}`, async () => {
    await useWasmBackend();
    const model = buildMiniXception();
    model.compile({
      optimizer,
      loss: "categoricalCrossentropy",
      metrics: ["accuracy"],
    });
    const { x, y } = squares();
    const { history } = await model.fit(x, y, {
      batchSize: 8,
      epochs: 4,
      verbose: 0,
    });
    const losses = history.loss as number[];
    assert.ok(losses.every(Number.isFinite));
    assert.ok(losses[3] < losses[0] - 0.1, `losses ${losses}`);
    const p = model.predict(x) as tf.Tensor;
    const sums = p.sum(-1).dataSync();
    assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-5));
  });
}

Deno.test("Adam leaves the same state as tfjs's own", async () => {
  const run = async (backend: string) => {
    await tf.setBackend(backend);
    const variables = [[5], [3, 7], [2, 2, 3, 4]].map((shape, i) =>
      tf.variable(tf.tensor(values(tf.util.sizeFromShape(shape), i), shape))
    );
    const optimizer = tf.train.adam(0.01, 0.8, 0.95, 1e-4);
    for (let step = 0; step < 5; step++) {
      optimizer.minimize(() =>
        tf.addN(variables.map((v) => tf.sum(tf.pow(v, 4)))) as tf.Scalar
      );
    }
    const state = await optimizer.getWeights();
    const all = [...variables, ...state.map(({ tensor }) => tensor)];
    return { names: state.length, values: all.map((t) => t.dataSync()) };
  };
  await useWasmBackend();
  const [actual, expected] = [await run("wasm"), await run("cpu")];
  assert.equal(actual.names, expected.names);
  expected.values.forEach((value, i) => {
    assert.ok(largestError(actual.values[i], value) <= BAR, `tensor ${i}`);
  });
});

Deno.test("a network with dropout trains, and predicts without it", async () => {
  await useWasmBackend();
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 1],
        filters: 4,
        kernelSize: 3,
        kernelInitializer,
      }),
      tf.layers.dropout({ rate: 0.5, seed: 1 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1, kernelInitializer }),
    ],
  });
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const x = tf.tensor4d(values(6 * 64, 1), [6, 8, 8, 1]);
  const targets = tf.ones([6, 1]);
  const lossOf = () => (model.evaluate(x, targets) as tf.Scalar).dataSync()[0];
  const before = lossOf();
  const { history } = await model.fit(x, targets, { epochs: 30, verbose: 0 });
  const losses = history.loss as number[];
  assert.ok(losses[29] < losses[0]);
  assert.ok(lossOf() < before);
  const predict = () => (model.predict(x) as tf.Tensor).dataSync();
  assert.deepEqual(predict(), predict());
});
