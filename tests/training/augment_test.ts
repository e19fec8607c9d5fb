// Augmentation against a plain implementation of interpolation, and what its randomness depends on.
import assert from "node:assert/strict";
import {
  type Augmentation,
  augmentFace,
  type Change,
  drawChange,
  noAugmentation,
  referenceAugmentation,
  warpFace,
} from "mien/training/augment.ts";
import { scalePixel } from "mien/network/input.ts";
import { createRandom } from "mien/random.ts";

const size = 48;
const random = createRandom(5);
const face = Uint8Array.from(
  { length: 3 * size * size },
  () => random.integer(256),
);
const still: Change = {
  a: 1,
  b: 0,
  c: 0,
  d: 0,
  e: 1,
  f: 0,
  blur: 0,
  contrast: 1,
  brightness: 0,
};

function warp(change: Change): Float32Array {
  const output = new Float32Array(size * size);
  warpFace(face, 0, size, change, output, 0);
  return output;
}

/** The same by its definition, in double precision, with neighbors clamped to the face. */
function warpSlowly(change: Change): number[] {
  const middle = (size - 1) / 2;
  const clamp = (place: number) => Math.min(size - 1, Math.max(0, place));
  const gray = (x: number, y: number) => face[clamp(y) * size + clamp(x)];
  const output: number[] = [];
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [u, v] = [column - middle, row - middle];
      const x = change.a * u + change.b * v + change.c + middle;
      const y = change.d * u + change.e * v + change.f + middle;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [p, q] = [x - left, y - top];
      const value = (1 - q) *
          ((1 - p) * gray(left, top) + p * gray(left + 1, top)) +
        q *
          ((1 - p) * gray(left, top + 1) + p * gray(left + 1, top + 1));
      const seen = scalePixel(value) * change.contrast + change.brightness;
      output.push(Math.min(1, Math.max(-1, seen)));
    }
  }
  return output;
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);

Deno.test("a face without changes is only scaled", () => {
  const plain = Array.from(face.subarray(0, size * size), scalePixel);
  assert.ok(largest(warp(still), plain) < 1e-6);
  const output = new Float32Array(size * size);
  augmentFace(face, size, 0, noAugmentation, 1, 1, output, 0);
  assert.ok(largest(output, plain) < 1e-6);
});

Deno.test("a mirrored face has its columns reversed", () => {
  const mirrored = warp({ ...still, a: -1 });
  const plain = warp(still);
  for (let i = 0; i < plain.length; i++) {
    const column = i % size;
    assert.equal(mirrored[i], plain[i - column + size - 1 - column]);
  }
});

Deno.test("a face shifted by whole pixels continues with its edge", () => {
  const shifted = warp({ ...still, c: 5 });
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = Math.min(size - 1, column + 5);
      const expected = Math.fround(scalePixel(face[row * size + from]));
      const gap = Math.abs(shifted[row * size + column] - expected);
      assert.ok(gap < 1e-6);
    }
  }
});

Deno.test("any change matches bilinear interpolation by its definition", () => {
  const strong: Augmentation = {
    mirror: true,
    rotation: 40,
    shift: 0.3,
    zoom: 0.4,
    brightness: 0.3,
    contrast: 0.5,
    scale: 0.1,
    blur: 0, // has a test of its own
  };
  for (let number = 0; number < 30; number++) {
    const change = drawChange(strong, size, 11, 2, number);
    // Positions are rounded to 1/65536 pixel at the start of each row and for each step.
    assert.ok(largest(warp(change), warpSlowly(change)) < 5e-3);
  }
});

Deno.test("a change depends on seed, epoch and face only", () => {
  const draw = (seed: number, epoch: number, number: number) =>
    drawChange(referenceAugmentation, size, seed, epoch, number);
  const first = draw(1, 2, 3);
  draw(9, 9, 9);
  assert.deepEqual(draw(1, 2, 3), first);
  for (const other of [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)]) {
    assert.notDeepEqual(other, first);
  }
});

Deno.test("changes fill their ranges, and half of the faces are mirrored", () => {
  const changes = Array.from(
    { length: 4000 },
    (_, number) => drawChange(referenceAugmentation, size, 3, 0, number),
  );
  const range = (
    values: number[],
  ) => [Math.min(...values), Math.max(...values)];
  const [left, right] = range(changes.map(({ c }) => c));
  assert.ok(left > -4.8 && left < -4.7 && right < 4.8 && right > 4.7);
  // The matrix's columns have the zoom as their length and are rotated by the angle.
  const [small, large] = range(changes.map(({ b, e }) => Math.hypot(b, e)));
  assert.ok(small > 0.9 && small < 0.905 && large < 1.1 && large > 1.095);
  const [low, high] = range(
    changes.map(({ b, e }) => Math.atan2(-b, e) * 180 / Math.PI),
  );
  assert.ok(low > -10 && low < -9.9 && high < 10 && high > 9.9);
  const mirrored = changes.filter(({ a }) => a < 0).length;
  assert.ok(Math.abs(mirrored - 2000) < 130, `${mirrored} mirrored`); // four deviations
});

Deno.test("scale applies to both axes alike, and leaves the other changes as they were", () => {
  const before = { ...referenceAugmentation, brightness: 0.1, contrast: 0.2 };
  for (let face = 0; face < 20; face++) {
    const { a, b, d, e, blur, ...rest } = drawChange(before, size, 1, 2, face);
    const scaled = drawChange({ ...before, scale: 0.2 }, size, 1, 2, face);
    const factor = scaled.a / a;
    assert.ok(factor >= 0.8 && factor <= 1.2 && factor !== 1);
    for (const [one, other] of [[b, scaled.b], [d, scaled.d], [e, scaled.e]]) {
      assert.ok(Math.abs(one * factor - other) < 1e-12);
    }
    assert.deepEqual({ ...scaled, a, b, d, e, blur }, {
      ...rest,
      a,
      b,
      d,
      e,
      blur,
    });
  }
});

Deno.test("blur equals two three-point filters with continued edges", () => {
  const random = createRandom(3);
  const pixels = Uint8Array.from(
    { length: size * size },
    () => random.integer(256),
  );
  const blur = 0.15;
  const output = new Float32Array(size * size + 1);
  warpFace(pixels, 0, size, { ...still, blur }, output, 1);
  const clamp = (i: number) => Math.min(Math.max(i, 0), size - 1);
  const taps = [[-1, blur], [0, 1 - 2 * blur], [1, blur]];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let expected = 0;
      for (const [dy, down] of taps) {
        for (const [dx, across] of taps) {
          const pixel = pixels[clamp(y + dy) * size + clamp(x + dx)];
          expected += down * across * scalePixel(pixel);
        }
      }
      // Float32 between the two passes.
      assert.ok(Math.abs(output[1 + y * size + x] - expected) < 1e-6);
    }
  }
});
