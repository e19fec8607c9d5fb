// The first convolution of gray faces: three by three, one input channel. The tile
// is that of `conv`, six pixels by eight output channels, and sums run in the same
// order, but nine taps are too few for its loops. No vector beside the tile's is held:
// one more would not fit the registers.

import { madd } from "./vector";

/** Six pixels by eight outputs: three rows of three inputs, `row` bytes apart. */
// @ts-ignore: decorator
@inline
export function squareTile(
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
  mode: i32,
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
  if (mode == 1) {
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
