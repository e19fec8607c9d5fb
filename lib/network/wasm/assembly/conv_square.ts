// The first convolution of gray faces: three by three, one input channel. The tile
// is that of `conv`, six pixels by eight output channels, and sums run in the same
// order, but nine taps are too few for its loops. No vector beside the tile's is held:
// one more would not fit the registers.

import { madd } from "./vector";

/** Six pixels by eight outputs: three rows of three inputs, `row` bytes apart. */
// @ts-ignore: decorator
@inline
function squareTile(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  a4: usize,
  a5: usize,
  row: usize,
  weight: usize,
  l: v128,
  h: v128,
  relu: i32,
  y0: usize,
  y1: usize,
  y2: usize,
  y3: usize,
  y4: usize,
  y5: usize,
): void {
  let l0 = l, l1 = l, l2 = l, l3 = l, l4 = l, l5 = l;
  let h0 = h, h1 = h, h2 = h, h3 = h, h4 = h, h5 = h;
  let low: v128, high: v128, a: v128;
  const end = a0 + 3 * row;
  do {
    low = v128.load(weight);
    high = v128.load(weight, 16);
    a = v128.load_splat<f32>(a0);
    l0 = madd(a, low, l0);
    h0 = madd(a, high, h0);
    a = v128.load_splat<f32>(a1);
    l1 = madd(a, low, l1);
    h1 = madd(a, high, h1);
    a = v128.load_splat<f32>(a2);
    l2 = madd(a, low, l2);
    h2 = madd(a, high, h2);
    a = v128.load_splat<f32>(a3);
    l3 = madd(a, low, l3);
    h3 = madd(a, high, h3);
    a = v128.load_splat<f32>(a4);
    l4 = madd(a, low, l4);
    h4 = madd(a, high, h4);
    a = v128.load_splat<f32>(a5);
    l5 = madd(a, low, l5);
    h5 = madd(a, high, h5);
    low = v128.load(weight, 32);
    high = v128.load(weight, 48);
    a = v128.load_splat<f32>(a0, 4);
    l0 = madd(a, low, l0);
    h0 = madd(a, high, h0);
    a = v128.load_splat<f32>(a1, 4);
    l1 = madd(a, low, l1);
    h1 = madd(a, high, h1);
    a = v128.load_splat<f32>(a2, 4);
    l2 = madd(a, low, l2);
    h2 = madd(a, high, h2);
    a = v128.load_splat<f32>(a3, 4);
    l3 = madd(a, low, l3);
    h3 = madd(a, high, h3);
    a = v128.load_splat<f32>(a4, 4);
    l4 = madd(a, low, l4);
    h4 = madd(a, high, h4);
    a = v128.load_splat<f32>(a5, 4);
    l5 = madd(a, low, l5);
    h5 = madd(a, high, h5);
    low = v128.load(weight, 64);
    high = v128.load(weight, 80);
    a = v128.load_splat<f32>(a0, 8);
    l0 = madd(a, low, l0);
    h0 = madd(a, high, h0);
    a = v128.load_splat<f32>(a1, 8);
    l1 = madd(a, low, l1);
    h1 = madd(a, high, h1);
    a = v128.load_splat<f32>(a2, 8);
    l2 = madd(a, low, l2);
    h2 = madd(a, high, h2);
    a = v128.load_splat<f32>(a3, 8);
    l3 = madd(a, low, l3);
    h3 = madd(a, high, h3);
    a = v128.load_splat<f32>(a4, 8);
    l4 = madd(a, low, l4);
    h4 = madd(a, high, h4);
    a = v128.load_splat<f32>(a5, 8);
    l5 = madd(a, low, l5);
    h5 = madd(a, high, h5);
    a0 += row;
    a1 += row;
    a2 += row;
    a3 += row;
    a4 += row;
    a5 += row;
    weight += 96;
  } while (a0 < end);
  if (relu) {
    const nothing = f32x4.splat(0);
    l0 = f32x4.pmax(l0, nothing);
    h0 = f32x4.pmax(h0, nothing);
    l1 = f32x4.pmax(l1, nothing);
    h1 = f32x4.pmax(h1, nothing);
    l2 = f32x4.pmax(l2, nothing);
    h2 = f32x4.pmax(h2, nothing);
    l3 = f32x4.pmax(l3, nothing);
    h3 = f32x4.pmax(h3, nothing);
    l4 = f32x4.pmax(l4, nothing);
    h4 = f32x4.pmax(h4, nothing);
    l5 = f32x4.pmax(l5, nothing);
    h5 = f32x4.pmax(h5, nothing);
  }
  v128.store(y0, l0);
  v128.store(y0, h0, 16);
  v128.store(y1, l1);
  v128.store(y1, h1, 16);
  v128.store(y2, l2);
  v128.store(y2, h2, 16);
  v128.store(y3, l3);
  v128.store(y3, h3, 16);
  v128.store(y4, l4);
  v128.store(y4, h4, 16);
  v128.store(y5, l5);
  v128.store(y5, h5, 16);
}

