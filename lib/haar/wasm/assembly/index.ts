// The search of one layer: rows of windows from top to bottom, the integral
// images made just ahead of them, so that both stay in the processor's cache.
// The readable version is lib/haar/search.ts; tests compare with it and with
// OpenCV.
import {
  firstLine,
  nextLine,
  nextSplitLine,
  nextTiltedLine,
} from "./integral";
import { beginLayer, layerRow } from "./layer";
import {
  area,
  groups,
  lineCount,
  pitch,
  plainStages,
  report,
  splitStages,
  squares,
  stageCount,
  sums,
  tilted,
  windowHeight,
  windowWidth,
} from "./state";
import { STAGE_BYTES, stageSum } from "./exact_stage";
import { tryStage } from "./stage";

export { configure, countFound, place, restart } from "./state";

let layerIndex: i32 = 0;
let stages: usize = 0;
let split: bool = false;
/** The layer's row just below line 0 of the integral images. */
let top: i32 = 0;
/** Groups in the list. */
let groupCount: i32 = 0;

/**
 * Searches the windows of a layer.
 *
 * @param columns, rows windows start at x and y below these
 */
export function searchLayer(
  index: i32,
  width: i32,
  step: i32,
  columns: i32,
  rows: i32,
  columnBlends: usize,
  rowBlends: usize,
): void {
  layerIndex = index;
  split = step == 2;
  stages = split ? splitStages : plainStages;
  groupCount = 0;
  top = 0;
  const windows = split ? (columns + 1) >> 1 : columns;
  beginLayer(width, columnBlends, rowBlends);
  firstLine();
  let lines = 0;
  let above: usize = 0;
  for (let y = 0; y < rows; y += step) {
    while (top + lines < y + windowHeight) {
      if (lines + 1 == lineCount) {
        finishGroups();
        lines -= y - top;
        moveUp(y - top, lines);
        top = y;
      }
      const pixels = layerRow(top + lines);
      lines++;
      if (split) nextSplitLine(lines, pixels, width);
      else nextLine(lines, pixels, width);
      if (tilted != 0) nextTiltedLine(lines, pixels, above, width, split);
      above = pixels;
    }
    const row = sums + <usize> (y - top) * <usize> pitch;
    findNorms(row, windows);
    firstStage(row, windows);
  }
  finishGroups();
}

/** Drops lines from the top: line `by` becomes line 0 of `last` + 1 lines. */
function moveUp(by: i32, last: i32): void {
  const from = <usize> by * <usize> pitch;
  const bytes = <usize> (last + 1) * <usize> pitch;
  memory.copy(sums, sums + from, bytes);
  memory.copy(squares, squares + from, bytes);
  if (tilted != 0) memory.copy(tilted, tilted + from, bytes);
}

/** Byte offset of the column `x` from a window's. */
function columnOffset(x: i32): usize {
  return split
    ? <usize> (((x >> 1) << 2) + (x & 1) * (pitch >> 1))
    : <usize> (x << 2);
}

@inline
function normOf(sum: v128, square: v128): v128 {
  const s = f64x2.convert_low_i32x4_s(sum);
  const q = f64x2.convert_low_i32x4_u(square);
  const variance = f64x2.sub(
    f64x2.mul(f64x2.splat(area), q),
    f64x2.mul(s, s),
  );
  const norm = f32x4.demote_f64x2_zero(
    f64x2.div(f64x2.splat(1), f64x2.sqrt(variance)),
  );
  const enough = f64x2.lt(
    f64x2.mul(f64x2.splat(area), f64x2.promote_low_f32x4(norm)),
    f64x2.splat(0.1),
  );
  return v128.and(norm, v128.shuffle<i32>(enough, enough, 0, 2, 0, 2));
}

/**
 * Writes the norm of every window of a row, 0 where there is too little
 * contrast. They replace the row's own line of squares, which no window needs
 * anymore: a norm is `squares - sums` bytes after its window.
 */
function findNorms(row: usize, windows: i32): void {
  const left = columnOffset(1);
  const right = columnOffset(windowWidth - 1);
  const upper = row + <usize> pitch;
  const lower = row + <usize> (windowHeight - 1) * <usize> pitch;
  const toSquares = squares - sums;
  for (let x: usize = 0; x < <usize> windows << 2; x += 16) {
    const a = upper + x + left;
    const b = upper + x + right;
    const c = lower + x + left;
    const d = lower + x + right;
    const sum = i32x4.add(
      i32x4.sub(v128.load(a), v128.load(b)),
      i32x4.sub(v128.load(d), v128.load(c)),
    );
    const square = i32x4.add(
      i32x4.sub(v128.load(a + toSquares), v128.load(b + toSquares)),
      i32x4.sub(v128.load(d + toSquares), v128.load(c + toSquares)),
    );
    const low = normOf(sum, square);
    const high = normOf(
      v128.shuffle<i32>(sum, sum, 2, 3, 2, 3),
      v128.shuffle<i32>(square, square, 2, 3, 2, 3),
    );
    v128.store(row + x + toSquares, v128.shuffle<i64>(low, high, 0, 2));
  }
}

