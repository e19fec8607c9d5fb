// Gradients of a depthwise convolution. With stride 1 the input's gradient is
// itself a depthwise convolution, with the filter turned round (depthwise.ts).

import { madd } from "./vector";

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
  const rows = max(1, 32 / width);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r += rows) {
      const count = min(rows, height - r);
      for (let c: usize = 0; c < step; c += 16) {
        const a = x + <usize> (f * xFace + r * xRow) + c;
        const d = dy + <usize> (f * dyFace + r * dyRow) + c;
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
          const at = out + c + <usize> t * step;
          v128.store(at, f32x4.add(v128.load(at), sum));
        }
      }
    }
  }
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
  v128.store(out, f32x4.add(v128.load(out), s0));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s1));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s2));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s3));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s4));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s5));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s6));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s7));
  out += step;
  v128.store(out, f32x4.add(v128.load(out), s8));
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
