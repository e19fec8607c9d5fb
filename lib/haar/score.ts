// How good a detection is: found boxes compared with the true ones.
import { type Box, intersectionOverUnion } from "../image/box.ts";

/** How the found boxes of a picture match the true ones. */
export interface DetectionScore {
  /** True boxes that were found. */
  found: number;
  /** True boxes that were not found. */
  missed: number;
  /** Found boxes that match no true one. */
  wrong: number;
}

/**
 * Pairs every true box with at most one found box, those that overlap most
 * first (Everingham et al. 2010, the PASCAL VOC challenge).
 *
 * @param overlap the least overlap of a pair, 0 to 1
 *
 * @example
 * ```ts
 * import { scoreBoxes } from "mien/haar/score.ts";
 *
 * const box = { x: 0, y: 0, width: 10, height: 10 };
 * scoreBoxes([box], [{ ...box, x: 1 }]); // { found: 1, missed: 0, wrong: 0 }
 * ```
 */
export function scoreBoxes(
  truth: readonly Box[],
  boxes: readonly Box[],
  overlap = 0.5,
): DetectionScore {
  const pairs = truth.flatMap((one, t) =>
    boxes.map((other, b) => ({
      t,
      b,
      shared: intersectionOverUnion(one, other),
    }))
  ).filter(({ shared }) => shared >= overlap)
    .sort((one, other) => other.shared - one.shared);
  const taken = { truth: new Set<number>(), boxes: new Set<number>() };
  for (const { t, b } of pairs) {
    if (taken.truth.has(t) || taken.boxes.has(b)) continue;
    taken.truth.add(t);
    taken.boxes.add(b);
  }
  const found = taken.truth.size;
  return {
    found,
    missed: truth.length - found,
    wrong: boxes.length - found,
  };
}
