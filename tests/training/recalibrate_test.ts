// Recalibrated statistics against tfjs's own convolution and moments on the cpu, batch by batch.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import { scalePixels } from "mien/network/input.ts";
import { augmentFace, noAugmentation } from "mien/training/augment.ts";
import { recalibrate } from "mien/training/recalibrate.ts";
import { shareFaces } from "mien/training/shared_memory.ts";
import { orderOfEpoch } from "mien/training/order.ts";
import { buildTiny, makeFaces } from "../helpers/tiny_training.ts";

const faces = makeFaces(150, 10); // a batch of 128 and one of 22
const weightsOf = (model: tf.LayersModel) =>
  model.getWeights().map((weight) => [...weight.dataSync()]);

/** Means and variances of the tiny network's convolution over the faces of each batch, and their mean. */
function expectedStatistics(
  model: tf.LayersModel,
  seed: number,
  augmentation = noAugmentation,
) {
  return tf.tidy(() => {
    const { pixels, length } = shareFaces(faces, "Training");
    const order = orderOfEpoch(length, seed, 0);
    const changed = scalePixels(pixels);
    for (let face = 0; face < length; face++) {
      const at = face * 48 * 48;
      const output = changed;
      augmentFace({ pixels, face, augmentation, seed, epoch: 0, output, at });
    }
    const input = tf.tensor4d(changed, [length, 48, 48, 1]);
    const maps = model.layers[0].apply(input) as tf.Tensor4D;
    const parts = [order.subarray(0, 128), order.subarray(128)].map((rows) => {
      const { mean, variance } = tf.moments(
        maps.gather([...rows]),
        [0, 1, 2],
      );
      return [mean, variance].map((x) => x.mul(rows.length / length));
    });
    return [0, 1].map((i) => [...parts[0][i].add(parts[1][i]).dataSync()]);
  });
}

for (
  const [what, augmentation] of [
    ["unchanged", noAugmentation],
    ["blurred", { ...noAugmentation, blur: 0.3 }],
  ] as const
) {
  Deno.test(`means and variances become those of batches of ${what} faces`, async () => {
    const model = buildTiny();
    const before = weightsOf(model);
    await recalibrate(model, faces, { seed: 4, augmentation });
    const after = weightsOf(model);
    // Trained weights come first, then the moving mean and variance.
    [0, 1, 2, 3, 4].forEach((i) => assert.deepEqual(after[i], before[i]));
    expectedStatistics(model, 4, augmentation).forEach((expected, i) =>
      expected.forEach((value, c) => {
        const gap = Math.abs(after[5 + i][c] - value);
        assert.ok(gap < 1e-5 * Math.max(1, Math.abs(value)), `${gap}`); // float32
      })
    );
  });
}

Deno.test("recalibrating again changes nothing but rounding", async () => {
  const [once, twice] = [buildTiny(), buildTiny()];
  await recalibrate(once, faces, { seed: 4 });
  await recalibrate(twice, faces, { seed: 4 });
  assert.deepEqual(weightsOf(twice), weightsOf(once));
  await recalibrate(twice, faces, { seed: 4 });
  const gaps = weightsOf(twice).flatMap((values, i) =>
    values.map((value, k) => Math.abs(value - weightsOf(once)[i][k]))
  );
  assert.ok(Math.max(...gaps) < 1e-5); // sums of float32, begun at another mean
});
