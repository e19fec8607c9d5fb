// Gradients of a depthwise convolution. With stride 1 the input's gradient is
// itself a depthwise convolution, with the filter rotated (depthwise.ts).

import { addTo, madd } from "./vector";

/**
 * out[tap][c] += sum over pixels of x[pixel + tap][c] * dy[pixel][c].
 * Arguments as in `depthwise`.
 */
export function depthwiseFilter(
  x: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  tapCount: i32,
  dy: usize,
  dyFace: i32,
  dyRow: i32,
  dyPixel: i32,
  out: usize,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  // Whole pairs of lines, about 64 pixels.
  const rows = max(2, (64 / width) & ~1);
  const unit = tapCount == 9 && xPixel == load<i32>(taps, 4) &&
    xRow == load<i32>(taps, 12);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r += rows) {
      const count = min(rows, height - r);
      for (let c: usize = 0; c < step; c += 16) {
        const a = x + <usize> (f * xFace + r * xRow) + c;
        const d = dy + <usize> (f * dyFace + r * dyRow) + c;
        if (unit) {
          blocks9(a, xRow, xPixel, taps, d, dyRow, dyPixel, out + c, step, count, width);
          continue;
        }
        if (tapCount == 9) {
          lines9(a, xRow, xPixel, taps, d, dyRow, dyPixel, out + c, step, count, width);
          continue;
        }
        for (let t = 0; t < tapCount; t++) {
          const tap = <usize> load<i32>(taps + (<usize> t << 2));
          let sum = f32x4.splat(0);
          for (let i = 0; i < count; i++) {
            for (let j = 0; j < width; j++) {
              sum = madd(
                v128.load(a + tap + <usize> (i * xRow + j * xPixel)),
                v128.load(d + <usize> (i * dyRow + j * dyPixel)),
                sum,
              );
            }
          }
          addTo(out + c + <usize> t * step, sum);
        }
      }
    }
  }
}

/** Adds nine sums to the gradients of nine taps. */
// @ts-ignore: decorator
@inline
function addNine(
  out: usize,
  step: usize,
  s0: v128,
  s1: v128,
  s2: v128,
  s3: v128,
  s4: v128,
  s5: v128,
  s6: v128,
  s7: v128,
  s8: v128,
): void {
  addTo(out, s0);
  out += step;
  addTo(out, s1);
  out += step;
  addTo(out, s2);
  out += step;
  addTo(out, s3);
  out += step;
  addTo(out, s4);
  out += step;
  addTo(out, s5);
  out += step;
  addTo(out, s6);
  out += step;
  addTo(out, s7);
  out += step;
  addTo(out, s8);
}

