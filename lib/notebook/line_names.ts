// Places the names of lines that end close to each other; see lineChart in charts.ts.

/** Pixels between the names of two lines. */
const NAME_PITCH = 15;

/**
 * How far each name is moved down from the end of its line, so that none covers
 * another and none leaves the panel: names are placed from the top, and pushed
 * back up from the bottom.
 *
 * @param lines the values of each line, in order
 * @param height pixels of the panel
 * @param domain the panel's lowest and highest value; by default the lines' own
 */
export function spreadNames(
  lines: number[][],
  height: number,
  domain?: [number, number],
): number[] {
  const all = lines.flat();
  const [low, high] = domain ?? [Math.min(...all), Math.max(...all)];
  const wanted = lines.map((values) =>
    height * (high - values.at(-1)!) / (high - low || 1)
  );
  const order = [...wanted.keys()].sort((a, b) => wanted[a] - wanted[b]);
  const placed = wanted.slice();
  let above = -Infinity;
  for (const i of order) {
    above = placed[i] = Math.max(wanted[i], above + NAME_PITCH);
  }
  let below = height + NAME_PITCH;
  for (const i of order.toReversed()) {
    below = placed[i] = Math.min(placed[i], below - NAME_PITCH);
  }
  return placed.map((place, i) => place - wanted[i]);
}
