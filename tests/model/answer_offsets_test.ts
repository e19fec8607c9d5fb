// Offsets folded into the last bias give the probabilities that offset logits would.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { addOffsets } from "mien/model/answer_offsets.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { buildWideXception } from "mien/model/wide_xception.ts";
import { UserError } from "mien/user_error.ts";

const offsets = [-0.7, -0.8, -1, 0, -0.4, 0.9, 0.8];

for (const build of [buildMiniXception, buildWideXception]) {
  Deno.test(`${build.name}: probabilities move as their logits' offsets say`, () => {
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

Deno.test("a network without such a bias is refused", () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [4, 4, 1] }),
      tf.layers.dense({ units: 7, useBias: false, activation: "softmax" }),
    ],
  });
  assert.throws(() => addOffsets(model, offsets), UserError);
  assert.throws(() => addOffsets(buildMiniXception(), [0, 1]), /2 numbers/);
});