/** A few lines, four channels, nine taps. */
function lines9(
  x: usize,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  dy: usize,
  dyRow: i32,
  dyPixel: i32,
  out: usize,
  step: usize,
  height: i32,
  width: i32,
): void {
  const nothing = f32x4.splat(0);
  let s0 = nothing, s1 = nothing, s2 = nothing, s3 = nothing, s4 = nothing;
  let s5 = nothing, s6 = nothing, s7 = nothing, s8 = nothing;
  const column = <usize> load<i32>(taps, 4);
  const line = <usize> load<i32>(taps, 12);
  const column2 = 2 * column;
  for (let i = 0; i < height; i++) {
    let a = x + <usize> (i * xRow);
    let b = a + line;
    let c = b + line;
    let d = dy + <usize> (i * dyRow);
    for (let j = 0; j < width; j++) {
      const value = v128.load(d);
      s0 = madd(v128.load(a), value, s0);
      s1 = madd(v128.load(a + column), value, s1);
      s2 = madd(v128.load(a + column2), value, s2);
      s3 = madd(v128.load(b), value, s3);
      s4 = madd(v128.load(b + column), value, s4);
      s5 = madd(v128.load(b + column2), value, s5);
      s6 = madd(v128.load(c), value, s6);
      s7 = madd(v128.load(c + column), value, s7);
      s8 = madd(v128.load(c + column2), value, s8);
      a += xPixel;
      b += xPixel;
      c += xPixel;
      d += dyPixel;
    }
  }
  addNine(out, step, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

/**
 * Lines in pairs, two pixels at a time, four channels, nine taps side by side,
 * stride 1: each input is read once for the four gradients that share it. The rest
 * at the right and at the bottom is left to `lines9`.
 */
function blocks9(
  x: usize,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  dy: usize,
  dyRow: i32,
  dyPixel: i32,
  out: usize,
  step: usize,
  height: i32,
  width: i32,
): void {
  const right = width & ~1, bottom = height & ~1;
  if (right < width) {
    lines9(x + <usize> (right * xPixel), xRow, xPixel, taps, dy + <usize> (right * dyPixel), dyRow, dyPixel, out, step, bottom, 1);
  }
  if (bottom < height) {
    lines9(x + <usize> (bottom * xRow), xRow, xPixel, taps, dy + <usize> (bottom * dyRow), dyRow, dyPixel, out, step, 1, width);
  }
  const nothing = f32x4.splat(0);
  let s0 = nothing, s1 = nothing, s2 = nothing, s3 = nothing, s4 = nothing;
  let s5 = nothing, s6 = nothing, s7 = nothing, s8 = nothing;
  const x2 = 2 * xPixel, x3 = 3 * xPixel;
  for (let i = 0; i < bottom; i += 2) {
    let a = x + <usize> (i * xRow);
    let b = a + xRow;
    let c = b + xRow;
    let f = c + xRow;
    let d = dy + <usize> (i * dyRow);
    let e = d + dyRow;
    for (let j = 0; j < right; j += 2) {
      const d0 = v128.load(d), d1 = v128.load(d + dyPixel);
      const e0 = v128.load(e), e1 = v128.load(e + dyPixel);
      let value = v128.load(a);
      s0 = madd(value, d0, s0);
      value = v128.load(a + xPixel);
      s1 = madd(value, d0, s1);
      s0 = madd(value, d1, s0);
      value = v128.load(a + x2);
      s2 = madd(value, d0, s2);
      s1 = madd(value, d1, s1);
      value = v128.load(a + x3);
      s2 = madd(value, d1, s2);
      value = v128.load(b);
      s3 = madd(value, d0, s3);
      s0 = madd(value, e0, s0);
      value = v128.load(b + xPixel);
      s4 = madd(value, d0, s4);
      s3 = madd(value, d1, s3);
      s1 = madd(value, e0, s1);
      s0 = madd(value, e1, s0);
      value = v128.load(b + x2);
      s5 = madd(value, d0, s5);
      s4 = madd(value, d1, s4);
      s2 = madd(value, e0, s2);
      s1 = madd(value, e1, s1);
      value = v128.load(b + x3);
      s5 = madd(value, d1, s5);
      s2 = madd(value, e1, s2);
      value = v128.load(c);
      s6 = madd(value, d0, s6);
      s3 = madd(value, e0, s3);
      value = v128.load(c + xPixel);
      s7 = madd(value, d0, s7);
      s6 = madd(value, d1, s6);
      s4 = madd(value, e0, s4);
      s3 = madd(value, e1, s3);
      value = v128.load(c + x2);
      s8 = madd(value, d0, s8);
      s7 = madd(value, d1, s7);
      s5 = madd(value, e0, s5);
      s4 = madd(value, e1, s4);
      value = v128.load(c + x3);
      s8 = madd(value, d1, s8);
      s5 = madd(value, e1, s5);
      value = v128.load(f);
      s6 = madd(value, e0, s6);
      value = v128.load(f + xPixel);
      s7 = madd(value, e0, s7);
      s6 = madd(value, e1, s6);
      value = v128.load(f + x2);
      s8 = madd(value, e0, s8);
      s7 = madd(value, e1, s7);
      value = v128.load(f + x3);
      s8 = madd(value, e1, s8);
      a += x2;
      b += x2;
      c += x2;
      f += x2;
      d += 2 * dyPixel;
      e += 2 * dyPixel;
    }
  }
  addNine(out, step, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

/**
 * dx[pixel + tap][c] += dy[pixel][c] * w[tap][c]: the input's gradient where the
 * stride is not 1. `dx` includes the border and is zeroed by the caller.
 */
export function depthwiseInput(
  dx: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  tapCount: i32,
  w: usize,
  dy: usize,
  dyFace: i32,
  dyRow: i32,
  dyPixel: i32,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      for (let i = 0; i < width; i++) {
        const a = dx + <usize> (f * xFace + r * xRow + i * xPixel);
        const d = dy + <usize> (f * dyFace + r * dyRow + i * dyPixel);
        for (let t = 0; t < tapCount; t++) {
          const to = a + <usize> load<i32>(taps + (<usize> t << 2));
          const weight = w + <usize> t * step;
          for (let c: usize = 0; c < step; c += 16) {
            v128.store(
              to + c,
              madd(v128.load(d + c), v128.load(weight + c), v128.load(to + c)),
            );
          }
        }
      }
    }
  }
}
