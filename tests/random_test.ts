// Checks mien/random.ts against the published vectors of Philox4x32-10 and
// against the shape of the distributions.
import assert from "node:assert/strict";
import { createRandom, philox } from "mien/random.ts";

Deno.test("philox gives the known answers of Random123", () => {
  // From "kat_vectors" of the Random123 distribution: counter, key, result.
  const vectors = [
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [counter, key, expected] of vectors) {
    const block = new Uint32Array(counter);
    philox(block, key[0], key[1]);
    assert.deepEqual([...block], expected);
  }
});

Deno.test("createRandom reads the blocks of philox in order", () => {
  const random = createRandom(0x1_0000_0002);
  const words = Array.from({ length: 8 }, () => random.next() * 2 ** 32);
  const expected: number[] = [];
  for (const index of [0, 1]) {
    const block = new Uint32Array([index, 0, 0, 0]);
    philox(block, 2, 1);
    expected.push(...block);
  }
  assert.deepEqual(words, expected);
});

Deno.test("random numbers depend on the seed and every counter", () => {
  const first = (...place: [number, ...number[]]) =>
    createRandom(...place).next();
  const places: [number, ...number[]][] = [
    [1],
    [2],
    [1, 1],
    [1, 0, 1],
    [1, 0, 0, 1],
    [1, 1, 1],
    [1 + 2 ** 32],
  ];
  assert.equal(new Set(places.map((p) => first(...p))).size, places.length);
  assert.equal(first(1, 2, 3), first(1, 2, 3));
  assert.equal(first(1), first(1, 0, 0, 0));
});

Deno.test("next is uniform on [0, 1)", () => {
  const random = createRandom(11);
  const bins = new Array(20).fill(0);
  for (let i = 0; i < 100_000; i++) bins[Math.floor(20 * random.next())]++;
  // Chi-square with 19 degrees of freedom: above 43.8 once in a thousand.
  const chiSquare = bins.reduce((sum, n) => sum + (n - 5000) ** 2 / 5000, 0);
  assert.ok(chiSquare < 43.8, `chi-square ${chiSquare}`);
});

Deno.test("normal has the moments and tails of the normal distribution", () => {
  const random = createRandom(12);
  const moments = [0, 0, 0, 0];
  let tail = 0;
  const count = 200_000;
  for (let i = 0; i < count; i++) {
    const x = random.normal();
    for (let k = 0; k < 4; k++) moments[k] += x ** (k + 1) / count;
    if (Math.abs(x) > 1.959964) tail++;
  }
  // Bounds of four standard errors.
  assert.ok(Math.abs(moments[0]) < 0.009, `mean ${moments[0]}`);
  assert.ok(Math.abs(moments[1] - 1) < 0.013, `variance ${moments[1]}`);
  assert.ok(Math.abs(moments[2]) < 0.035, `third moment ${moments[2]}`);
  assert.ok(Math.abs(moments[3] - 3) < 0.09, `fourth moment ${moments[3]}`);
  assert.ok(Math.abs(tail / count - 0.05) < 0.002, `tail ${tail / count}`);
});

Deno.test("integer gives every number below its limit about equally often", () => {
  const random = createRandom(13);
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
  const chiSquare = counts.reduce((s, n) => s + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquare < 22.5, `chi-square ${chiSquare}`); // 6 d.f., p = 0.001
});

Deno.test("wrong seeds, counters and limits throw a RangeError", () => {
  for (const seed of [-1, 0.5, NaN, 2 ** 53]) {
    assert.throws(() => createRandom(seed), RangeError);
  }
  assert.throws(() => createRandom(1, -1), RangeError);
  assert.throws(() => createRandom(1, 2 ** 32), RangeError);
  assert.throws(() => createRandom(1, 1, 2, 3, 4), RangeError);
  for (const limit of [0, -3, 1.5, 2 ** 33]) {
    assert.throws(() => createRandom(1).integer(limit), RangeError);
  }
});
