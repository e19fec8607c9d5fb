// Depthwise convolution: each channel with its own small filter, four channels
// at a time. The three-by-three case keeps its nine weights in registers.

import { madd } from "./vector";

/**
 * y[pixel][c] = activation(bias[c] + sum over taps of x[pixel + tap][c] * w[tap][c]).
 *
 * `xRow` and `xPixel` lead from one output pixel's first input to the next's,
 * `taps` holds byte offsets from there; the input brings its own zero border.
 * `channels` is a multiple of 4. `mode` as in `conv`.
 */
export function depthwise(
  x: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  tapCount: i32,
  w: usize,
  bias: usize,
  y: usize,
  yFace: i32,
  yRow: i32,
  yPixel: i32,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
  mode: i32,
): void {
  const step = <usize> channels << 2;
  const least = f32x4.splat(mode == 1 ? 0 : -f32.MAX_VALUE);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      const xLine = x + <usize> (f * xFace + r * xRow);
      const yLine = y + <usize> (f * yFace + r * yRow);
      if (tapCount == 9) {
        // At stride 1, two lines share the input between them.
        const pair = r + 1 < height && xRow == load<i32>(taps, 12) &&
          xPixel == load<i32>(taps, 4);
        for (let c: usize = 0; c < step; c += 16) {
          const start = bias ? v128.load(bias + c) : f32x4.splat(0);
          if (pair) {
            blocks(xLine + c, xRow, xPixel, w + c, step, start, yLine + c, yRow, yPixel, width, mode);
          } else {
            line(xLine + c, xPixel, taps, w + c, step, start, yLine + c, yPixel, width, mode);
          }
        }
        if (pair) r++;
        continue;
      }
      for (let c: usize = 0; c < step; c += 16) {
        const start = bias ? v128.load(bias + c) : f32x4.splat(0);
        let a = xLine + c;
        let to = yLine + c;
        for (let i = 0; i < width; i++) {
          let sum = mode == 2 ? v128.load(to) : start;
          let weight = w + c;
          for (let t = 0; t < tapCount; t++) {
            const tap = <usize> load<i32>(taps + (<usize> t << 2));
            sum = madd(v128.load(a + tap), v128.load(weight), sum);
            weight += step;
          }
          v128.store(to, f32x4.pmax(sum, least));
          a += xPixel;
          to += yPixel;
        }
      }
    }
  }
}

/** One line of output, four channels, nine taps. */
function line(
  a: usize,
  xPixel: i32,
  taps: usize,
  w: usize,
  step: usize,
  start: v128,
  to: usize,
  yPixel: i32,
  width: i32,
  mode: i32,
): void {
  const w0 = v128.load(w), w1 = v128.load(w + step);
  const w2 = v128.load(w + 2 * step), w3 = v128.load(w + 3 * step);
  const w4 = v128.load(w + 4 * step), w5 = v128.load(w + 5 * step);
  const w6 = v128.load(w + 6 * step), w7 = v128.load(w + 7 * step);
  const w8 = v128.load(w + 8 * step);
  // Three lines of three taps, a fixed distance apart.
  const column = <usize> load<i32>(taps, 4);
  const row = <usize> load<i32>(taps, 12);
  let b = a + row;
  let c = b + row;
  const least = f32x4.splat(mode == 1 ? 0 : -f32.MAX_VALUE);
  const adds = mode == 2;
  const column2 = 2 * column;
  for (let i = 0; i < width; i++) {
    let sum = start;
    if (adds) sum = v128.load(to);
    let other = f32x4.mul(v128.load(a), w0);
    sum = madd(v128.load(a + column), w1, sum);
    other = madd(v128.load(a + column2), w2, other);
    sum = madd(v128.load(b), w3, sum);
    other = madd(v128.load(b + column), w4, other);
    sum = madd(v128.load(b + column2), w5, sum);
    other = madd(v128.load(c), w6, other);
    sum = madd(v128.load(c + column), w7, sum);
    other = madd(v128.load(c + column2), w8, other);
    v128.store(to, f32x4.pmax(f32x4.add(sum, other), least));
    a += xPixel;
    b += xPixel;
    c += xPixel;
    to += yPixel;
  }
}

/**
 * Two lines of output, two pixels at a time, four channels, nine taps side by side,
 * stride 1. Each input is read once for the four outputs that share it. Sums run in
 * the order of the taps.
 */
