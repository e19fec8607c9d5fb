// Gray conversion, equalization, resizing and integral images against what
// OpenCV 4.6 computes from the same bytes (SHA-256 of its results).
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { equalizeHistogram, roundHalfEven, toGray } from "mien/image/gray.ts";
import {
  integralImage,
  rectangleSum,
  squaredRectangleSum,
  tiltedRectangleSum,
} from "mien/haar/integral_image.ts";
import { pyramidLayers, resizeExact } from "mien/haar/pyramid.ts";
import { createRandom } from "mien/random.ts";

const WIDTH = 64;
const HEIGHT = 48;

/** Bytes of a linear congruential generator, easy to repeat in Python. */
function color() {
  let state = 12345n;
  const data = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let i = 0; i < data.length; i++) {
    state = (state * 1103515245n + 12345n) & 0x7fffffffn;
    data[i] = Number((state >> 16n) & 255n);
  }
  return { width: WIDTH, height: HEIGHT, data };
}

const sha256 = (bytes: Uint8Array) =>
  createHash("sha256").update(bytes).digest("hex");
const bytesOf = (table: Int32Array) => new Uint8Array(table.buffer);

Deno.test("gray equals OpenCV's cvtColor", () => {
  assert.equal(
    sha256(toGray(color()).data),
    "5f5bf58f9c8426546c83bdf106813977d13b3335f968c625127b0950162795e0",
  );
});

Deno.test("equal red, green and blue become that gray", () => {
  const data = new Uint8Array(256 * 4).map((_, i) => i >> 2);
  const gray = toGray({ width: 256, height: 1, data });
  assert.deepEqual([...gray.data], [...Array(256).keys()]);
});

Deno.test("toGray refuses data without four values per pixel", () => {
  assert.throws(
    () => toGray({ width: 2, height: 1, data: new Uint8Array(6) }),
    /2x1 pixels need 8 values of color and 2 of gray, not 6 and 2/,
  );
});

Deno.test("equalization equals OpenCV's equalizeHist", () => {
  const gray = toGray(color());
  const data = gray.data.map((value) => Math.floor(value / 3));
  assert.equal(
    sha256(equalizeHistogram({ ...gray, data }).data),
    "be95181ddb1897bafe5724f0fb18e1e1d791c326e6f326b44dbe4e3a9ead52aa",
  );
});

Deno.test("equalizing an image of one value gives a copy", () => {
  const data = new Uint8Array(6).fill(77);
  const equalized = equalizeHistogram({ width: 3, height: 2, data });
  assert.deepEqual(equalized.data, data);
  assert.notEqual(equalized.data, data);
});

Deno.test("halves are rounded to even numbers", () => {
  const values = [-1.5, 0.5, 1.5, 2.5, 2.4999, 2.5001];
  assert.deepEqual(values.map(roundHalfEven), [-2, 0, 2, 2, 2, 3]);
});

Deno.test("resizing equals OpenCV's INTER_LINEAR_EXACT", () => {
  const gray = toGray(color());
  const hash = (width: number, height: number) =>
    sha256(resizeExact(gray, width, height).data);
  assert.equal(
    hash(37, 29),
    "5d3c44e739614e2bc84a41e82c57284eacaabd530c9545c2913e8d50adfc6530",
  );
  assert.equal(
    hash(32, 24),
    "29d1c8a4539c620627536b74856dbddbe9f80f08caff5f5d28dbdc15ce1c5b6c",
  );
  assert.equal(
    hash(100, 50),
    "692396f7de97754f015522acd071a48556afd57f5fc17059160e56b6ef745eff",
  );
  assert.deepEqual(resizeExact(gray, WIDTH, HEIGHT), gray);
});

Deno.test("integral images equal OpenCV's", () => {
  const { sum, squared, tilted } = integralImage(toGray(color()));
  assert.equal(
    sha256(bytesOf(sum)),
    "07fde2542ff548626067f70883be21177848ef6f2b4ff9a646a14fc6064dcaec",
  );
  assert.equal(
    sha256(bytesOf(squared)),
    "dcba61ddb76bd1dad764acf8bcf550295d08379eaca2b49133836d1982c1ea62",
  );
  assert.equal(
    sha256(bytesOf(tilted)),
    "1427cf5bd6fb4bebff378b34bdb9baa3e07dbff47c605d4cf41aecdef77ad8be",
  );
});

Deno.test("four lookups give the sum of any rectangle", () => {
  const random = createRandom(3);
  const image = toGray(color());
  const integral = integralImage(image);
  for (let i = 0; i < 50; i++) {
    const x = random.integer(WIDTH);
    const y = random.integer(HEIGHT);
    const width = 1 + random.integer(WIDTH - x);
    const height = 1 + random.integer(HEIGHT - y);
    let sum = 0;
    let squared = 0;
    for (let r = y; r < y + height; r++) {
      for (let c = x; c < x + width; c++) {
        sum += image.data[r * WIDTH + c];
        squared += image.data[r * WIDTH + c] ** 2;
      }
    }
    assert.equal(rectangleSum(integral, x, y, width, height), sum);
    assert.equal(squaredRectangleSum(integral, x, y, width, height), squared);
  }
});

Deno.test("a tilted rectangle of 1x1 covers two pixels, one above the other", () => {
  const data = new Uint8Array(20).map((_, i) => 2 ** (i % 8));
  const image = { width: 5, height: 4, data };
  const at = (x: number, y: number) => data[y * 5 + x];
  assert.equal(
    tiltedRectangleSum(integralImage(image), 2, 0, 1, 1),
    at(1, 0) + at(1, 1),
  );
});

Deno.test("layers shrink by the scale factor down to the window", () => {
  const none = { width: 0, height: 0 };
  const layers = pyramidLayers({ width: 100, height: 80 }, {
    width: 24,
    height: 24,
  }, { scaleFactor: 2, minSize: none, maxSize: none });
  assert.deepEqual(
    layers.map(({ width, height, step }) => [width, height, step]),
    [[100, 80, 2], [50, 40, 1]],
  );
});

Deno.test("if no layer fits the sizes, the one nearest to minSize is searched", () => {
  const window = { width: 24, height: 24 };
  const layers = pyramidLayers({ width: 100, height: 80 }, window, {
    scaleFactor: 2,
    minSize: { width: 60, height: 60 },
    maxSize: { width: 62, height: 62 },
  });
  assert.deepEqual(layers.map(({ scale }) => scale), [2]);
});
