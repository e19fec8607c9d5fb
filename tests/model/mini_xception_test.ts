// The published facts about mini-Xception, and its defaults.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { describeNetwork } from "mien/network/describe_network.ts";

Deno.test("mini-Xception has 58,423 parameters, 56,951 of them trained by gradient", () => {
  const model = buildMiniXception();
  assert.equal(model.countParams(), 58_423);
  const graph = describeNetwork(model);
  assert.equal(graph.parameters, 56_951);
  assert.equal(graph.statistics, 1_472);
});

Deno.test("mini-Xception takes faces of 48 x 48 x 1 and gives seven probabilities", () => {
  const model = buildMiniXception();
  assert.deepEqual(model.inputs[0].shape, [null, 48, 48, 1]);
  assert.deepEqual(model.outputs[0].shape, [null, 7]);
  const sizes = model.layers.filter((layer) => layer.getClassName() === "Add")
    .map((layer) => (layer.outputShape as number[]).slice(1));
  assert.deepEqual(sizes, [[22, 22, 16], [11, 11, 32], [6, 6, 64], [
    3,
    3,
    128,
  ]]);
});

Deno.test("the same seed gives the same initial weights, another seed gives others", async () => {
  await tf.setBackend("cpu");
  const first = (seed: number) =>
    buildMiniXception({ seed }).getWeights()[0].dataSync();
  assert.deepEqual(first(3), first(3));
  assert.notDeepEqual(first(3), first(4));
});

Deno.test("only the kernels of the first two convolutions have an L2 penalty, 0.01", () => {
  const graph = describeNetwork(buildMiniXception());
  const punished = graph.weights.filter((weight) => weight.l2 === 0.01);
  assert.deepEqual(
    punished.map(({ shape }) => shape),
    [[3, 3, 1, 8], [3, 3, 8, 8]],
  );
  const free = describeNetwork(buildMiniXception({ l2: 0 }));
  assert.ok(free.weights.every((weight) => weight.l2 === 0));
});
