// A cascade as tables in the memory of lib/haar/wasm: exact ones, for one
// window at a time, and quick ones of whole numbers, for 16 windows at a time.
// wasm/assembly/exact_stage.ts and wasm/assembly/stage.ts describe the bytes.
import type {
  Cascade,
  HaarFeature,
  Stage,
  WeakClassifier,
} from "../cascade.ts";

/** How the integral images are laid out. */
export interface IntegralLayout {
  /** Bytes from one line to the next. */
  readonly pitch: number;
  /** Whether odd columns are stored half a line after the even ones. */
  readonly split: boolean;
  /** Bytes from a number of the upright integral image to the tilted one's. */
  readonly toTilted: number;
}

const STAGE_BYTES = 48;

/** The most bytes that {@linkcode CascadeTables} writes. */
export function tableBytes(cascade: Cascade): number {
  const weak = cascade.stages.flatMap((stage) => stage.weakClassifiers);
  const nodes = weak.reduce((sum, { nodes }) => sum + nodes.length, 0);
  return 64 + cascade.stages.length * STAGE_BYTES + weak.length * 16 +
    nodes * (20 + 80) + cascade.features.length * 64;
}

/** Nodes of the largest tree. */
export function largestTree(cascade: Cascade): number {
  return cascade.stages.flatMap((stage) => stage.weakClassifiers)
    .reduce((most, { nodes }) => Math.max(most, nodes.length), 1);
}

/** A point of the window where an integral image is read. */
type Corner = readonly [x: number, y: number];

/** A feature as the points to read, the same for every layout. */
interface ReadyFeature {
  readonly tilted: boolean;
  readonly weights: readonly number[];
  /** Four points a rectangle. */
  readonly corners: readonly Corner[];
  /** How the quick tables read it, see {@linkcode quickFeature}. */
  readonly quick: {
    readonly kind: number;
    readonly corners: readonly Corner[];
  };
}

/** A cascade ready to be written as tables, for one layout after another. */
export class CascadeTables {
  readonly #cascade: Cascade;
  readonly #features: readonly ReadyFeature[];
  readonly #votes: readonly ReturnType<typeof wholeVotes>[];

  constructor(cascade: Cascade) {
    const area = cascade.width * cascade.height;
    this.#cascade = cascade;
    this.#features = cascade.features.map((feature) => {
      const corners = feature.rectangles.flatMap((_, i) =>
        rectangleCorners(feature, i)
      );
      const weights = feature.rectangles.map(({ weight }) => weight);
      const quick = quickFeature(corners, weights, area);
      return { tilted: feature.tilted, weights, corners, quick };
    });
    this.#votes = cascade.stages.map(wholeVotes);
  }

  /** Writes the tables at `start`, which is also the first stage's address. */
  write(layout: IntegralLayout, memory: ArrayBufferLike, start: number): void {
    const { stages } = this.#cascade;
    const writer = new Writer(layout, memory, start);
    const { view } = writer;
    writer.end += stages.length * STAGE_BYTES;
    const addresses = this.#features.map(({ corners, weights, tilted }) => {
      const address = writer.end;
      writer.integer(weights.length);
      for (const [i, weight] of weights.entries()) {
        for (let k = 0; k < 4; k++) writer.corner(corners[4 * i + k], tilted);
        writer.float(weight);
      }
      return address;
    });
    for (const [s, stage] of stages.entries()) {
      const at = start + s * STAGE_BYTES;
      view.setInt32(at, stage.weakClassifiers.length, true);
      view.setFloat64(at + 8, stage.threshold, true);
      const leaves = stage.weakClassifiers.map((weak) => {
        const address = writer.end;
        for (const leaf of weak.leaves) writer.float(leaf);
        return address;
      });
      view.setInt32(at + 4, writer.end, true);
      for (const [w, { nodes }] of stage.weakClassifiers.entries()) {
        writer.integer(leaves[w]);
        writer.integer(8 + 16 * nodes.length);
        for (const { left, right, feature, threshold } of nodes) {
          writer.integer(left);
          writer.integer(right);
          writer.integer(addresses[feature]);
          writer.float(threshold);
        }
      }
      this.#writeQuick(s, at, writer);
    }
  }

  #writeQuick(s: number, at: number, writer: Writer): void {
    const { view } = writer;
    const { start, slack, votes } = this.#votes[s];
    const { weakClassifiers } = this.#cascade.stages[s];
    view.setInt32(at + 16, start, true);
    view.setInt32(at + 20, slack, true);
    view.setInt32(at + 40, writer.end, true);
    for (const kind of [EDGE, LINE, CHECKER, GENERAL]) {
      let count = 0;
      for (const [w, weak] of weakClassifiers.entries()) {
        const [node] = weak.nodes;
        const feature = this.#features[node.feature];
        if (!isStump(weak) || feature.quick.kind !== kind) continue;
        count++;
        if (kind === GENERAL) writer.rectangles(feature);
        else {
          for (const corner of feature.quick.corners) {
            writer.corner(corner, feature.tilted);
          }
        }
        writer.float(node.threshold);
        writer.integer(votes[w][-node.left] - votes[w][-node.right]);
        if (kind === LINE) writer.float(feature.weights[1]);
      }
      view.setInt32(at + 24 + 4 * kind, count, true);
    }
    let trees = 0;
    for (const [w, weak] of weakClassifiers.entries()) {
      if (isStump(weak)) continue;
      trees++;
      writer.integer(weak.nodes.length);
      for (
        const { left, right, feature, threshold } of weak.nodes.toReversed()
      ) {
        writer.rectangles(this.#features[feature]);
        writer.float(threshold);
        for (const next of [left, right]) {
          writer.integer(Math.max(0, next));
          writer.integer(next > 0 ? 0 : votes[w][-next]);
        }
      }
    }
    view.setInt32(at + 44, trees, true);
  }
}

