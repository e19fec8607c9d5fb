import assert from "node:assert/strict";
import { rotate } from "mien/image/rotate.ts";
import { createRandom } from "mien/random.ts";

const random = createRandom(1);
const image = {
  width: 7,
  height: 5,
  data: Uint8Array.from({ length: 35 }, () => random.integer(256)),
};

Deno.test("0 and 360 degrees leave an image as it is, 180 reverses it", () => {
  assert.deepEqual(rotate(image, 0).data, image.data);
  assert.deepEqual(rotate(image, 360).data, image.data);
  assert.deepEqual(rotate(image, 180).data, image.data.toReversed());
});

Deno.test("90 degrees turn a square clockwise", () => {
  const square = {
    width: 3,
    height: 3,
    data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
  };
  assert.deepEqual([...rotate(square, 90).data], [7, 4, 1, 8, 5, 2, 9, 6, 3]);
});

Deno.test("what comes from beyond the edge repeats the edge", () => {
  const flat = { width: 9, height: 9, data: new Uint8Array(81).fill(77) };
  assert.ok(rotate(flat, 33).data.every((gray) => gray === 77));
});
