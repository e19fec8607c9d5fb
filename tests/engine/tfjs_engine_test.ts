// TensorFlow.js as an engine: answers and gradients of the compiled network, penalties, outputs
// without softmax, constraints, seeds, and what cannot be built.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { createEngine } from "mien/engine/create_engine.ts";
import { describeEngine, describeModel } from "mien/engine/describe_model.ts";
import { type Engine, isForTfjs } from "mien/engine/engine.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { describeForTfjs } from "mien/engine/tfjs_graph.ts";
import { readWeights, writeWeights } from "mien/engine/weights.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { scalePixels } from "mien/network/input.ts";
import { penaltyOf } from "mien/network/weights.ts";

const BATCH = 16;
const faces = drawFaces({ count: 70, seed: 1 });

async function engineOf(
  model: tf.LayersModel,
  graph = describeModel(model),
  gamma = 0,
): Promise<Engine> {
  const options = { batch: BATCH, training: true, gamma };
  const engine = await createEngine(graph, options);
  const { parameters, statistics } = readWeights(graph, model);
  engine.parameters.set(parameters);
  engine.statistics.set(statistics);
  scalePixels(faces.pixels.subarray(0, BATCH * 2304), engine.input);
  for (let i = 0; i < BATCH; i++) {
    engine.targets[i * graph.outputSize + i % graph.outputSize] = 1;
  }
  return engine;
}

/** The largest difference, relative to the largest value. */
function errorOf(actual: Float32Array, expected: Float32Array): number {
  const largest = (values: Float32Array) =>
    values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest(actual.map((v, i) => v - expected[i])) / largest(expected);
}

const dense = (units: number, activation?: "tanh" | "softmax") =>
  tf.layers.dense({
    units,
    activation,
    kernelInitializer: tf.initializers.glorotUniform({ seed: units }),
  });

Deno.test("answers, loss, gradient and statistics match the compiled network's", async () => {
  const model = buildMiniXception();
  const fast = await engineOf(model);
  const slowGraph = describeForTfjs(model, "");
  const slow = await engineOf(model, slowGraph);
  fast.predict(BATCH);
  slow.predict(BATCH);
  // Both compute in float32, in different orders.
  assert.ok(errorOf(slow.outputs, fast.outputs) < 1e-5);
  const weights = Float32Array.from({ length: BATCH }, (_, i) => 1 + i % 3);
  const [a, b] = [fast, slow].map((e) => e.gradient(BATCH, weights, 1));
  assert.ok(Math.abs(a / b - 1) < 1e-5, `${a}, ${b}`);
  assert.ok(errorOf(slow.outputs, fast.outputs) < 1e-4);
  for (const weight of fast.graph.weights) {
    if (weight.kind === "statistic") continue;
    const own = (e: Engine) => {
      const { offset, shape } = e.graph.weights.find((w) =>
        w.name === weight.name
      )!;
      return e.gradients.subarray(
        offset,
        offset + shape.reduce((x, y) => x * y),
      );
    };
    const error = errorOf(own(slow), own(fast));
    // Float32 through 40 layers: of 60,000 values before a ReLU, a few are so near 0 that they get
    // the other sign, which changes the first kernels most (0.002).
    assert.ok(error < 1e-2, `${weight.name}: ${error}`);
  }
  assert.ok(errorOf(slow.statistics, fast.statistics) < 1e-4);
  assert.equal(
    penaltyOf(slow.graph, slow.parameters).toFixed(6),
    penaltyOf(fast.graph, fast.parameters).toFixed(6),
  );
});

Deno.test("the focal loss and its gradient match the compiled network's", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [48, 48, 1] }),
      dense(4, "tanh"),
      dense(3, "softmax"),
    ],
  });
  for (const gamma of [0.5, 2]) {
    const fast = await engineOf(model, describeModel(model), gamma);
    const slow = await engineOf(model, describeForTfjs(model, ""), gamma);
    const weights = Float32Array.from({ length: BATCH }, (_, i) => 1 + i % 3);
    const [a, b] = [fast, slow].map((e) => e.gradient(BATCH, weights));
    assert.ok(Math.abs(a / b - 1) < 1e-5, `${a}, ${b}`);
    assert.ok(errorOf(slow.gradients, fast.gradients) < 1e-4);
    assert.ok(a < (await engineOf(model)).gradient(BATCH, weights));
  }
});

