// Max pooling of a normalized input, which remembers where each maximum was,
// and its gradient. Fused: the input's scale and shift (batch normalization),
// and the sum with a second, also scaled and shifted input (a shortcut).

import { madd } from "./vector";

/**
 * y = max over the window of (x * scale + shift) + (other * otherScale + otherShift).
 *
 * x and other are dense, y is strided. For the gradient, `places` gets the place
 * of the maximum within its window as a byte, `values` x itself there; both are
 * dense and may be 0, as may `other`. Windows stay inside the input.
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
  values: usize,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const step = <usize> channels << 2;
  const row = step * width;
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
        for (let c: usize = 0; c < step; c += 16) {
          const a = v128.load(scale + c);
          const b = v128.load(shift + c);
          let best = f32x4.splat(-f32.MAX_VALUE);
          let place = i32x4.splat(first);
          let value = v128.load(from + c);
          let start = from + c;
          let firstTap = first;
          for (let wr = r0; wr < r1; wr++) {
            let at = start;
            let tap = firstTap;
            for (let wc = c0; wc < c1; wc++) {
              const raw = v128.load(at);
              const next = madd(raw, a, b);
              const more = f32x4.gt(next, best);
              best = f32x4.pmax(best, next);
              place = v128.bitselect(i32x4.splat(tap), place, more);
              value = v128.bitselect(raw, value, more);
              at += step;
              tap++;
            }
            start += row;
            firstTap += columns;
          }
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
          if (places) {
            const short = i16x8.narrow_i32x4_u(place, place);
            v128.store32_lane(
              places + ((done + c) >> 2),
              i8x16.narrow_i16x8_u(short, short),
              0,
            );
            v128.store(values + done + c, value);
          }
        }
        done += step;
      }
    }
    x += row * height;
  }
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
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      const r0 = max(0, (r + top - rows + stride) / stride);
      const r1 = min(yHeight - 1, (r + top) / stride);
      for (let i = 0; i < width; i++) {
        const c0 = max(0, (i + left - columns + strideX) / strideX);
        const c1 = min(yWidth - 1, (i + left) / strideX);
        for (let c: usize = 0; c < step; c += 16) {
          let g = f32x4.splat(0);
          for (let wr = r0; wr <= r1; wr++) {
            const tapRow = (r + top - wr * stride) * columns;
            for (let wc = c0; wc <= c1; wc++) {
              const tap = tapRow + i + left - wc * strideX;
              const at = <usize> (wr * yWidth + wc) * step + c;
              const place = i32x4.extend_low_i16x8_u(
                i16x8.extend_low_i8x16_u(
                  v128.load32_zero(places + (at >> 2)),
                ),
              );
              g = f32x4.add(
                g,
                v128.and(
                  v128.load(dy + at),
                  i32x4.eq(place, i32x4.splat(tap)),
                ),
              );
            }
          }
          if (coefficients) {
            const k = coefficients + c;
            g = madd(
              g,
              v128.load(k),
              madd(v128.load(x + c), v128.load(k + step), v128.load(k + 2 * step)),
            );
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
