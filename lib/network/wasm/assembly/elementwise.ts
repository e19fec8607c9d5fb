// Element by element: products, activations, dropout. Dense inputs, counts
// in floats, multiples of 4.

import { madd } from "./vector";

const SIGMOID = 1;
const SWISH = 2;
const ELU = 3;
const TANH = 4;

/** e to the power of each lane, within 2 units in the last place. */
function exp(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87)), f32x4.splat(88));
  // x = n * ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts (Cephes, expf).
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.4426950408889634)));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const power = i32x4.shl(
    i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)),
    23,
  );
  return f32x4.mul(p, power);
}

// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp(f32x4.neg(x))));
}

// @ts-ignore: decorator
@inline
function tanh(x: v128): v128 {
  const twice = sigmoid(f32x4.add(x, x));
  return f32x4.sub(f32x4.add(twice, twice), f32x4.splat(1));
}

/** y = activation(x); `alpha` is the slope of LeakyReLU below 0. */
export function activate(
  kind: i32,
  x: usize,
  y: usize,
  count: i32,
  alpha: f32,
): void {
  const bytes = <usize> count << 2;
  const zero = f32x4.splat(0), one = f32x4.splat(1);
  for (let i: usize = 0; i < bytes; i += 16) {
    let value = v128.load(x + i);
    if (kind == SIGMOID) value = sigmoid(value);
    else if (kind == SWISH) value = f32x4.mul(value, sigmoid(value));
    else if (kind == TANH) value = tanh(value);
    else if (kind != 0) {
      const below = kind == ELU
        ? f32x4.sub(exp(value), one)
        : f32x4.mul(value, f32x4.splat(alpha));
      value = v128.bitselect(value, below, f32x4.gt(value, zero));
    }
    v128.store(y + i, value);
  }
}

/** dx = dy * the activation's derivative at x. */
export function activateGradient(
  kind: i32,
  x: usize,
  dy: usize,
  dx: usize,
  count: i32,
  alpha: f32,
): void {
  const bytes = <usize> count << 2;
  const zero = f32x4.splat(0), one = f32x4.splat(1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const value = v128.load(x + i);
    let slope = v128.load(dy + i);
    if (kind == SIGMOID) {
      const s = sigmoid(value);
      slope = f32x4.mul(slope, f32x4.mul(s, f32x4.sub(one, s)));
    } else if (kind == SWISH) {
      const s = sigmoid(value);
      const inner = madd(value, f32x4.sub(one, s), one);
      slope = f32x4.mul(slope, f32x4.mul(s, inner));
    } else if (kind == TANH) {
      const t = tanh(value);
      slope = f32x4.mul(slope, f32x4.sub(one, f32x4.mul(t, t)));
    } else if (kind != 0) {
      const below = kind == ELU ? exp(value) : f32x4.splat(alpha);
      const factor = v128.bitselect(one, below, f32x4.gt(value, zero));
      slope = f32x4.mul(slope, factor);
    }
    v128.store(dx + i, slope);
  }
}

/** y = a * b. */
export function multiply(a: usize, b: usize, y: usize, count: i32): void {
  const bytes = <usize> count << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(y + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  }
}

/** y[face][pixel][c] = x[face][pixel][c] * s[face][c]. */
export function multiplyChannels(
  x: usize,
  s: usize,
  y: usize,
  faces: i32,
  pixels: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  for (let f = 0; f < faces; f++) {
    for (let p = 0; p < pixels; p++) {
      for (let c: usize = 0; c < step; c += 16) {
        v128.store(y + c, f32x4.mul(v128.load(x + c), v128.load(s + c)));
      }
      x += step;
      y += step;
    }
    s += step;
  }
}

/** ds[face][c] = sum over pixels of dy * x. */
export function multiplyChannelsGradient(
  x: usize,
  dy: usize,
  ds: usize,
  faces: i32,
  pixels: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  for (let f = 0; f < faces; f++) {
    for (let c: usize = 0; c < step; c += 16) {
      let sum = f32x4.splat(0);
      let at = c;
      for (let p = 0; p < pixels; p++) {
        sum = madd(v128.load(x + at), v128.load(dy + at), sum);
        at += step;
      }
      v128.store(ds + c, sum);
    }
    x += step * pixels;
    dy += step * pixels;
    ds += step;
  }
}

/** Mixes the bits of a counter (the finalizer of MurmurHash3). */
// @ts-ignore: decorator
@inline
function mix(h: u32): u32 {
  h ^= h >> 16;
  h *= 0x85ebca6b;
  h ^= h >> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >> 16);
}

/**
 * Dropout: y = x / (1 - rate) or 0, drawn from `seed` and the place of the float,
 * `first` on; the same call with dy gives dx.
 */
export function drop(
  x: usize,
  y: usize,
  count: i32,
  first: i32,
  seed: i32,
  rate: f32,
): void {
  const limit = <u32> (<f64> rate * 4294967295.0);
  const scale = <f32> 1 / (<f32> 1 - rate);
  for (let i = 0; i < count; i++) {
    const at = <usize> i << 2;
    const keeps = mix(mix(<u32> (first + i)) ^ <u32> seed) >= limit;
    store<f32>(y + at, keeps ? load<f32>(x + at) * scale : <f32> 0);
  }
}
