// One row of a layer of the pyramid at a time: the image's row itself, or two
// of its rows blended as in OpenCV's INTER_LINEAR_EXACT. Horizontally, 8 pixels
// at once are picked from 16 or 32 bytes. lib/haar/pyramid.ts has the arithmetic.
import { image, imageWidth, rowBytes, rows } from "./state";

/** The columns' blends: 64 bytes for 8 pixels, made by lib/haar/fast/memory.ts. */
const BLEND_BYTES: usize = 64;

let columnBlends: usize = 0;
let rowBlends: usize = 0;
let layerWidth: i32 = 0;
/** Which image rows the two half-resized buffers hold; -1: none. */
let heldFirst: i32 = -1;
let heldSecond: i32 = -1;

/** Begins a layer; `columns` is 0 for the image itself. */
export function beginLayer(width: i32, columns: usize, rowTable: usize): void {
  layerWidth = width;
  columnBlends = columns;
  rowBlends = rowTable;
  heldFirst = -1;
  heldSecond = -1;
}

/** The address of a row's pixels, which remain while the next row is made. */
export function layerRow(y: i32): usize {
  if (columnBlends == 0) return image + <usize> y * <usize> imageWidth;
  const pixels = rows + <usize> ((y & 1) * rowBytes);
  const first = load<i32>(rowBlends + (<usize> y << 3));
  const weight = load<i32>(rowBlends + (<usize> y << 3), 4);
  const second = weight == 0 ? first : first + 1;
  blendDown(pixels, across(first, second), across(second, first), weight);
  return pixels;
}

/** The half-resized row, in the buffer that does not hold the row `keep`. */
function across(row: i32, keep: i32): usize {
  const firstBuffer = rows + <usize> (rowBytes << 1);
  const secondBuffer = firstBuffer + <usize> (rowBytes << 1);
  if (heldFirst == row) return firstBuffer;
  if (heldSecond == row) return secondBuffer;
  const source = image + <usize> row * <usize> imageWidth;
  if (heldFirst != keep) {
    heldFirst = row;
    blendAcross(firstBuffer, source);
    return firstBuffer;
  }
  heldSecond = row;
  blendAcross(secondBuffer, source);
  return secondBuffer;
}

/** Writes 16-bit values with 8 bits of fraction, less 32768. */
function blendAcross(into: usize, source: usize): void {
  let blend = columnBlends;
  const end = into + (<usize> layerWidth << 1);
  const sixteen = i8x16.splat(16);
  const half = i16x8.splat(-32768);
  for (; into < end; into += 16, blend += BLEND_BYTES) {
    const kind = load<i32>(blend, 4);
    let left: v128;
    let right: v128;
    if (kind < 2) {
      const at = source + load<u32>(blend);
      const pickLeft = v128.load(blend, 16);
      const pickRight = v128.load(blend, 32);
      const bytes = v128.load(at);
      left = i8x16.swizzle(bytes, pickLeft);
      right = i8x16.swizzle(bytes, pickRight);
      if (kind == 1) {
        const more = v128.load(at, 16);
        left = v128.or(
          left,
          i8x16.swizzle(more, i8x16.sub(pickLeft, sixteen)),
        );
        right = v128.or(
          right,
          i8x16.swizzle(more, i8x16.sub(pickRight, sixteen)),
        );
      }
    } else {
      let pairs = i16x8.splat(0);
      pairs = v128.load16_lane(source + load<u32>(blend, 8), pairs, 0);
      pairs = v128.load16_lane(source + load<u32>(blend, 12), pairs, 1);
      pairs = v128.load16_lane(source + load<u32>(blend, 16), pairs, 2);
      pairs = v128.load16_lane(source + load<u32>(blend, 20), pairs, 3);
      pairs = v128.load16_lane(source + load<u32>(blend, 24), pairs, 4);
      pairs = v128.load16_lane(source + load<u32>(blend, 28), pairs, 5);
      pairs = v128.load16_lane(source + load<u32>(blend, 32), pairs, 6);
      pairs = v128.load16_lane(source + load<u32>(blend, 36), pairs, 7);
      left = v128.and(pairs, i16x8.splat(255));
      right = i16x8.shr_u(pairs, 8);
    }
    const weight = v128.load(blend, 48);
    const value = i16x8.add(
      i16x8.shl(left, 8),
      i16x8.mul(i16x8.sub(right, left), weight),
    );
    v128.store(into, v128.xor(value, half));
  }
}

/** Blends two half-resized rows into 8-bit pixels. */
function blendDown(into: usize, upper: usize, lower: usize, weight: i32): void {
  const weights = i32x4.splat((weight << 16) | (256 - weight));
  // Half a unit to round, and the 32768 that was taken from both rows.
  const bias = i32x4.splat(32768 + (32768 << 8));
  const end = into + <usize> layerWidth;
  for (; into < end; into += 8, upper += 16, lower += 16) {
    const a = v128.load(upper);
    const b = v128.load(lower);
    const low = v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const high = v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    const values = i16x8.narrow_i32x4_s(
      i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(low, weights), bias), 16),
      i32x4.shr_u(i32x4.add(i32x4.dot_i16x8_s(high, weights), bias), 16),
    );
    v128.store64_lane(into, i8x16.narrow_i16x8_u(values, values), 0);
  }
}
