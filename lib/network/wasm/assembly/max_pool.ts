// Max pooling of a normalized input, which remembers where each maximum was for
// max_pool_gradient.ts. Fused: the input's scale and shift (batch normalization),
// and the sum with a second, also scaled and shifted input (a shortcut).

import { madd } from "./vector";

/** Lanes of `a` where `mask` is all ones, of `b` where it is zero. */
// @ts-ignore: decorator
@inline
function select(a: v128, b: v128, mask: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_laneselect(a, b, mask);
  return v128.bitselect(a, b, mask);
}

// @ts-ignore: decorator
@inline
function putPlaces(at: usize, place: v128): void {
  const short = i16x8.narrow_i32x4_u(place, place);
  v128.store32_lane(at, i8x16.narrow_i16x8_u(short, short), 0);
}

/**
 * y = max over the window of (x * scale + shift) + (other * otherScale + otherShift).
 *
 * x and other are dense, y is strided; `other` may be 0. With `places`, for training,
 * y is x where x * scale is greatest, and `places` gets that place within its window
 * as a byte, dense. Windows stay inside the input.
 */
export function maxPool(
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  scale: usize,
  shift: usize,
  other: usize,
  otherScale: usize,
  otherShift: usize,
  rows: i32,
  columns: i32,
  stride: i32,
  strideX: i32,
  top: i32,
  left: i32,
  y: usize,
  yFace: i32,
  yRow: i32,
  places: usize,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const step = <usize> channels << 2;
  const row = step * width;
  if (rows <= 3 && columns == 3 && strideX == 2 && left <= 1) {
    maxPoolThree(
      x, height, width, step, scale, shift, other, otherScale, otherShift,
      rows, stride, top, left, y, yFace, yRow, places, faces, yHeight, yWidth,
    );
    return;
  }
  let done: usize = 0;
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < yHeight; r++) {
      const r0 = max(0, r * stride - top);
      const r1 = min(height, r * stride - top + rows);
      for (let i = 0; i < yWidth; i++) {
        const c0 = max(0, i * strideX - left);
        const c1 = min(width, i * strideX - left + columns);
        const first = (r0 - r * stride + top) * columns + c0 -
          i * strideX + left;
        const from = x + <usize> r0 * row + <usize> c0 * step;
        const to = y + <usize> (f * yFace + r * yRow) + <usize> i * step;
        const one = i32x4.splat(1);
        const skip = i32x4.splat(columns - c1 + c0);
        for (let c: usize = 0; c < step; c += 16) {
          // The greatest scaled value is the greatest or, where the scale is
          // negative, the least: search with its sign flipped.
          const a = v128.load(scale + c);
          const sign = v128.and(a, i32x4.splat(1 << 31));
          let best = f32x4.splat(-f32.MAX_VALUE);
          let start = from + c;
          if (places) {
            let tap = i32x4.splat(first);
            let place = tap;
            for (let wr = r0; wr < r1; wr++) {
              let at = start;
              for (let wc = c0; wc < c1; wc++) {
                const next = v128.xor(v128.load(at), sign);
                place = select(tap, place, f32x4.gt(next, best));
                best = f32x4.pmax(best, next);
                tap = i32x4.add(tap, one);
                at += step;
              }
              tap = i32x4.add(tap, skip);
              start += row;
            }
            putPlaces(places + ((done + c) >> 2), place);
            v128.store(to + c, v128.xor(best, sign));
            continue;
          }
          for (let wr = r0; wr < r1; wr++) {
            let at = start;
            for (let wc = c0; wc < c1; wc++) {
              best = f32x4.pmax(best, v128.xor(v128.load(at), sign));
              at += step;
            }
            start += row;
          }
          best = madd(v128.xor(best, sign), a, v128.load(shift + c));
          if (other) {
            best = f32x4.add(
              best,
              madd(
                v128.load(other + done + c),
                v128.load(otherScale + c),
                v128.load(otherShift + c),
              ),
            );
          }
          v128.store(to + c, best);
        }
        done += step;
      }
    }
    x += row * height;
  }
}