/** Runs the first stage on a whole row; windows that pass join the list. */
function firstStage(row: usize, windows: i32): void {
  const toSquares = squares - sums;
  const zero = f32x4.splat(0);
  let skipNext = 0;
  for (let x = 0; x < windows; x += 16) {
    const w = row + <usize> (x << 2);
    const norms = w + toSquares;
    let lanes = i32x4.bitmask(f32x4.ne(v128.load(norms), zero)) |
      (i32x4.bitmask(f32x4.ne(v128.load(norms, 16), zero)) << 4) |
      (i32x4.bitmask(f32x4.ne(v128.load(norms, 32), zero)) << 8) |
      (i32x4.bitmask(f32x4.ne(v128.load(norms, 48), zero)) << 12);
    if (windows - x < 16) lanes &= (1 << (windows - x)) - 1;
    let passed = 0;
    if (lanes != 0) {
      passed = tryStage(stages, w, w + 16, w + 32, w + 48, toSquares, lanes);
    }
    // A window that fails lets the next one be skipped, which then cannot
    // fail: in a run of failures every second one is skipped.
    const failed = lanes & ~passed & ~skipNext;
    const follows = (failed << 1) | skipNext;
    const oddStarts = failed & 0xaaaa & ~follows;
    const sequences = oddStarts + failed;
    const skipped = (0x15555 ^ (sequences << 1)) & follows;
    skipNext = (skipped >> 16) & 1;
    passed &= ~skipped;
    while (passed != 0) {
      const lane = ctz(passed);
      addGroup(w + <usize> (lane << 2), (passed >> lane) & 15);
      passed &= ~(15 << lane);
    }
  }
}

@inline
function addGroup(window: usize, lanes: i32): void {
  const at = groups + (<usize> groupCount << 3);
  store<u32>(at, <u32> window);
  store<i32>(at, lanes, 4);
  groupCount++;
}

/** Runs the other stages on all groups in the list, and reports what is left. */
function finishGroups(): void {
  const toSquares = squares - sums;
  for (let s = 1; s < stageCount && groupCount > 0; s++) {
    const stage = stages + <usize> s * STAGE_BYTES;
    const count = groupCount;
    groupCount = 0;
    let first: usize = 0;
    let lanes = 0;
    for (let g = 0; g < count; g += 4) {
      const at = groups + (<usize> g << 3);
      const w0 = <usize> load<u32>(at);
      let wanted = load<i32>(at, 4);
      let w1 = w0;
      let w2 = w0;
      let w3 = w0;
      if (g + 1 < count) {
        w1 = <usize> load<u32>(at, 8);
        wanted |= load<i32>(at, 12) << 4;
      }
      if (g + 2 < count) {
        w2 = <usize> load<u32>(at, 16);
        wanted |= load<i32>(at, 20) << 8;
      }
      if (g + 3 < count) {
        w3 = <usize> load<u32>(at, 24);
        wanted |= load<i32>(at, 28) << 12;
      }
      let passed = tryStage(stage, w0, w1, w2, w3, toSquares, wanted);
      // Those that pass are grouped again, each group from its first window.
      for (; passed != 0; passed &= passed - 1) {
        const lane = ctz(passed);
        const vector = lane >> 2;
        const start = vector == 0 ? w0 : vector == 1 ? w1 : vector == 2
          ? w2
          : w3;
        const window = start + <usize> ((lane & 3) << 2);
        if (lanes != 0 && window - first < 16) {
          lanes |= 1 << (<i32> (window - first) >> 2);
        } else {
          if (lanes != 0) addGroup(first, lanes);
          first = window;
          lanes = 1;
        }
      }
    }
    if (lanes != 0) addGroup(first, lanes);
  }
  const lastStage = stages + <usize> (stageCount - 1) * STAGE_BYTES;
  for (let g = 0; g < groupCount; g++) {
    const at = groups + (<usize> g << 3);
    const first = <usize> load<u32>(at);
    for (let lanes = load<i32>(at, 4); lanes != 0; lanes &= lanes - 1) {
      const window = first + <usize> (ctz(lanes) << 2);
      reportWindow(
        window,
        stageSum(lastStage, window, load<f32>(window + toSquares)),
      );
    }
  }
  groupCount = 0;
}

function reportWindow(window: usize, score: f64): void {
  const offset = <i32> (window - sums);
  const line = offset / pitch;
  const x = (offset - line * pitch) >> 2;
  report(layerIndex, split ? x << 1 : x, top + line, score);
}
