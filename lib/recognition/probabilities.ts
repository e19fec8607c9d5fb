/**
 * Checks that numbers are probabilities, from 0 to 1 with a sum of 1, and decides
 * when they are "unsure".
 *
 * @module
 */

import { indexOfLargest } from "../emotions.ts";

/** How far a sum of 32-bit floats may be from 1. */
const ROUNDING = 1e-3;

/**
 * Checks that `values` are probabilities.
 *
 * @throws {RangeError} if they are not, for example because a weight is NaN
 *
 * @example
 * ```ts
 * import { checkProbabilities } from "mien/recognition/probabilities.ts";
 * checkProbabilities([0, 0, 0, 0.9, 0, 0, 0.1]); // passes
 * ```
 */
export function checkProbabilities(values: ArrayLike<number>): void {
  let sum = 0, inRange = true;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    inRange &&= values[i] >= 0 && values[i] <= 1 + ROUNDING;
  }
  if (inRange && Math.abs(sum - 1) <= ROUNDING) return;
  const shown = Array.from(values, (v) => v.toPrecision(3)).join(", ");
  throw new RangeError(`these are not probabilities: ${shown}`);
}

/**
 * Whether an answer should be shown as "unsure": its largest probability is
 * below a threshold. The default model's threshold is in models/default.json,
 * chosen with bench/unsure.ts.
 *
 * @param threshold 0 to 1; with 0 no answer is unsure
 */
export function isUnsure(
  probabilities: ArrayLike<number>,
  threshold: number,
): boolean {
  return probabilities[indexOfLargest(probabilities)] < threshold;
}
