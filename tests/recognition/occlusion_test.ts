import assert from "node:assert/strict";
import { occlusionMap } from "mien/recognition/occlusion.ts";

/** Sees "happy" as far as the square at (20, 32) is bright. */
const looksAtMouth = {
  classify: (crops: readonly Uint8Array[]) =>
    crops.map((crop) => {
      let sum = 0;
      for (let y = 32; y < 40; y++) {
        for (let x = 20; x < 28; x++) sum += crop[48 * y + x];
      }
      const happy = sum / 64 / 255;
      return Float32Array.of(1 - happy, 0, 0, happy, 0, 0, 0);
    }),
};

const face = new Uint8Array(48 * 48);
for (let y = 32; y < 40; y++) face.fill(255, 48 * y + 20, 48 * y + 28);

Deno.test("the map is highest where the network looks, and 0 elsewhere", () => {
  const { side, loss, probability } = occlusionMap(looksAtMouth, face, "happy");
  assert.equal(side, 11);
  assert.equal(probability, 1);
  const place = loss.indexOf(Math.max(...loss));
  assert.deepEqual([4 * (place % side), 4 * Math.floor(place / side)], [
    20,
    32,
  ]);
  assert.equal(loss[0], 0);
});

Deno.test("a face of another size is rejected", () => {
  assert.throws(
    () => occlusionMap(looksAtMouth, new Uint8Array(100), "happy"),
    /2304 pixels, not 100/,
  );
});