/**
 * `conv` for three rows of three floats `row` bytes apart; arguments as there.
 * `width` is at least 5, `relu` 1 or 0.
 */
export function convSquare(
  x: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  row: usize,
  w: usize,
  bias: usize,
  y: usize,
  yFace: i32,
  yRow: i32,
  yPixel: i32,
  faces: i32,
  height: i32,
  width: i32,
  panels: i32,
  relu: i32,
): void {
  // From behind a line's last pixel to the next line's, or the next face's, first.
  const xSkip = xRow - width * xPixel, ySkip = yRow - width * yPixel;
  const xLeap = xFace - height * xRow, yLeap = yFace - height * yRow;
  let left = faces * height * width;
  let column = 0, line = 0;
  while (left > 0) {
    const rest = width - column;
    let x1 = x + xPixel, x2 = x1 + xPixel, x3 = x2 + xPixel;
    let x4 = x3 + xPixel, x5 = x4 + xPixel, next = x5 + xPixel;
    let y1 = y + yPixel, y2 = y1 + yPixel, y3 = y2 + yPixel;
    let y4 = y3 + yPixel, y5 = y4 + yPixel, nextY = y5 + yPixel;
    column += 6;
    if (rest <= 6) {
      let dx = xSkip, dy = ySkip;
      column -= width;
      if (++line == height) {
        line = 0;
        dx += xLeap;
        dy += yLeap;
      }
      if (rest <= 1) {
        x1 += dx;
        y1 += dy;
      }
      if (rest <= 2) {
        x2 += dx;
        y2 += dy;
      }
      if (rest <= 3) {
        x3 += dx;
        y3 += dy;
      }
      if (rest <= 4) {
        x4 += dx;
        y4 += dy;
      }
      if (rest <= 5) {
        x5 += dx;
        y5 += dy;
      }
      next += dx;
      nextY += dy;
      if (left < 6) {
        // Past the last pixel the first of the tile is computed again.
        if (left < 2) {
          x1 = x;
          y1 = y;
        }
        if (left < 3) {
          x2 = x;
          y2 = y;
        }
        if (left < 4) {
          x3 = x;
          y3 = y;
        }
        if (left < 5) {
          x4 = x;
          y4 = y;
        }
        x5 = x;
        y5 = y;
      }
    }
    let weight = w, shift = bias;
    let to: usize = 0;
    for (let panel = 0; panel < panels; panel++) {
      let l = f32x4.splat(0), h = l;
      if (bias) {
        l = v128.load(shift);
        h = v128.load(shift, 16);
        shift += 32;
      }
      squareTile(x, x1, x2, x3, x4, x5, row, weight, l, h, relu, y + to, y1 + to, y2 + to, y3 + to, y4 + to, y5 + to);
      weight += 288;
      to += 32;
    }
    x = next;
    y = nextY;
    left -= 6;
  }
}
