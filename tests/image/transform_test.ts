// Padding, shrinking, mirroring and turning small images whose result is known.
import assert from "node:assert/strict";
import {
  mirrorImage,
  padImage,
  shrinkImage,
  turnImage,
} from "mien/image/transform.ts";

const image = { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

Deno.test("padding repeats the edge pixels", () => {
  const padded = padImage(image, 2, 1);
  assert.deepEqual([padded.width, padded.height], [7, 4]);
  // deno-fmt-ignore
  assert.deepEqual([...padded.data], [
    1, 1, 1, 2, 3, 3, 3,
    1, 1, 1, 2, 3, 3, 3,
    4, 4, 4, 5, 6, 6, 6,
    4, 4, 4, 5, 6, 6, 6,
  ]);
});

Deno.test("shrinking takes means and drops the remainder", () => {
  const { width, height, data } = shrinkImage(image, 2);
  assert.deepEqual([width, height, ...data], [1, 1, 3]); // (1+2+4+5) / 4
  assert.equal(shrinkImage(image, 1), image);
});

Deno.test("mirroring twice changes nothing", () => {
  assert.deepEqual([...mirrorImage(image).data], [3, 2, 1, 6, 5, 4]);
  assert.deepEqual(mirrorImage(mirrorImage(image)), image);
});

Deno.test("an image turns clockwise, in a size that fits it or in a given one", () => {
  const quarter = turnImage(image, 90);
  assert.deepEqual([quarter.width, quarter.height], [2, 3]);
  // The left column, 1 and 4, becomes the top row.
  assert.deepEqual([...quarter.data], [4, 1, 5, 2, 6, 3]);
  for (const degrees of [0, 360]) {
    assert.deepEqual(turnImage(image, degrees, image).data, image.data);
  }
  assert.deepEqual(turnImage(image, 180).data, image.data.toReversed());
  const flat = { width: 9, height: 9, data: new Uint8Array(81).fill(77) };
  const { data } = turnImage(flat, 33, flat);
  assert.equal(data.length, 81);
  assert(data.every((gray) => gray === 77), "beyond the edge the edge repeats");
});

Deno.test("toSource gives the place in the source", () => {
  const width = 120, height = 80;
  const data = new Uint8Array(width * height);
  data[30 * width + 90] = 255;
  for (const degrees of [-20, 20, 133]) {
    const turned = turnImage({ width, height, data }, degrees);
    const brightest = turned.data.indexOf(Math.max(...turned.data));
    const { x, y } = turned.toSource(
      brightest % turned.width + 0.5,
      Math.floor(brightest / turned.width) + 0.5,
    );
    assert(Math.hypot(x - 90.5, y - 30.5) < 1, `${degrees}: ${x}, ${y}`);
  }
});
