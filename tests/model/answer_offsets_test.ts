// Offsets and a temperature folded into the last weights change the probabilities as the same change
// of the logits does.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { addOffsets, divideLogits } from "mien/model/answer_offsets.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { buildWideXception } from "mien/model/wide_xception.ts";
import { UserError } from "mien/user_error.ts";

const offsets = [-0.7, -0.8, -1, 0, -0.4, 0.9, 0.8];

for (const build of [buildMiniXception, buildWideXception]) {
  Deno.test(`${build.name}: offsets of the logits shift the probabilities accordingly`, () => {
    build({ seed: 4 }); // A second network of a process has other names for its weights.
    const model = build({ seed: 4 });
    const faces = tf.randomUniform([5, 48, 48, 1], -1, 1, "float32", 3);
    const before = (model.predict(faces) as tf.Tensor).log().add(
      tf.tensor1d(offsets),
    ).softmax().dataSync();
    addOffsets(model, offsets);
    const after = (model.predict(faces) as tf.Tensor).dataSync();
    // Both are float32; the mean over the map adds a few roundings.
    for (const [i, value] of after.entries()) {
      assert.ok(Math.abs(value - before[i]) < 1e-5, `${value} ${before[i]}`);
    }
  });
}

Deno.test("a temperature sharpens the probabilities and keeps the answers", () => {
  const model = buildWideXception({ seed: 4 });
  addOffsets(model, offsets); // A bias that is not zero must be divided too.
  const faces = tf.randomUniform([5, 48, 48, 1], -1, 1, "float32", 3);
  const before = (model.predict(faces) as tf.Tensor).log().div(0.6)
    .softmax().dataSync();
  divideLogits(model, 0.6);
  const after = (model.predict(faces) as tf.Tensor).dataSync();
  for (const [i, value] of after.entries()) {
    assert.ok(Math.abs(value - before[i]) < 1e-5, `${value} ${before[i]}`);
  }
  for (const bad of [0, -1, NaN, Infinity]) {
    assert.throws(() => divideLogits(model, bad), UserError);
  }
});

Deno.test("a network without a bias for the answers is rejected", () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [4, 4, 1] }),
      tf.layers.dense({ units: 7, useBias: false, activation: "softmax" }),
    ],
  });
  assert.throws(() => addOffsets(model, offsets), UserError);
  assert.throws(() => divideLogits(model, 0.5), UserError);
  assert.throws(() => addOffsets(buildMiniXception(), [0, 1]), /2 values/);
});
