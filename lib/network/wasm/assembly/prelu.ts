// PReLU: x where it is above 0, alpha * x below, with a separate alpha for each
// float of a row; a row is a pixel or a whole face. Dense rows of `length` floats,
// a multiple of 8.

import { madd } from "./vector";

/** y = x > 0 ? x : alpha * x; with `dy`, dx = dy or alpha * dy into `y`. */
export function prelu(
  x: usize,
  dy: usize,
  alpha: usize,
  y: usize,
  rows: i32,
  length: i32,
): void {
  const step = <usize> length << 2;
  const zero = f32x4.splat(0);
  const from = dy ? dy : x;
  for (let r: usize = 0; r < <usize> rows * step; r += step) {
    for (let c: usize = 0; c < step; c += 16) {
      const at = r + c;
      const value = v128.load(from + at);
      const below = f32x4.mul(value, v128.load(alpha + c));
      const above = f32x4.gt(v128.load(x + at), zero);
      v128.store(y + at, v128.bitselect(value, below, above));
    }
  }
}

/** Adds to dalpha the sum over rows of dy * x where x is not above 0. */
export function preluSlopes(
  x: usize,
  dy: usize,
  dalpha: usize,
  rows: i32,
  length: i32,
): void {
  const step = <usize> length << 2;
  const zero = f32x4.splat(0);
  for (let c: usize = 0; c < step; c += 16) {
    let sum = zero;
    for (let r: usize = c; r < <usize> rows * step; r += step) {
      const below = f32x4.pmin(v128.load(x + r), zero);
      sum = madd(below, v128.load(dy + r), sum);
    }
    v128.store(dalpha + c, f32x4.add(v128.load(dalpha + c), sum));
  }
}
