// The arithmetic of a game: which faces are shown, and how certain its result is. A package of
// statistics for one formula would be larger than the game.

import { createRandom } from "../../random.ts";

/** The number of faces in a game. */
export const FACES = 20;

/**
 * A 95 % interval for a proportion, after Wilson, "Probable inference, the law of
 * succession, and statistical inference", 1927: it is valid for few faces too.
 */
export function wilsonInterval(right: number, of: number): [number, number] {
  const z = 1.96, part = right / of, square = z * z / of;
  const middle = (part + square / 2) / (1 + square);
  const half = z / (1 + square) *
    Math.sqrt(part * (1 - part) / of + square / (4 * of));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Twenty different numbers below a limit, from a seed. */
export function drawLots(seed: number, limit: number): number[] {
  const random = createRandom(seed);
  const all = Array.from({ length: limit }, (_, i) => i);
  for (let i = 0; i < Math.min(FACES, limit); i++) {
    const j = i + random.integer(limit - i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, FACES);
}
