// One line of the integral images from one row of pixels, 8 pixels at once.
// If windows start at every second pixel, the even columns are stored before the
// odd ones, so that neighboring windows read neighboring numbers.
import { pitch, squares, sums, tilted } from "./state";

const ONES: v128 = i16x8.splat(1);

/** Adds each lane to all lanes after it. */
@inline
function runningSum(v: v128): v128 {
  const zero = i32x4.splat(0);
  v = i32x4.add(v, v128.shuffle<i32>(zero, v, 0, 4, 5, 6));
  return i32x4.add(v, v128.shuffle<i32>(zero, v, 0, 1, 4, 5));
}

@inline
function lastLane(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}

/** Makes line 0: nothing is above it. */
export function firstLine(): void {
  memory.fill(sums, 0, pitch);
  memory.fill(squares, 0, pitch);
  if (tilted != 0) memory.fill(tilted, 0, pitch);
}

/** Writes line `line` (from 1) below a row of `width` pixels. */
export function nextLine(line: i32, pixels: usize, width: i32): void {
  const offset = <usize> line * <usize> pitch;
  let sum = sums + offset;
  let square = squares + offset;
  const above = <usize> pitch;
  store<i32>(sum, 0);
  store<i32>(square, 0);
  let carry = i32x4.splat(0);
  let squareCarry = i32x4.splat(0);
  const end = pixels + <usize> width;
  for (; pixels < end; pixels += 8, sum += 32, square += 32) {
    const p = v128.load8x8_u(pixels);
    const odd = i32x4.shr_u(p, 16);
    let even = i32x4.add(carry, runningSum(i32x4.dot_i16x8_s(p, ONES)));
    carry = lastLane(even);
    let before = i32x4.sub(even, odd);
    v128.store(
      sum,
      i32x4.add(
        v128.load(sum - above, 4),
        v128.shuffle<i32>(before, even, 0, 4, 1, 5),
      ),
      4,
    );
    v128.store(
      sum,
      i32x4.add(
        v128.load(sum - above, 20),
        v128.shuffle<i32>(before, even, 2, 6, 3, 7),
      ),
      20,
    );
    even = i32x4.add(squareCarry, runningSum(i32x4.dot_i16x8_s(p, p)));
    squareCarry = lastLane(even);
    before = i32x4.sub(even, i32x4.dot_i16x8_s(odd, odd));
    v128.store(
      square,
      i32x4.add(
        v128.load(square - above, 4),
        v128.shuffle<i32>(before, even, 0, 4, 1, 5),
      ),
      4,
    );
    v128.store(
      square,
      i32x4.add(
        v128.load(square - above, 20),
        v128.shuffle<i32>(before, even, 2, 6, 3, 7),
      ),
      20,
    );
  }
}

/** Like `nextLine`, with the odd columns half a line after the even ones. */
export function nextSplitLine(line: i32, pixels: usize, width: i32): void {
  const offset = <usize> line * <usize> pitch;
  const half = <usize> (pitch >> 1);
  let sum = sums + offset;
  let square = squares + offset;
  const above = <usize> pitch;
  store<i32>(sum, 0);
  store<i32>(square, 0);
  let carry = i32x4.splat(0);
  let squareCarry = i32x4.splat(0);
  const end = pixels + <usize> width;
  for (; pixels < end; pixels += 8, sum += 16, square += 16) {
    const p = v128.load8x8_u(pixels);
    const odd = i32x4.shr_u(p, 16);
    let even = i32x4.add(carry, runningSum(i32x4.dot_i16x8_s(p, ONES)));
    carry = lastLane(even);
    let before = i32x4.sub(even, odd);
    v128.store(sum, i32x4.add(v128.load(sum - above, 4), even), 4);
    v128.store(sum + half, i32x4.add(v128.load(sum + half - above), before));
    even = i32x4.add(squareCarry, runningSum(i32x4.dot_i16x8_s(p, p)));
    squareCarry = lastLane(even);
    before = i32x4.sub(even, i32x4.dot_i16x8_s(odd, odd));
    v128.store(square, i32x4.add(v128.load(square - above, 4), even), 4);
    v128.store(
      square + half,
      i32x4.add(v128.load(square + half - above), before),
    );
  }
}

@inline
function column(x: i32, split: bool): usize {
  return split
    ? <usize> ((x >> 1) << 2) + <usize> ((x & 1) * (pitch >> 1))
    : <usize> (x << 2);
}

/**
 * The line of the tilted integral image: a cone is the two cones diagonally
 * above, less what they share, plus its own two tips.
 */
export function nextTiltedLine(
  line: i32,
  pixels: usize,
  pixelsAbove: usize,
  width: i32,
  split: bool,
): void {
  const row = tilted + <usize> line * <usize> pitch;
  const above = row - <usize> pitch;
  const twoAbove = above - <usize> pitch;
  store<i32>(row, load<i32>(above + column(1, split)));
  for (let x = 1; x <= width; x++) {
    let value = load<i32>(above + column(x - 1, split)) +
      <i32> load<u8>(pixels + <usize> (x - 1));
    if (line > 1) {
      value += <i32> load<u8>(pixelsAbove + <usize> (x - 1));
      if (x < width) {
        value += load<i32>(above + column(x + 1, split)) -
          load<i32>(twoAbove + column(x, split));
      }
    }
    store<i32>(row + column(x, split), value);
  }
}
