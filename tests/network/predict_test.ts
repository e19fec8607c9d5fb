// Probabilities of many faces: by any number of workers, mirrored or not, they are
// those that one network gives face by face.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { FACE_PIXELS } from "mien/emotions.ts";
import { predictFaces } from "mien/network/predict.ts";
import { predictAll } from "mien/network/predict_all.ts";
import { createTrained, readTrained } from "mien/network/trained.ts";
import { createRandom } from "mien/random.ts";

await tf.setBackend("cpu");
const model = buildMiniXception({ seed: 4 });
const random = createRandom(4);
/** Enough faces for two workers. */
const FACES = 1030;
const pixels = Uint8Array.from(
  { length: FACES * FACE_PIXELS },
  () => 256 * random.next(),
);

Deno.test("two workers give what one thread gives, bit for bit", async () => {
  const trained = readTrained(model);
  const seen: number[] = [];
  const one = await predictAll(trained, pixels, { workers: 1 });
  const two = await predictAll(trained, pixels, {
    workers: 2,
    onProgress: (faces) => seen.push(faces),
  });
  assert.deepEqual(two, one);
  assert.equal(seen.at(-1), FACES);
  assert.ok(seen.every((faces, i) => i === 0 || faces >= seen[i - 1]));
});

Deno.test("mirrored, it is the mean of a face and its mirror image", async () => {
  const few = pixels.subarray(0, 3 * FACE_PIXELS);
  const both = await predictAll(readTrained(model), few, { mirror: true });
  const network = await createTrained(readTrained(model), {
    batch: 1,
    training: false,
  });
  const turned = few.map((_, i) => few[i + 47 - 2 * (i % 48)]);
  const rows = [few, turned].map((faces) => {
    const output = new Float32Array(21);
    predictFaces(network, { pixels: faces, from: 0, to: 3, output });
    return output;
  });
  both.forEach((value, i) => {
    const mean = (rows[0][i] + rows[1][i]) / 2;
    assert.ok(Math.abs(value - mean) < 1e-7, `${value} and ${mean}`);
  });
});
