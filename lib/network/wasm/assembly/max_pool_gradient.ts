// The gradient of max pooling, from the places of the maxima that max_pool.ts remembered. Fused:
// the gradient of the normalization before it.

import { madd } from "./vector";

/** Four places, bytes, as integers. */
// @ts-ignore: decorator
@inline
function placesAt(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(
    i16x8.extend_low_i8x16_u(v128.load32_zero(at)),
  );
}

/** dy where the maximum was at `tap`. */
// @ts-ignore: decorator
@inline
function taken(dy: v128, place: v128, tap: v128): v128 {
  return v128.and(dy, i32x4.eq(place, tap));
}

/**
 * dx = a * g + b * x + c, where g is the sum of dy over the windows whose maximum
 * was at this pixel; a, b and c follow each other at `coefficients`. With 0 for
 * `coefficients`, dx = g. All are dense.
 */
export function maxPoolGradient(
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  coefficients: usize,
  rows: i32,
  columns: i32,
  stride: i32,
  strideX: i32,
  top: i32,
  left: i32,
  dy: usize,
  places: usize,
  dx: usize,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const step = <usize> channels << 2;
  const yFace = step * yHeight * yWidth;
  const three = rows == 3 && columns == 3 && stride == 2 && strideX == 2 &&
    top <= 1 && left <= 1;
  for (let f = 0; f < faces; f++) {
    if (three) {
      gradientThree(x, height, width, step, coefficients, top, left, dy, places, dx, yHeight, yWidth);
      x += step * height * width;
      dx += step * height * width;
      dy += yFace;
      places += yFace >> 2;
      continue;
    }
    for (let r = 0; r < height; r++) {
      const r0 = max(0, (r + top - rows + stride) / stride);
      const r1 = min(yHeight - 1, (r + top) / stride);
      let c0 = 0, next = 0;
      for (let i = 0; i < width; i++) {
        // The windows that hold this column: from c0 to before next.
        while (c0 * strideX + columns <= i + left) c0++;
        while (next * strideX <= i + left) next++;
        const c1 = min(yWidth, next) - 1;
        const tap = (r + top - r0 * stride) * columns + i + left - c0 * strideX;
        for (let c: usize = 0; c < step; c += 16) {
          let g = f32x4.splat(0);
          for (let wr = r0; wr <= r1; wr++) {
            for (let wc = c0; wc <= c1; wc++) {
              const place = tap - (wr - r0) * stride * columns -
                (wc - c0) * strideX;
              const at = <usize> (wr * yWidth + wc) * step + c;
              g = f32x4.add(
                g,
                taken(v128.load(dy + at), placesAt(places + (at >> 2)), i32x4.splat(place)),
              );
            }
          }
          if (coefficients) {
            const k = coefficients + c;
            g = madd(g, v128.load(k), madd(v128.load(x + c), v128.load(k + step), v128.load(k + 2 * step)));
          }
          v128.store(dx + c, g);
        }
        x += step;
        dx += step;
      }
    }
    dy += yFace;
    places += yFace >> 2;
  }
}

/** dx = a * g + b * x + c, or g without x. */
// @ts-ignore: decorator
@inline
function put(dx: usize, g: v128, x: usize, a: v128, b: v128, c: v128): void {
  v128.store(dx, x ? madd(g, a, madd(v128.load(x), b, c)) : g);
}

/**
 * `maxPoolGradient` of one face for windows of three by three every second pixel:
 * a block of two by two pixels takes from four windows, two of which the block
 * before has read.
 */
function gradientThree(
  x: usize,
  height: i32,
  width: i32,
  step: usize,
  coefficients: usize,
  top: i32,
  left: i32,
  dy: usize,
  places: usize,
  dx: usize,
  yHeight: i32,
  yWidth: i32,
): void {
  const nothing = f32x4.splat(0);
  const row = step * width;
  if (!coefficients) x = 0;
  for (let r = -top; r < height; r += 2) {
    // The window that starts in this line, and the one that ends in it. If there is
    // none, its taps are -1, which equals no place.
    const window = (r + top) >> 1;
    const starts = window < yHeight, ends = window > 0;
    const t0 = i32x4.splat(starts ? 0 : -1), t1 = i32x4.splat(starts ? 1 : -1);
    const t2 = i32x4.splat(starts ? 2 : -1), t3 = i32x4.splat(starts ? 3 : -1);
    const t4 = i32x4.splat(starts ? 4 : -1), t5 = i32x4.splat(starts ? 5 : -1);
    const t6 = i32x4.splat(ends ? 6 : -1), t7 = i32x4.splat(ends ? 7 : -1);
    const t8 = i32x4.splat(ends ? 8 : -1);
    const under = <usize> min(window, yHeight - 1) * yWidth * step;
    const over = <usize> max(window - 1, 0) * yWidth * step;
    const upper = r >= 0, lower = r + 1 < height;
    for (let c: usize = 0; c < step; c += 16) {
      const k0 = coefficients ? v128.load(coefficients + c) : nothing;
      const k1 = coefficients ? v128.load(coefficients + step + c) : nothing;
      const k2 = coefficients ? v128.load(coefficients + 2 * step + c) : nothing;
      let at = <usize> (r * width - left) * step + c;
      let low = nothing, lowPlace = nothing, high = nothing, highPlace = nothing;
      let from = c;
      for (let i = -left; i < width; i += 2) {
        let low1 = nothing, lowPlace1 = nothing, high1 = nothing, highPlace1 = nothing;
        if (from < step * yWidth) {
          low1 = v128.load(dy + under + from);
          lowPlace1 = placesAt(places + ((under + from) >> 2));
          high1 = v128.load(dy + over + from);
          highPlace1 = placesAt(places + ((over + from) >> 2));
        }
        if (i >= 0) {
          if (upper) {
            const g = f32x4.add(
              f32x4.add(taken(low, lowPlace, t2), taken(low1, lowPlace1, t0)),
              f32x4.add(taken(high, highPlace, t8), taken(high1, highPlace1, t6)),
            );
            put(dx + at, g, x ? x + at : 0, k0, k1, k2);
          }
          if (lower) {
            const g = f32x4.add(taken(low, lowPlace, t5), taken(low1, lowPlace1, t3));
            put(dx + at + row, g, x ? x + at + row : 0, k0, k1, k2);
          }
        }
        at += step;
        if (i + 1 < width) {
          if (upper) {
            const g = f32x4.add(taken(low1, lowPlace1, t1), taken(high1, highPlace1, t7));
            put(dx + at, g, x ? x + at : 0, k0, k1, k2);
          }
          if (lower) put(dx + at + row, taken(low1, lowPlace1, t4), x ? x + at + row : 0, k0, k1, k2);
        }
        at += step;
        from += step;
        low = low1;
        lowPlace = lowPlace1;
        high = high1;
        highPlace = highPlace1;
      }
    }
  }
}