function isStump(weak: WeakClassifier): boolean {
  return weak.nodes.length === 1;
}

/** Writes numbers one after another. */
class Writer {
  readonly view: DataView;

  constructor(
    readonly layout: IntegralLayout,
    memory: ArrayBufferLike,
    public end: number,
  ) {
    this.view = new DataView(memory);
  }

  integer(value: number): void {
    this.view.setInt32(this.end, value, true);
    this.end += 4;
  }

  float(value: number): void {
    this.view.setFloat32(this.end, value, true);
    this.end += 4;
  }

  /** The bytes from a window's first number to the one at a corner. */
  corner([x, y]: Corner, tilted: boolean): void {
    const { pitch, split, toTilted } = this.layout;
    const column = split ? (x >> 1) * 4 + (x & 1) * (pitch / 2) : x * 4;
    this.integer(y * pitch + column + (tilted ? toTilted : 0));
  }

  /** Three rectangles with weights; a missing one has weight 0. */
  rectangles({ corners, weights, tilted }: ReadyFeature): void {
    for (const i of [0, 1, 2]) {
      for (let k = 0; k < 4; k++) {
        this.corner(corners[4 * i + k] ?? corners[0], tilted);
      }
      this.float(weights[i] ?? 0);
    }
  }
}

/** A rectangle's first and last corner are added, the others subtracted. */
const SIGNS = [1, -1, -1, 1];

function rectangleCorners(
  { rectangles, tilted }: HaarFeature,
  index: number,
): Corner[] {
  const { x, y, width: w, height: h } = rectangles[index];
  return tilted
    ? [[x, y], [x - h, y + h], [x + w, y + w], [x + w - h, y + w + h]]
    : [[x, y], [x + w, y], [x, y + h], [x + w, y + h]];
}

const EDGE = 0;
const LINE = 1;
const CHECKER = 2;
const GENERAL = 3;

/**
 * How the quick tables read a feature. Rectangles that share corners need
 * fewer points: an edge six, a checker of four quarters nine. A line is a
 * weighted rectangle less another; all else is general.
 */
function quickFeature(
  corners: readonly Corner[],
  weights: readonly number[],
  area: number,
): { kind: number; corners: readonly Corner[] } {
  // Whole numbers are exact where OpenCV's 32-bit floats are.
  const exact = weights.every(Number.isInteger) &&
    area * 255 * Math.max(...weights.map(Math.abs)) * 2 < 2 ** 24;
  const points = new Map<number, { corner: Corner; sum: number }>();
  for (const [i, corner] of corners.entries()) {
    const key = corner[0] * 1024 + corner[1];
    const sum = points.get(key)?.sum ?? 0;
    points.set(key, { corner, sum: sum + SIGNS[i % 4] * weights[i >> 2] });
  }
  const used = [...points.values()].filter(({ sum }) => sum !== 0);
  const sums = used.map(({ sum }) => sum).sort((a, b) => a - b).join(" ");
  const ordered = (...order: number[]) =>
    order.flatMap((sum) => used.filter((point) => point.sum === sum))
      .map(({ corner }) => corner);
  if (exact && sums === "-2 -1 -1 1 1 2") {
    return { kind: EDGE, corners: ordered(1, -1, 2, -2) };
  }
  if (exact && sums === "-2 -2 -2 -2 1 1 1 1 4") {
    return { kind: CHECKER, corners: ordered(1, -2, 4) };
  }
  const line = weights.length === 2 && weights[0] === -1;
  return { kind: line ? LINE : GENERAL, corners };
}

/**
 * A stage's votes as whole numbers, scaled to fit in 32 bits with room to
 * spare. The sum starts at minus the threshold plus every stump's right vote;
 * each stump that goes left adds the difference to its left vote.
 */
function wholeVotes({ threshold, weakClassifiers }: Stage) {
  const most = weakClassifiers.reduce(
    (sum, { leaves }) =>
      sum +
      3 * leaves.reduce((most, leaf) => Math.max(most, Math.abs(leaf)), 0),
    Math.abs(threshold),
  );
  const scale = 2 ** Math.floor(Math.log2(2 ** 30 / Math.max(most, 1e-30)));
  const votes = weakClassifiers.map(({ leaves }) =>
    leaves.map((leaf) => Math.round(leaf * scale))
  );
  const rights = weakClassifiers.reduce(
    (sum, weak, w) =>
      isStump(weak) ? sum + votes[w][-weak.nodes[0].right] : sum,
    0,
  );
  // Each number is at most half a unit off.
  const slack = weakClassifiers.length + 4;
  return { start: rights - Math.round(threshold * scale), slack, votes };
}
