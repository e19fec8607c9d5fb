// A cascade as tables in the memory of lib/wasm/haar: exact ones, for one
// window at a time, and quick ones of whole numbers for stumps, 16 windows at
// a time. What the bytes mean is said in assembly/trees.ts and stumps.ts.
import type { Cascade, HaarFeature, Stage } from "./cascade.ts";

/** Where the integral images' numbers lie. */
export interface IntegralLayout {
  /** Bytes from one line to the next. */
  readonly pitch: number;
  /** Whether the odd columns come half a line behind the even ones. */
  readonly split: boolean;
  /** Bytes from a number of the upright integral image to the tilted one's. */
  readonly toTilted: number;
}

const STAGE_BYTES = 48;

/** Bytes that `writeTables` needs at most. */
export function tableBytes(cascade: Cascade): number {
  const weak = cascade.stages.flatMap((stage) => stage.weakClassifiers);
  const nodes = weak.reduce((sum, { nodes }) => sum + nodes.length, 0);
  return 64 + cascade.stages.length * STAGE_BYTES + weak.length * 12 +
    nodes * 20 + weak.length * 68 + cascade.features.length * 64;
}

/** Whether every weak classifier is a stump that the quick tables can hold. */
export function onlyStumps(cascade: Cascade): boolean {
  return cascade.stages.every((stage) =>
    stage.weakClassifiers.every(({ nodes, leaves }) =>
      nodes.length === 1 && nodes[0].left !== nodes[0].right &&
      leaves.length === 2
    )
  );
}

/** Writes the tables at `start`, which is also the first stage's address. */
export function writeTables(
  cascade: Cascade,
  layout: IntegralLayout,
  memory: ArrayBufferLike,
  start: number,
): void {
  const view = new DataView(memory);
  let end = start + cascade.stages.length * STAGE_BYTES;
  const integer = (value: number) => {
    view.setInt32(end, value, true);
    end += 4;
  };
  const float = (value: number) => {
    view.setFloat32(end, value, true);
    end += 4;
  };
  const featureAddresses = cascade.features.map((feature) => {
    const address = end;
    integer(feature.rectangles.length);
    for (const [i, { weight }] of feature.rectangles.entries()) {
      for (const [offset] of corners(feature, i, layout)) integer(offset);
      float(weight);
    }
    return address;
  });
  const stumps = onlyStumps(cascade);
  const area = cascade.width * cascade.height;
  for (const [s, stage] of cascade.stages.entries()) {
    const at = start + s * STAGE_BYTES;
    view.setInt32(at, stage.weakClassifiers.length, true);
    view.setFloat64(at + 8, stage.threshold, true);
    const leaves = stage.weakClassifiers.map((weak) => {
      const address = end;
      weak.leaves.forEach(float);
      return address;
    });
    view.setInt32(at + 4, end, true);
    for (const [w, { nodes }] of stage.weakClassifiers.entries()) {
      integer(leaves[w]);
      integer(8 + 16 * nodes.length);
      for (const { left, right, feature, threshold } of nodes) {
        integer(left);
        integer(right);
        integer(featureAddresses[feature]);
        float(threshold);
      }
    }
    if (!stumps) continue;
    const votes = wholeVotes(stage);
    view.setInt32(at + 16, votes.start, true);
    view.setInt32(at + 20, votes.slack, true);
    view.setInt32(at + 40, end, true);
    const quick = stage.weakClassifiers.map(({ nodes: [node] }, w) => ({
      ...quickFeature(cascade.features[node.feature], layout, area),
      threshold: node.threshold,
      vote: votes.differences[w],
    }));
    for (const kind of [0, 1, 2, 3]) {
      const same = quick.filter((feature) => feature.kind === kind);
      view.setInt32(at + 24 + 4 * kind, same.length, true);
      for (const { offsets, weights, threshold, vote } of same) {
        if (kind === 3) {
          for (const i of [0, 1, 2]) {
            for (const k of [0, 1, 2, 3]) integer(offsets[4 * i + k] ?? 0);
            float(weights[i] ?? 0);
          }
        } else {
          offsets.forEach(integer);
        }
        float(threshold);
        integer(vote);
        if (kind === 1) float(weights[1]);
      }
    }
  }
}

