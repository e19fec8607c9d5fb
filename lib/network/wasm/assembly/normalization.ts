// Batch normalization with ReLU, in few passes. Inputs are dense pixels of
// `channels` floats, a multiple of 8; sums over the batch are doubles.

import { addTo, addToDoubles, madd } from "./vector";

/**
 * Adds to doubles[0..channels) the sum of x - pivot, and to the next `channels`
 * the sum of its square. A pivot near the mean keeps the variance exact.
 */
export function moments(
  x: usize,
  pixels: i32,
  channels: i32,
  pivot: usize,
  doubles: usize,
): void {
  const step = <usize> channels << 2;
  const squares = doubles + (<usize> channels << 3);
  for (let c: usize = 0; c < step; c += 32) {
    const p0 = v128.load(pivot + c), p1 = v128.load(pivot + c, 16);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let q0 = s0, q1 = s0, q2 = s0, q3 = s0;
    let at = x + c;
    let i = 0;
    for (; i + 2 <= pixels; i += 2) {
      const a = f32x4.sub(v128.load(at), p0);
      const b = f32x4.sub(v128.load(at, 16), p1);
      at += step;
      s0 = f32x4.add(s0, a);
      q0 = madd(a, a, q0);
      s1 = f32x4.add(s1, b);
      q1 = madd(b, b, q1);
      const e = f32x4.sub(v128.load(at), p0);
      const f = f32x4.sub(v128.load(at, 16), p1);
      at += step;
      s2 = f32x4.add(s2, e);
      q2 = madd(e, e, q2);
      s3 = f32x4.add(s3, f);
      q3 = madd(f, f, q3);
    }
    if (i < pixels) {
      const a = f32x4.sub(v128.load(at), p0);
      const b = f32x4.sub(v128.load(at, 16), p1);
      s0 = f32x4.add(s0, a);
      q0 = madd(a, a, q0);
      s1 = f32x4.add(s1, b);
      q1 = madd(b, b, q1);
    }
    const to = c << 1;
    addToDoubles(doubles + to, f32x4.add(s0, s2));
    addToDoubles(doubles + to + 32, f32x4.add(s1, s3));
    addToDoubles(squares + to, f32x4.add(q0, q2));
    addToDoubles(squares + to + 32, f32x4.add(q1, q3));
  }
}

/**
 * y = max(x * scale + shift + other, least), from dense to strided pixels; `other`,
 * a shortcut, may be 0.
 */
export function normalize(
  x: usize,
  scale: usize,
  shift: usize,
  other: usize,
  least: f32,
  y: usize,
  yFace: i32,
  yRow: i32,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  const bound = f32x4.splat(least);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      const line = y + <usize> (f * yFace + r * yRow);
      for (let c: usize = 0; c < step; c += 32) {
        const a0 = v128.load(scale + c), a1 = v128.load(scale + c, 16);
        const b0 = v128.load(shift + c), b1 = v128.load(shift + c, 16);
        let from = x + c;
        let to = line + c;
        if (other) {
          let beside = other + c;
          for (let i = 0; i < width; i++) {
            const low = madd(v128.load(from), a0, b0);
            const high = madd(v128.load(from, 16), a1, b1);
            v128.store(to, f32x4.pmax(f32x4.add(low, v128.load(beside)), bound));
            v128.store(to, f32x4.pmax(f32x4.add(high, v128.load(beside, 16)), bound), 16);
            from += step;
            beside += step;
            to += step;
          }
          continue;
        }
        for (let i = 0; i < width; i++) {
          const low = madd(v128.load(from), a0, b0);
          const high = madd(v128.load(from, 16), a1, b1);
          v128.store(to, f32x4.pmax(low, bound));
          v128.store(to, f32x4.pmax(high, bound), 16);
          from += step;
          to += step;
        }
      }
      x += step * width;
      if (other) other += step * width;
    }
  }
}

/** dy where x * scale + shift exceeds the bound, 0 elsewhere. */
// @ts-ignore: decorator
@inline
function masked(dy: v128, x: v128, scale: v128, shift: v128, bound: v128): v128 {
  return v128.and(dy, f32x4.gt(madd(x, scale, shift), bound));
}

/**
 * Adds to doubles[0..channels) the sum of g, and to the next `channels` the sum
 * of g * (x - mean), where g is dy at pixels with x * scale + shift > least and 0
 * elsewhere. Both inputs are dense.
 */
export function normalizeSums(
  x: usize,
  dy: usize,
  pixels: i32,
  channels: i32,
  mean: usize,
  scale: usize,
  shift: usize,
  least: f32,
  doubles: usize,
): void {
  const step = <usize> channels << 2;
  const products = doubles + (<usize> channels << 3);
  const bound = f32x4.splat(least);
  for (let c: usize = 0; c < step; c += 32) {
    const a0 = v128.load(scale + c), a1 = v128.load(scale + c, 16);
    const b0 = v128.load(shift + c), b1 = v128.load(shift + c, 16);
    const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
    let s0 = f32x4.splat(0), s1 = s0, q0 = s0, q1 = s0;
    let from = x + c;
    let slope = dy + c;
    for (let i = 0; i < pixels; i++) {
      let value = v128.load(from);
      let g = masked(v128.load(slope), value, a0, b0, bound);
      s0 = f32x4.add(s0, g);
      q0 = madd(g, f32x4.sub(value, m0), q0);
      value = v128.load(from, 16);
      g = masked(v128.load(slope, 16), value, a1, b1, bound);
      s1 = f32x4.add(s1, g);
      q1 = madd(g, f32x4.sub(value, m1), q1);
      from += step;
      slope += step;
    }
    const to = c << 1;
    addToDoubles(doubles + to, s0);
    addToDoubles(doubles + to + 32, s1);
    addToDoubles(products + to, q0);
    addToDoubles(products + to + 32, q1);
  }
}

/**
 * dx = a * g + b * x + c with g as in `normalizeSums`; the five coefficients a,
 * b, c, scale and shift follow each other at `coefficients`, `channels` each.
 * `x` and `dy` are dense, `dx` is strided. `adds`: added to what `dx` holds.
 */
export function normalizeGradient(
  x: usize,
  dy: usize,
  coefficients: usize,
  least: f32,
  dx: usize,
  dxFace: i32,
  dxRow: i32,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
  adds: i32,
): void {
  const step = <usize> channels << 2;
  const bound = f32x4.splat(least);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      const line = dx + <usize> (f * dxFace + r * dxRow);
      for (let c: usize = 0; c < step; c += 16) {
        let k = coefficients + c;
        const ka = v128.load(k);
        k += step;
        const kb = v128.load(k);
        k += step;
        const kc = v128.load(k);
        k += step;
        const scale = v128.load(k);
        k += step;
        const shift = v128.load(k);
        let from = x + c;
        let slope = dy + c;
        let to = line + c;
        if (adds) {
          for (let i = 0; i < width; i++) {
            const value = v128.load(from);
            const g = masked(v128.load(slope), value, scale, shift, bound);
            addTo(to, madd(g, ka, madd(value, kb, kc)));
            from += step;
            slope += step;
            to += step;
          }
          continue;
        }
        for (let i = 0; i < width; i++) {
          const value = v128.load(from);
          const g = masked(v128.load(slope), value, scale, shift, bound);
          v128.store(to, madd(g, ka, madd(value, kb, kc)));
          from += step;
          slope += step;
          to += step;
        }
      }
      x += step * width;
      dy += step * width;
    }
  }
}