function blocks(
  a: usize,
  xRow: i32,
  xPixel: i32,
  w: usize,
  step: usize,
  start: v128,
  to: usize,
  yRow: i32,
  yPixel: i32,
  width: i32,
  mode: i32,
): void {
  const w0 = v128.load(w), w1 = v128.load(w + step);
  const w2 = v128.load(w + 2 * step), w3 = v128.load(w + 3 * step);
  const w4 = v128.load(w + 4 * step), w5 = v128.load(w + 5 * step);
  const w6 = v128.load(w + 6 * step), w7 = v128.load(w + 7 * step);
  const w8 = v128.load(w + 8 * step);
  const third = 2 * xRow;
  let under = to + yRow;
  let i = 0;
  for (; i + 2 <= width; i += 2) {
    let s = start, t = start, u = start, v = start;
    if (mode == 2) {
      s = v128.load(to);
      t = v128.load(to + yPixel);
      u = v128.load(under);
      v = v128.load(under + yPixel);
    }
    let b = a + xRow;
    let c = a + third;
    let d = b + third;
    let x = v128.load(a);
    s = madd(x, w0, s);
    a += xPixel;
    x = v128.load(a);
    s = madd(x, w1, s);
    t = madd(x, w0, t);
    a += xPixel;
    x = v128.load(a);
    s = madd(x, w2, s);
    t = madd(x, w1, t);
    t = madd(v128.load(a + xPixel), w2, t);
    x = v128.load(b);
    s = madd(x, w3, s);
    u = madd(x, w0, u);
    b += xPixel;
    x = v128.load(b);
    s = madd(x, w4, s);
    t = madd(x, w3, t);
    u = madd(x, w1, u);
    v = madd(x, w0, v);
    b += xPixel;
    x = v128.load(b);
    s = madd(x, w5, s);
    t = madd(x, w4, t);
    u = madd(x, w2, u);
    v = madd(x, w1, v);
    x = v128.load(b + xPixel);
    t = madd(x, w5, t);
    v = madd(x, w2, v);
    x = v128.load(c);
    s = madd(x, w6, s);
    u = madd(x, w3, u);
    c += xPixel;
    x = v128.load(c);
    s = madd(x, w7, s);
    t = madd(x, w6, t);
    u = madd(x, w4, u);
    v = madd(x, w3, v);
    c += xPixel;
    x = v128.load(c);
    s = madd(x, w8, s);
    t = madd(x, w7, t);
    u = madd(x, w5, u);
    v = madd(x, w4, v);
    x = v128.load(c + xPixel);
    t = madd(x, w8, t);
    v = madd(x, w5, v);
    u = madd(v128.load(d), w6, u);
    d += xPixel;
    x = v128.load(d);
    u = madd(x, w7, u);
    v = madd(x, w6, v);
    d += xPixel;
    x = v128.load(d);
    u = madd(x, w8, u);
    v = madd(x, w7, v);
    v = madd(v128.load(d + xPixel), w8, v);
    if (mode == 1) {
      const nothing = f32x4.splat(0);
      s = f32x4.pmax(s, nothing);
      t = f32x4.pmax(t, nothing);
      u = f32x4.pmax(u, nothing);
      v = f32x4.pmax(v, nothing);
    }
    v128.store(to, s);
    v128.store(to + yPixel, t);
    v128.store(under, u);
    v128.store(under + yPixel, v);
    to += 2 * yPixel;
    under += 2 * yPixel;
  }
  if (i == width) return;
  let s = start, u = start;
  if (mode == 2) {
    s = v128.load(to);
    u = v128.load(under);
  }
  s = madd(v128.load(a), w0, s);
  s = madd(v128.load(a + xPixel), w1, s);
  s = madd(v128.load(a + 2 * xPixel), w2, s);
  a += xRow;
  let x = v128.load(a);
  s = madd(x, w3, s);
  u = madd(x, w0, u);
  x = v128.load(a + xPixel);
  s = madd(x, w4, s);
  u = madd(x, w1, u);
  x = v128.load(a + 2 * xPixel);
  s = madd(x, w5, s);
  u = madd(x, w2, u);
  a += xRow;
  x = v128.load(a);
  s = madd(x, w6, s);
  u = madd(x, w3, u);
  x = v128.load(a + xPixel);
  s = madd(x, w7, s);
  u = madd(x, w4, u);
  x = v128.load(a + 2 * xPixel);
  s = madd(x, w8, s);
  u = madd(x, w5, u);
  a += xRow;
  u = madd(v128.load(a), w6, u);
  u = madd(v128.load(a + xPixel), w7, u);
  u = madd(v128.load(a + 2 * xPixel), w8, u);
  const least = f32x4.splat(mode == 1 ? 0 : -f32.MAX_VALUE);
  v128.store(to, f32x4.pmax(s, least));
  v128.store(under, f32x4.pmax(u, least));
}