/** The four corners of a feature's rectangle: byte offset and sign. */
function corners(
  { rectangles, tilted }: HaarFeature,
  index: number,
  { pitch, split, toTilted }: IntegralLayout,
): [number, number][] {
  const { x, y, width: w, height: h } = rectangles[index];
  const offset = (x: number, y: number) =>
    y * pitch + (split ? (x >> 1) * 4 + (x & 1) * (pitch / 2) : x * 4) +
    (tilted ? toTilted : 0);
  const places = tilted
    ? [[x, y], [x - h, y + h], [x + w, y + w], [x + w - h, y + w + h]]
    : [[x, y], [x + w, y], [x, y + h], [x + w, y + h]];
  return places.map(([x, y], i) => [offset(x, y), [1, -1, -1, 1][i]]);
}

/**
 * A feature as offsets of the numbers to add. Rectangles that share corners
 * need fewer: an edge (kind 0) six, a checker of four (kind 2) nine; others
 * are a rectangle less a weighted one (kind 1) or anything (kind 3).
 */
function quickFeature(
  feature: HaarFeature,
  layout: IntegralLayout,
  area: number,
) {
  const { rectangles } = feature;
  const weights = rectangles.map(({ weight }) => weight);
  const lists = rectangles.map((_, i) => corners(feature, i, layout));
  // Whole numbers are exact where OpenCV's 32-bit floats are.
  const exact = weights.every(Number.isInteger) &&
    area * 255 * Math.max(...weights.map(Math.abs)) * 2 < 2 ** 24;
  const sums = new Map<number, number>();
  for (const [i, list] of lists.entries()) {
    for (const [offset, sign] of list) {
      sums.set(offset, (sums.get(offset) ?? 0) + sign * weights[i]);
    }
  }
  const having = (weight: number) =>
    [...sums].filter(([, sum]) => sum === weight).map(([offset]) => offset);
  const all = (...weights: number[]) => weights.flatMap(having);
  const used = [...sums.values()].filter((sum) => sum !== 0).length;
  const edge = all(1, -1, 2, -2);
  if (
    exact && used === 6 && edge.length === 6 && having(2).length === 1 &&
    having(1).length === 2 && having(-2).length === 1
  ) {
    return { kind: 0, offsets: edge, weights };
  }
  // Signs: corners 1 (or -1), sides -2 (2), middle 4 (-4).
  const checker = all(1, -2, 4);
  if (
    exact && used === 9 && checker.length === 9 && having(1).length === 4 &&
    having(4).length === 1
  ) {
    return { kind: 2, offsets: checker, weights };
  }
  const offsets = lists.flat().map(([offset]) => offset);
  const line = rectangles.length === 2 && weights[0] === -1;
  return { kind: line ? 1 : 3, offsets, weights };
}

/**
 * A stage's votes as whole numbers, scaled to fit in 32 bits with room to
 * spare: the sum starts as if every stump had answered right, less the
 * threshold; each stump that answers left adds its difference.
 */
function wholeVotes({ threshold, weakClassifiers }: Stage) {
  const sides = weakClassifiers.map(({ nodes: [{ left, right }], leaves }) => ({
    left: leaves[-left],
    right: leaves[-right],
  }));
  const most = Math.abs(threshold) + sides.reduce(
    (sum, { left, right }) => sum + Math.abs(left) + 2 * Math.abs(right),
    0,
  );
  const scale = 2 ** Math.floor(Math.log2(2 ** 30 / Math.max(most, 1e-30)));
  const rights = sides.reduce((sum, { right }) => sum + right, 0);
  return {
    start: Math.round((rights - threshold) * scale),
    differences: sides.map(({ left, right }) =>
      Math.round((left - right) * scale)
    ),
    // Each number is half a unit off at most.
    slack: sides.length + 4,
  };
}
