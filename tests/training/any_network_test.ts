// Networks that are not compiled: the fast engine's losses where both engines apply, the same weights
// after resuming, custom layers and losses in the main thread.

import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { drawFaces } from "mien/drawn/faces.ts";
import type { Loss } from "mien/engine/tfjs_graph.ts";
import { evaluate } from "mien/evaluation/evaluate.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { loadModel } from "mien/model/saved_model.ts";
import type { PartialConfig } from "mien/training/config.ts";
import { recalibrate } from "mien/training/recalibrate.ts";
import { readRun } from "mien/training/run/run_folder.ts";
import { train, type TrainOptions } from "mien/training/train.ts";
import { buildEveryLayer } from "../helpers/every_layer.ts";
import { buildOther, makeFaces } from "../helpers/tiny_training.ts";
import { inFolder } from "../helpers/in_folder.ts";

const crossEntropy = (targets: tf.Tensor, outputs: tf.Tensor) =>
  targets.mul(outputs.maximum(1e-7).log()).sum(1).neg();

const focal = (targets: tf.Tensor, outputs: tf.Tensor) =>
  targets.mul(outputs.maximum(1e-7).log()).mul(tf.sub(1, outputs).square())
    .sum(1).neg();

for (const build of [buildMiniXception, buildEveryLayer]) {
  Deno.test(`both engines give the same losses over an epoch of ${build.name}`, () =>
    compareEngines(build, crossEntropy));
}

Deno.test("both engines give the same focal losses", () =>
  compareEngines(buildEveryLayer, focal, "focal"));

async function compareEngines(
  build: (options: { seed: number }) => tf.LayersModel,
  own: Loss,
  named?: "focal",
): Promise<void> {
  const faces = drawFaces({ count: 280, seed: 1 });
  const config = {
    epochs: 1,
    workers: 1,
    seed: 1,
    batchSize: 32,
    learningRate: 1e-3,
  };
  const lines: string[] = [];
  const run = async (config: PartialConfig, loss?: Loss) => {
    const { history: [record] } = await train({
      faces,
      config,
      loss,
      model: build({ seed: 5 }),
      onEngine: (line) => lines.push(line),
    });
    return record;
  };
  const fast = await run({ ...config, loss: named });
  const slow = await run(config, own);
  assert.match(lines[0], /all layers are compiled/);
  assert.match(lines[1], /custom loss.*TensorFlow.js.*in one thread/);
  // Float32 sums in different orders: a relative 1e-7 in each of 7 steps. Where that changes the
  // sign of a gradient near zero, Adam moves a weight by the learning rate, so the losses agree to
  // 1e-3. A mistake in augmentation, order, rate or penalty would change them ten times as much.
  for (const name of ["loss", "valLoss", "penalty"] as const) {
    const difference = Math.abs(slow[name] - fast[name]) / fast[name];
    assert.ok(!(difference > 1e-3), `${name}: ${slow[name]}, ${fast[name]}`);
  }
  assert.equal(slow.learningRate, fast.learningRate);
}

Deno.test("a network that is not compiled trains in workers, resumes to the same weights, and is evaluated", () =>
  inFolder(async (folder) => {
    const faces = makeFaces(210, 70);
    const config = {
      epochs: 3,
      batchSize: 32,
      workers: 2,
      seed: 4,
      averageDecay: 0.9,
      learningRate: 0.01,
      weightDecay: 0.01,
    };
    const lines: string[] = [];
    const onEngine = (line: string) => lines.push(line);
    const whole = join(folder, "whole"), parts = join(folder, "parts");
    const run = (more: Partial<TrainOptions>) =>
      train({ faces, model: buildOther(), config, onEngine, ...more });
    const first = await run({ out: whole });
    assert.match(
      lines[0],
      /^layer activation.*: activation selu is not compiled: TensorFlow.js computes the network, about \d+ times slower$/,
    );
    const stopping = new AbortController();
    const begun = await run({
      out: parts,
      signal: stopping.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) stopping.abort();
      },
    });
    assert.equal(begun.ended, "signal");
    await run({ out: parts, resume: true });
    const [one, two] = [whole, parts].map(readRun);
    assert.equal(two.notes.history.length, 3);
    assert.deepEqual(two.arrays, one.arrays);
    // It has learned: guessing among seven classes gives ln 7 = 1.95.
    assert.ok(first.history[2].loss < first.history[0].loss);
    const saved = await loadModel(join(whole, first.history[2].saved!));
    const { accuracy } = await evaluate(saved, faces, "PublicTest");
    assert.equal(accuracy.toFixed(4), first.history[2].valAccuracy.toFixed(4));
    const statistics = () =>
      saved.weights.find(({ name }) => name.includes("moving_mean"))!.read()
        .dataSync();
    const before = statistics().slice();
    await recalibrate(saved, faces, { seed: 1 });
    assert.notDeepEqual(statistics(), before);
    await assert.rejects(
      run({ out: whole, resume: true, loss: crossEntropy }),
      /different network|different loss/,
    );
  }));