/** The greatest of the three rows of one column. */
// @ts-ignore: decorator
@inline
function columnMax(upper: v128, middle: v128, lower: v128): v128 {
  return f32x4.pmax(f32x4.pmax(upper, middle), lower);
}

/** The place of the greatest of one column, `most`: `first`, or a row or two more. */
// @ts-ignore: decorator
@inline
function columnPlace(upper: v128, middle: v128, most: v128, first: v128): v128 {
  const three = i32x4.splat(3);
  const later = select(three, i32x4.splat(6), f32x4.eq(middle, most));
  return i32x4.add(first, v128.andnot(later, f32x4.eq(upper, most)));
}

/**
 * `maxPool` for windows of three columns every second one: the greatest of each
 * column, and its place, serve both windows that share it. Of equal values the
 * leftmost place counts.
 */
function maxPoolThree(
  x: usize,
  height: i32,
  width: i32,
  step: usize,
  scale: usize,
  shift: usize,
  other: usize,
  otherScale: usize,
  otherShift: usize,
  rows: i32,
  stride: i32,
  top: i32,
  left: i32,
  y: usize,
  yFace: i32,
  yRow: i32,
  places: usize,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const row = step * width;
  const lowest = f32x4.splat(-f32.MAX_VALUE);
  const one = i32x4.splat(1), two = i32x4.splat(2);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < yHeight; r++) {
      const r0 = max(0, r * stride - top);
      const r1 = min(height, r * stride - top + rows);
      const line = x + <usize> r0 * row;
      const end = line + row;
      // If there are fewer than three rows, the last is repeated.
      const second = row * min(1, r1 - r0 - 1), third = row * min(2, r1 - r0 - 1);
      const tap = i32x4.splat((r0 - r * stride + top) * 3);
      for (let c: usize = 0; c < step; c += 16) {
        const a = v128.load(scale + c), b = v128.load(shift + c);
        const sign = v128.and(a, i32x4.splat(1 << 31));
        let at = line + c;
        let to = y + <usize> (f * yFace + r * yRow) + c;
        let from = c;
        let before = lowest, beforePlace = lowest;
        let p: v128, q: v128;
        if (!left) {
          p = v128.xor(v128.load(at), sign);
          q = v128.xor(v128.load(at + second), sign);
          before = columnMax(p, q, v128.xor(v128.load(at + third), sign));
          if (places) beforePlace = columnPlace(p, q, before, tap);
          at += step;
        }
        const otherA = other ? v128.load(otherScale + c) : lowest;
        const otherB = other ? v128.load(otherShift + c) : lowest;
        for (let i = 0; i < yWidth; i++) {
          p = v128.xor(v128.load(at), sign);
          q = v128.xor(v128.load(at + second), sign);
          const middle = columnMax(p, q, v128.xor(v128.load(at + third), sign));
          let best = f32x4.pmax(before, middle), place = beforePlace;
          if (places) {
            place = select(
              i32x4.add(columnPlace(p, q, middle, tap), one),
              place,
              f32x4.gt(middle, before),
            );
          }
          at += step;
          if (at < end) {
            p = v128.xor(v128.load(at), sign);
            q = v128.xor(v128.load(at + second), sign);
            before = columnMax(p, q, v128.xor(v128.load(at + third), sign));
            if (places) {
              beforePlace = columnPlace(p, q, before, tap);
              place = select(i32x4.add(beforePlace, two), place, f32x4.gt(before, best));
            }
            best = f32x4.pmax(best, before);
            at += step;
          }
          best = v128.xor(best, sign);
          if (places) putPlaces(places + (from >> 2), place);
          else best = madd(best, a, b);
          if (other) {
            best = f32x4.add(best, madd(v128.load(other + from), otherA, otherB));
          }
          v128.store(to, best);
          from += step;
          to += step;
        }
      }
      other += other ? step * yWidth : 0;
      places += places ? step * yWidth >> 2 : 0;
    }
    x += row * height;
  }
}