Deno.test("the gradient of a network with layers that are not compiled is the slope of its loss", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.reshape({ inputShape: [48, 48, 1], targetShape: [48, 48] }),
      tf.layers.averagePooling1d({ poolSize: 6 }),
      tf.layers.lstm({ units: 5, kernelInitializer: "glorotUniform" }),
      dense(3, "tanh"),
      tf.layers.softmax(),
    ],
  });
  const engine = await engineOf(model);
  assert.match(describeEngine(engine.graph), /is not compiled: TensorFlow.js/);
  engine.gradient(BATCH);
  const gradient = engine.gradients.slice();
  const size = gradient.reduce((sum, value) => sum + value ** 2, 0);
  // A step of 0.01 along the gradient changes the mean loss by 0.01 |g| in either direction, of
  // which float32 losses near 1 keep four digits.
  const step = 0.01 / Math.sqrt(size);
  const lossAt = (times: number) => {
    gradient.forEach((g, i) => engine.parameters[i] += times * step * g);
    const loss = engine.gradient(BATCH) / BATCH;
    gradient.forEach((g, i) => engine.parameters[i] -= times * step * g);
    return loss;
  };
  const slope = (lossAt(1) - lossAt(-1)) / (2 * 0.01);
  assert.ok(Math.abs(slope / Math.sqrt(size) - 1) < 1e-2, `${slope}`);
});

Deno.test("L2 penalties are left to the optimizer, others are part of the gradient", async () => {
  const build = (kernelRegularizer: ReturnType<typeof tf.regularizers.l2>) =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [48, 48, 1] }),
        tf.layers.dense({
          units: 2,
          activation: "elu",
          kernelRegularizer,
          kernelInitializer: "zeros",
        }),
      ],
    });
  const l2 = describeModel(build(tf.regularizers.l2({ l2: 0.25 })));
  assert.ok(isForTfjs(l2) && !l2.penalties);
  assert.equal(l2.weights[0].l2, 0.25);
  const both = build(tf.regularizers.l1l2({ l1: 0.5, l2: 0.25 }));
  const graph = describeModel(both);
  assert.ok(isForTfjs(graph) && graph.penalties);
  const engine = await engineOf(both, graph);
  engine.input.fill(0); // no gradient but the penalty's
  engine.parameters.fill(2);
  engine.gradient(BATCH);
  assert.ok(
    errorOf(
      engine.gradients.subarray(0, 4608),
      new Float32Array(4608).fill(0.5 + 2 * 0.25 * 2),
    ) < 1e-6,
  );
});

Deno.test("a network without softmax gives logits, keeps its constraints, and gets its weights back exactly", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [48, 48, 1] }),
      tf.layers.dense({
        units: 3,
        kernelInitializer: "randomNormal",
        kernelConstraint: tf.constraints.nonNeg(),
      }),
    ],
  });
  const engine = await engineOf(model);
  assert.ok(isForTfjs(engine.graph) && engine.graph.end === "logits");
  engine.predict(2);
  const sum = engine.outputs.subarray(0, 3).reduce((a, b) => a + b);
  assert.ok(Math.abs(sum - 1) < 1e-6);
  assert.ok(engine.parameters.every((value) => value >= 0));
  writeWeights(engine.graph, engine, model);
  const again = readWeights(engine.graph, model);
  assert.deepEqual(again.parameters, engine.parameters.slice());
});

Deno.test("noise depends only on the run's seed, even in layers with their own", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [48, 48, 1] }),
      tf.layers.gaussianNoise({ stddev: 1 }),
      tf.layers.dropout({ rate: 0.5, seed: 7 }),
      dense(2, "softmax"),
    ],
  });
  const engine = await engineOf(model);
  const losses = [1, 2, 1].map((seed) =>
    engine.gradient(BATCH, undefined, seed)
  );
  assert.equal(losses[2], losses[0]);
  assert.notEqual(losses[1], losses[0]);
  const before = tf.memory().numTensors;
  engine.gradient(BATCH);
  engine.predict(BATCH);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("a network with two outputs is rejected", () => {
  const input = tf.input({ shape: [48, 48, 1] });
  const flat = tf.layers.flatten().apply(input) as tf.SymbolicTensor;
  const outputs = [2, 3].map((units) =>
    dense(units).apply(flat)
  ) as tf.SymbolicTensor[];
  assert.throws(
    () => describeModel(tf.model({ inputs: input, outputs })),
    /one input and one output/,
  );
});
