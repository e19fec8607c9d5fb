// Gray conversion and equalization against what OpenCV 4.6 computes from the
// same bytes (SHA-256 of its results).
import assert from "node:assert/strict";
import { equalizeHistogram, roundHalfEven, toGray } from "mien/image/gray.ts";
import { color, sha256 } from "./opencv_input.ts";

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
