// Augmentation against a plain implementation of interpolation, and what its randomness depends on.
import assert from "node:assert/strict";
import {
  type Augmentation,
  augmentFace,
  type Change,
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
  augmentFace({
    pixels: face,
    face: 0,
    augmentation: noAugmentation,
    seed: 1,
    epoch: 1,
    output,
  });
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
  const random = createRandom(11);
  const around = (middle: number, range: number) =>
    middle + (2 * random.next() - 1) * range;
  for (let number = 0; number < 30; number++) {
    const change = {
      a: around(0, 1.5),
      b: around(0, 1),
      c: around(0, 15),
      d: around(0, 1),
      e: around(1, 0.5),
      f: around(0, 15),
      brightness: around(0, 0.6),
      contrast: around(1, 0.5),
      blur: 0, // has a test of its own
    };
    // Positions are rounded to 1/65536 pixel at the start of each row and for each step.
    assert.ok(largest(warp(change), warpSlowly(change)) < 5e-3);
  }
});

/** What is drawn for a face in an epoch. */
interface Draw {
  augmentation: Augmentation;
  seed: number;
  epoch: number;
  number?: number;
}

const picture = (gray: (x: number, y: number) => number) =>
  Uint8Array.from(
    { length: size * size },
    (_, i) => gray(i % size, Math.floor(i / size)),
  );
const [dark, light] = [picture(() => 102), picture(() => 153)];
const across = picture((x) => 80 + 2 * x);
const down = picture((_, y) => 80 + 2 * y);

/**
 * The change of a face, measured on pictures: two even ones show contrast and brightness, and one that
 * becomes brighter to the right and one downward show positions. Around the middle, a change that moves
 * a face by a quarter only reads pixels inside it.
 */
function measureChange({ augmentation, seed, epoch, number = 0 }: Draw) {
  const output = new Float32Array(size * size);
  const pixels = new Uint8Array((number + 1) * size * size);
  const augment = (picture: Uint8Array) => {
    pixels.set(picture, number * size * size);
    augmentFace({ pixels, face: number, augmentation, seed, epoch, output });
    return output;
  };
  const low = augment(dark)[0], high = augment(light)[0];
  const contrast = (high - low) / 0.4;
  const brightness = (high + low) / 2;
  const places = (ramp: Uint8Array) => {
    const values = augment(ramp);
    const at = (x: number, y: number) =>
      (((values[(24 + y) * size + 24 + x] - brightness) / contrast + 1) *
            127.5 - 80) / 2 - 23.5;
    const [byX, byY] = [at(8, 0) - at(-8, 0), at(0, 8) - at(0, -8)];
    return [byX / 16, byY / 16, at(0, 0) - (byX + byY) / 32];
  };
  const [a, b, c] = places(across);
  const [d, e, f] = places(down);
  return { a, b, c, d, e, f, contrast, brightness };
}

// Steps between pixels are rounded to 1/65536 pixel, and there are up to 32 to a measured one.
const MEASURED = 32 / 65536;

Deno.test("a change depends on seed, epoch and face only", () => {
  const draw = (seed: number, epoch: number, number: number) =>
    measureChange({
      augmentation: referenceAugmentation,
      seed,
      epoch,
      number,
    });
  const first = draw(1, 2, 3);
  draw(9, 9, 9);
  assert.deepEqual(draw(1, 2, 3), first);
  for (const other of [draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4)]) {
    assert.notDeepEqual(other, first);
  }
});

Deno.test("changes fill their ranges, and half of the faces are mirrored", () => {
  const augmentation = {
    ...referenceAugmentation,
    brightness: 0.1,
    contrast: 0.2,
  };
  const changes = Array.from(
    { length: 4000 },
    (_, epoch) => measureChange({ augmentation, seed: 3, epoch }),
  );
  const inRange = (values: number[], low: number, high: number) => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const slack = (high - low) * 0.025;
    assert.ok(least > low - MEASURED && least < low + slack, `${least}`);
    assert.ok(most < high + MEASURED && most > high - slack, `${most}`);
  };
  inRange(changes.map(({ c }) => c), -4.8, 4.8);
  inRange(changes.map(({ f }) => f), -4.8, 4.8);
  inRange(changes.map(({ brightness }) => brightness), -0.2, 0.2);
  inRange(changes.map(({ contrast }) => contrast), 0.8, 1.2);
  // The matrix's columns have the zoom as their length and are rotated by the angle.
  inRange(changes.map(({ a, d }) => Math.hypot(a, d)), 0.9, 1.1);
  inRange(changes.map(({ b, e }) => Math.hypot(b, e)), 0.9, 1.1);
  const degrees = changes.map(({ b, e }) => Math.atan2(-b, e) * 180 / Math.PI);
  inRange(degrees, -10 - 0.01, 10 + 0.01);
  const mirrored = changes.filter(({ a }) => a < 0).length;
  assert.ok(Math.abs(mirrored - 2000) < 130, `${mirrored} mirrored`); // four deviations
});

Deno.test("scale applies to both axes alike, and leaves the other changes as they were", () => {
  const before = { ...referenceAugmentation, brightness: 0.1, contrast: 0.2 };
  const augmentation = { ...before, scale: 0.2 };
  for (let number = 0; number < 20; number++) {
    const draw = { seed: 1, epoch: 2, number };
    const plain = measureChange({ ...draw, augmentation: before });
    const scaled = measureChange({ ...draw, augmentation });
    const factor = scaled.a / plain.a;
    assert.ok(factor >= 0.8 && factor <= 1.2 && Math.abs(factor - 1) > 1e-3);
    for (const key of ["b", "d", "e"] as const) {
      assert.ok(Math.abs(plain[key] * factor - scaled[key]) < MEASURED);
    }
    for (const key of ["c", "f", "contrast", "brightness"] as const) {
      assert.ok(Math.abs(plain[key] - scaled[key]) < MEASURED);
    }
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