Deno.test("noise layers depend on the run's seed, so that a resumed run ends with the same weights", () =>
  inFolder(async (folder) => {
    const faces = makeFaces(140, 35);
    const config = { epochs: 2, batchSize: 32, workers: 2, seed: 4 };
    const run = async (name: string, more: object = {}, stops = false) => {
      const stopping = new AbortController();
      await train({
        faces,
        config: { ...config, ...more },
        out: join(folder, name),
        model: buildEveryLayer({ noise: true }),
        resume: true,
        name: "noisy",
        signal: stopping.signal,
        onEpoch: () => stops && stopping.abort(),
      });
      return readRun(join(folder, name)).arrays;
    };
    const whole = await run("whole");
    await run("parts", {}, true);
    assert.deepEqual(await run("parts"), whole);
    assert.notDeepEqual(await run("other", { seed: 5 }), whole);
  }));

/** A layer that is known only in this file. */
class Halve extends tf.layers.Layer {
  static className = "Halve";
  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return (Array.isArray(inputs) ? inputs[0] : inputs).div(2);
  }
}
tf.serialization.registerClass(Halve);

Deno.test("a custom layer trains in the main thread, which stays responsive", async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [48, 48, 1] }),
      new Halve({}),
      tf.layers.dense({ units: 7, activation: "softmax" }),
    ],
  });
  const lines: string[] = [];
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    const faces = makeFaces(140, 35);
    const config = { epochs: 2, batchSize: 16, workers: 2, seed: 1 };
    const { history } = await train({
      faces,
      model,
      config,
      onEngine: (line) => lines.push(line),
    });
    assert.match(
      lines[0],
      /Halve.*TensorFlow.js.*in one thread \(the layer Halve is known only where it was defined\)/,
    );
    assert.ok(history[1].loss < history[0].loss);
    assert.ok(ticks > 5, `${ticks} ticks of a timer`);
    // A second run leaves no tensors behind.
    const before = tf.memory().numTensors;
    await train({ faces, model, config, onEngine: () => {} });
    assert.equal(tf.memory().numTensors, before);
  } finally {
    clearInterval(timer);
  }
});

Deno.test("a loss may return one number per face or their mean; class weights need one per face", async () => {
  const faces = makeFaces(70, 35);
  const config = { epochs: 1, batchSize: 35, workers: 1, seed: 1 };
  const run = (
    loss: (t: tf.Tensor, o: tf.Tensor) => tf.Tensor,
    more: { classWeights?: number[] } = {},
  ) =>
    train({
      faces,
      loss,
      model: buildOther(),
      config: { ...config, ...more },
      onEngine: () => {},
    });
  const each = await run((t, o) => tf.squaredDifference(t, o).sum(1));
  const mean = await run((t, o) => tf.squaredDifference(t, o).sum(1).mean());
  assert.deepEqual(mean.history[0].loss, each.history[0].loss);
  const classWeights = [1, 1, 1, 1, 1, 1, 1];
  const weighted = await run(
    (t, o) => tf.squaredDifference(t, o).sum(1),
    { classWeights },
  );
  assert.deepEqual(weighted.history[0].loss, each.history[0].loss);
  await assert.rejects(
    run((t, o) => tf.squaredDifference(t, o).mean(), { classWeights }),
    /with class weights, the loss must return one number per face/,
  );
  await assert.rejects(
    run((t) => t),
    /one number per face or their mean, not \[35,7\] for 35 faces/,
  );
});
