// Checks that a network can learn the drawn faces: mini-Xception reaches 90 %
// on people it has not seen, where a linear classifier stays under 80 %
// (faces_test.ts). Half a minute on two cores.
import assert from "node:assert/strict";
import { noAugmentation } from "mien/training/augment.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { train } from "mien/training/train.ts";

Deno.test("mini-Xception reaches 90 % on 7,000 faces in four epochs", async () => {
  const { history } = await train({
    faces: drawFaces({ count: 7000, seed: 2013 }),
    model: buildMiniXception({ l2: 0 }),
    config: {
      epochs: 4,
      batchSize: 32,
      averageDecay: 0.98,
      augmentation: { ...noAugmentation, mirror: true },
      workers: 2,
    },
  });
  const accuracies = history.map((epoch) => epoch.valAccuracy);
  console.log("PublicTest accuracy by epoch:", accuracies);
  assert.ok(accuracies[3] >= 0.9, `accuracy ${accuracies[3]}`);
});
