// Grouping: many neighboring windows find a face, few find a chance pattern.
// Similar raw rectangles become their average, as in OpenCV's
// `groupRectangles`.
import type { Box } from "../image/box.ts";
import { roundHalfEven } from "../image/gray.ts";

/** The average of similar rectangles. */
export interface Group extends Box {
  /** How many rectangles it averages. */
  readonly neighbors: number;
  /** Indices of these rectangles, ascending. */
  readonly members: readonly number[];
}

/** How much edges may differ, as a share of the rectangles' size. */
const EPSILON = 0.2;

/**
 * Groups similar rectangles and drops groups of `minNeighbors` or fewer, and
 * groups inside a stronger one. With `minNeighbors` 0 every rectangle stays.
 *
 * @example
 * ```ts
 * import { groupRectangles } from "mien/haar/grouping.ts";
 *
 * const face = { x: 10, y: 10, width: 40, height: 40 };
 * console.log(groupRectangles([face, { ...face, x: 12 }], 1)[0].x); // 11
 * ```
 */
export function groupRectangles(
  rectangles: readonly Box[],
  minNeighbors: number,
): Group[] {
  if (minNeighbors <= 0) {
    return rectangles.map((r, i) => ({ ...r, neighbors: 1, members: [i] }));
  }
  const strong = similarRectangles(rectangles)
    .filter((members) => members.length > minNeighbors)
    .map((members) => average(rectangles, members));
  return strong.filter((group) =>
    !strong.some((other) => other !== group && swallows(other, group))
  );
}

/** Whether two rectangles differ little at all four edges. */
function areSimilar(a: Box, b: Box): boolean {
  const delta = EPSILON *
    (Math.min(a.width, b.width) + Math.min(a.height, b.height)) * 0.5;
  return Math.abs(a.x - b.x) <= delta && Math.abs(a.y - b.y) <= delta &&
    Math.abs(a.x + a.width - b.x - b.width) <= delta &&
    Math.abs(a.y + a.height - b.y - b.height) <= delta;
}

/** Classes of rectangles that are similar, directly or through others. */
function similarRectangles(rectangles: readonly Box[]): number[][] {
  const parents = rectangles.map((_, i) => i);
  const root = (i: number) => {
    while (parents[i] !== i) i = parents[i] = parents[parents[i]];
    return i;
  };
  // Sorted by x, only the next few rectangles can be similar.
  const order = rectangles.map((_, i) => i)
    .sort((a, b) => rectangles[a].x - rectangles[b].x);
  for (const [place, i] of order.entries()) {
    const { x, width, height } = rectangles[i];
    const last = x + EPSILON * (width + height) * 0.5;
    for (let k = place + 1; k < order.length; k++) {
      const j = order[k];
      if (rectangles[j].x > last) break;
      if (root(i) !== root(j) && areSimilar(rectangles[i], rectangles[j])) {
        parents[root(j)] = root(i);
      }
    }
  }
  const classes = new Map<number, number[]>();
  for (const i of rectangles.keys()) {
    const members = classes.get(root(i));
    if (members) members.push(i);
    else classes.set(root(i), [i]);
  }
  return [...classes.values()];
}

function average(rectangles: readonly Box[], members: number[]): Group {
  const share = Math.fround(1 / members.length);
  const mean = (side: keyof Box) => {
    const sum = members.reduce((sum, i) => sum + rectangles[i][side], 0);
    return roundHalfEven(Math.fround(Math.fround(sum) * share));
  };
  return {
    x: mean("x"),
    y: mean("y"),
    width: mean("width"),
    height: mean("height"),
    neighbors: members.length,
    members,
  };
}

/** Whether a group lies inside a stronger one, slightly enlarged. */
function swallows(other: Group, group: Group): boolean {
  const dx = roundHalfEven(other.width * EPSILON);
  const dy = roundHalfEven(other.height * EPSILON);
  return group.x >= other.x - dx && group.y >= other.y - dy &&
    group.x + group.width <= other.x + other.width + dx &&
    group.y + group.height <= other.y + other.height + dy &&
    (other.neighbors > Math.max(3, group.neighbors) || group.neighbors < 3);
}
