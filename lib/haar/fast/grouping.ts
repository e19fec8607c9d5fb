// Grouping without allocations, for a detector that searches frame after frame:
// the same groups as haar/grouping.ts, in reused arrays of numbers.
import { roundHalfEven } from "../../image/gray.ts";

const EPSILON = 0.2;
/** Keys to sort are x * INDEX + index; coordinates are below 2^20. */
const INDEX = 2 ** 30;

/** Groups rectangles; its fields are the last call's result. */
export class RectangleGrouper {
  /** The groups' x, y, width and height, four numbers each. */
  boxes = new Int32Array(0);
  /** How many rectangles each group has. */
  neighbors = new Int32Array(0);
  /** The largest score in each group. */
  scores = new Float64Array(0);
  #parents = new Int32Array(0);
  #keys = new Float64Array(0);
  #classes = new Int32Array(0);
  #sums = new Float64Array(0);

  /** Makes room for `count` rectangles. */
  #reserve(count: number): void {
    if (count <= this.#parents.length) return;
    const room = 2 ** Math.ceil(Math.log2(Math.max(count, 256)));
    this.boxes = new Int32Array(4 * room);
    this.neighbors = new Int32Array(room);
    this.scores = new Float64Array(room);
    this.#parents = new Int32Array(room);
    this.#keys = new Float64Array(room);
    this.#classes = new Int32Array(room);
    this.#sums = new Float64Array(4 * room);
  }

  /**
   * Groups `count` rectangles (`rectangles`: x, y, width, height) and drops
   * weak groups and groups inside stronger ones.
   *
   * @returns the number of groups, which are in the order of their first rectangles
   */
  group(
    rectangles: Int32Array,
    scores: Float64Array,
    count: number,
    minNeighbors: number,
  ): number {
    this.#reserve(count);
    if (minNeighbors <= 0) {
      for (let i = 0; i < 4 * count; i++) this.boxes[i] = rectangles[i];
      for (let i = 0; i < count; i++) {
        this.neighbors[i] = 1;
        this.scores[i] = scores[i];
      }
      return count;
    }
    this.#join(rectangles, count);
    const classes = this.#average(rectangles, scores, count, minNeighbors);
    return this.#dropSwallowed(classes);
  }

  #root(i: number): number {
    const parents = this.#parents;
    while (parents[i] !== i) i = parents[i] = parents[parents[i]];
    return i;
  }

  #join(r: Int32Array, count: number): void {
    const keys = this.#keys;
    for (let i = 0; i < count; i++) {
      this.#parents[i] = i;
      keys[i] = r[4 * i] * INDEX + i;
    }
    sortInPlace(keys, count);
    for (let place = 0; place < count; place++) {
      const i = 4 * (keys[place] % INDEX);
      const last = r[i] + EPSILON * (r[i + 2] + r[i + 3]) * 0.5;
      for (let k = place + 1; k < count; k++) {
        const j = 4 * (keys[k] % INDEX);
        if (r[j] > last) break;
        const delta = EPSILON *
          (Math.min(r[i + 2], r[j + 2]) + Math.min(r[i + 3], r[j + 3])) * 0.5;
        const alike = r[j] - r[i] <= delta &&
          Math.abs(r[i + 1] - r[j + 1]) <= delta &&
          Math.abs(r[i] + r[i + 2] - r[j] - r[j + 2]) <= delta &&
          Math.abs(r[i + 1] + r[i + 3] - r[j + 1] - r[j + 3]) <= delta;
        if (!alike) continue;
        const a = this.#root(i / 4);
        const b = this.#root(j / 4);
        // The first rectangle stands for its class.
        if (a < b) this.#parents[b] = a;
        else this.#parents[a] = b;
      }
    }
  }

  #average(
    r: Int32Array,
    scores: Float64Array,
    count: number,
    minNeighbors: number,
  ): number {
    const { boxes, neighbors } = this;
    const sums = this.#sums;
    let classes = 0;
    for (let i = 0; i < count; i++) {
      const root = this.#root(i);
      if (root === i) {
        this.#classes[i] = classes;
        neighbors[classes] = 0;
        this.scores[classes] = -Infinity;
        sums.fill(0, 4 * classes, 4 * classes + 4);
        classes++;
      }
      const group = this.#classes[root];
      neighbors[group]++;
      this.scores[group] = Math.max(this.scores[group], scores[i]);
      for (let side = 0; side < 4; side++) {
        sums[4 * group + side] += r[4 * i + side];
      }
    }
    let strong = 0;
    for (let group = 0; group < classes; group++) {
      if (neighbors[group] <= minNeighbors) continue;
      const share = Math.fround(1 / neighbors[group]);
      for (let side = 0; side < 4; side++) {
        const sum = Math.fround(sums[4 * group + side]);
        boxes[4 * strong + side] = roundHalfEven(Math.fround(sum * share));
      }
      neighbors[strong] = neighbors[group];
      this.scores[strong] = this.scores[group];
      strong++;
    }
    return strong;
  }

  #dropSwallowed(count: number): number {
    const dropped = this.#parents;
    for (let i = 0; i < count; i++) dropped[i] = this.#isSwallowed(i, count);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (dropped[i]) continue;
      this.boxes.copyWithin(4 * kept, 4 * i, 4 * i + 4);
      this.neighbors[kept] = this.neighbors[i];
      this.scores[kept] = this.scores[i];
      kept++;
    }
    return kept;
  }

  #isSwallowed(i: number, count: number): number {
    const { boxes, neighbors } = this;
    const x = boxes[4 * i];
    const y = boxes[4 * i + 1];
    const right = x + boxes[4 * i + 2];
    const bottom = y + boxes[4 * i + 3];
    for (let j = 0; j < count; j++) {
      if (j === i) continue;
      const dx = roundHalfEven(boxes[4 * j + 2] * EPSILON);
      const dy = roundHalfEven(boxes[4 * j + 3] * EPSILON);
      const inside = x >= boxes[4 * j] - dx && y >= boxes[4 * j + 1] - dy &&
        right <= boxes[4 * j] + boxes[4 * j + 2] + dx &&
        bottom <= boxes[4 * j + 1] + boxes[4 * j + 3] + dy;
      const stronger = neighbors[j] > Math.max(3, neighbors[i]) ||
        neighbors[i] < 3;
      if (inside && stronger) return 1;
    }
    return 0;
  }
}

/** Shellsort: to sort a part, a typed array's own sort needs a new view. */
function sortInPlace(keys: Float64Array, count: number): void {
  for (let gap = count >> 1; gap > 0; gap = gap === 2 ? 1 : gap * 5 / 11 | 0) {
    for (let i = gap; i < count; i++) {
      const key = keys[i];
      let hole = i;
      for (; hole >= gap && keys[hole - gap] > key; hole -= gap) {
        keys[hole] = keys[hole - gap];
      }
      keys[hole] = key;
    }
  }
}
