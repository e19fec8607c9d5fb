/**
 * Random numbers that depend only on a seed.
 *
 * The generator is Philox4x32 with ten rounds. It is counter-based: its output is a
 * keyed scrambling of a counter, so any position in the sequence can be computed
 * directly. A worker can draw the numbers for sample 17 in epoch 3 without drawing
 * those before, and results do not depend on how work is divided among workers.
 * npm's seedrandom generates a sequence, which does not allow this.
 *
 * Left out: cryptographic use (it is not secure), and distributions beyond the
 * uniform and the normal one.
 *
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011.
 *
 * @module
 */

/** A stream of random numbers. */
export interface Random {
  /** A number from 0 up to, but not including, 1, in steps of 2^-32. */
  next(): number;
  /** A number from the normal distribution with mean 0 and standard deviation 1. */
  normal(): number;
  /**
   * A whole number from 0 up to, but not including, `limit` (a whole number
   * from 1 to 2^32).
   */
  integer(limit: number): number;
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of the 64-bit product of two 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = Math.imul(aLow, bLow) >>> 16;
  const middle = (Math.imul(aHigh, bLow) + low) >>> 0;
  const cross = (Math.imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) >>> 0;
}

/**
 * Scrambles one counter of four 32-bit words under a key of two: one block of
 * Philox4x32-10, written over `block`.
 *
 * @example
 * ```ts
 * import { philox } from "mien/random.ts";
 *
 * const block = new Uint32Array(4); // counter 0
 * philox(block, 0, 0);
 * console.log(block[0].toString(16)); // 6627e8d5
 * ```
 */
export function philox(block: Uint32Array, key0: number, key1: number): void {
  let word0 = block[0];
  let word1 = block[1];
  let word2 = block[2];
  let word3 = block[3];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, word0);
    const low0 = Math.imul(MULTIPLIER_0, word0);
    const high1 = multiplyHigh(MULTIPLIER_1, word2);
    const low1 = Math.imul(MULTIPLIER_1, word2);
    word0 = (high1 ^ word1 ^ key0) >>> 0;
    word1 = low1 >>> 0;
    word2 = (high0 ^ word3 ^ key1) >>> 0;
    word3 = low0 >>> 0;
    key0 = (key0 + WEYL_0) >>> 0;
    key1 = (key1 + WEYL_1) >>> 0;
  }
  block[0] = word0;
  block[1] = word1;
  block[2] = word2;
  block[3] = word3;
}

class PhiloxRandom implements Random {
  #block = new Uint32Array(4);
  #counters = new Uint32Array(3);
  #index = 0;
  #used = 4;
  #spareNormal = NaN;

  constructor(
    private readonly key0: number,
    private readonly key1: number,
    counters: readonly number[],
  ) {
    this.#counters.set(counters);
  }

  #word(): number {
    if (this.#used === 4) {
      const block = this.#block;
      block[0] = this.#index++;
      block[1] = this.#counters[0];
      block[2] = this.#counters[1];
      block[3] = this.#counters[2];
      philox(block, this.key0, this.key1);
      this.#used = 0;
    }
    return this.#block[this.#used++];
  }

  next(): number {
    return this.#word() / 0x100000000;
  }

  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal;
      this.#spareNormal = NaN;
      return spare;
    }
    // Marsaglia's polar method: two at a time.
    for (;;) {
      const x = 2 * this.next() - 1;
      const y = 2 * this.next() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt(-2 * Math.log(square) / square);
        this.#spareNormal = y * factor;
        return x * factor;
      }
    }
  }

  integer(limit: number): number {
    if (!Number.isInteger(limit) || limit < 1 || limit > 0x100000000) {
      throw new RangeError(
        `integer(limit) needs a whole limit from 1 to 2^32, not ${limit}.`,
      );
    }
    // Rejection sampling, so that all numbers are exactly equally likely.
    const bound = 0x100000000 - 0x100000000 % limit;
    for (;;) {
      const word = this.#word();
      if (word < bound) return word % limit;
    }
  }
}

/**
 * The random numbers of a seed: the same seed gives the same numbers. Up to three
 * counters, such as epoch and sample, give streams that do not overlap; an omitted
 * counter is 0.
 *
 * Counters are whole numbers from 0 to 2^32 - 1, and `seed` one from 0 to
 * 2^53 - 1; anything else throws a `RangeError`.
 *
 * @example
 * ```ts
 * import { createRandom } from "mien/random.ts";
 *
 * const random = createRandom(7);
 * console.log(random.next(), random.normal(), random.integer(6));
 *
 * const seed = 7, epoch = 3, sample = 17;
 * const flip = createRandom(seed, epoch, sample).next() < 0.5;
 * console.log(flip);
 * ```
 */
export function createRandom(seed: number, ...counters: number[]): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(
      `A seed must be a whole number from 0 to 2^53 - 1, not ${seed}.`,
    );
  }
  if (counters.length > 3) {
    throw new RangeError(
      `createRandom takes at most three counters, not ${counters.length}.`,
    );
  }
  for (const counter of counters) {
    if (!Number.isInteger(counter) || counter < 0 || counter > 0xffffffff) {
      throw new RangeError(
        `A counter must be a whole number from 0 to 2^32 - 1, not ${counter}.`,
      );
    }
  }
  return new PhiloxRandom(
    seed >>> 0,
    Math.floor(seed / 0x100000000),
    counters,
  );
}

/**
 * Shuffles in place (Fisher–Yates).
 *
 * @example
 * ```ts
 * import { createRandom, shuffle } from "mien/random.ts";
 *
 * const order = [0, 1, 2, 3];
 * shuffle(order, createRandom(7));
 * console.log(order);
 * ```
 */
export function shuffle<T>(
  items: { readonly length: number; [index: number]: T },
  random: Random,
): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}
