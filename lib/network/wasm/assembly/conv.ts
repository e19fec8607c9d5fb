// Convolution, pointwise convolution and matrix product, all one loop: for each
// output pixel, the sum over taps (contiguous runs of input floats) of input
// times weight. Register tile: six pixels by eight output channels.

import { madd } from "./vector";

// The pixel that `advance` has reached: its place in its line, its line in its face,
// and how far lines and faces that ended have moved the addresses.
let column = 0, line = 0;
let xJump: usize = 0, yJump: usize = 0;

/** Moves to the next pixel; a skip leads from the end of a line to the next, a leap from face to face. */
function advance(
  width: i32,
  height: i32,
  xSkip: usize,
  xLeap: usize,
  ySkip: usize,
  yLeap: usize,
): void {
  if (++column < width) return;
  column = 0;
  xJump += xSkip;
  yJump += ySkip;
  if (++line < height) return;
  line = 0;
  xJump += xLeap;
  yJump += yLeap;
}

/**
 * y[pixel][8 * panel + j] = activation(bias + sum over taps of x * w).
 *
 * `taps` holds `tapCount` byte offsets from a pixel's address, each the start of
 * `tapLength` floats. `w` is [panel][tap][tapLength][8]. `bias` may be 0.
 * `mode`: 0 sets, 1 sets after ReLU, 2 adds to what `y` holds (without bias).
 */
export function conv(
  x: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  tapCount: i32,
  tapLength: i32,
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
  mode: i32,
): void {
  const nothing = f32x4.splat(0);
  const xSkip: usize = xRow - width * xPixel, ySkip: usize = yRow - width * yPixel;
  const xLeap: usize = xFace - height * xRow, yLeap: usize = yFace - height * yRow;
  column = line = 0;
  let x0 = x, y0 = y;
  for (let left = faces * height * width; left > 0; left -= 6) {
    let x1 = x0 + xPixel, x2 = x1 + xPixel, x3 = x2 + xPixel;
    let x4 = x3 + xPixel, x5 = x4 + xPixel, nextX = x5 + xPixel;
    let y1 = y0 + yPixel, y2 = y1 + yPixel, y3 = y2 + yPixel;
    let y4 = y3 + yPixel, y5 = y4 + yPixel, nextY = y5 + yPixel;
    if (column + 6 < width) column += 6;
    else {
      // Past the last pixel, the first of the tile is repeated.
      xJump = yJump = 0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      x1 = left > 1 ? x1 + xJump : x0;
      y1 = left > 1 ? y1 + yJump : y0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      x2 = left > 2 ? x2 + xJump : x0;
      y2 = left > 2 ? y2 + yJump : y0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      x3 = left > 3 ? x3 + xJump : x0;
      y3 = left > 3 ? y3 + yJump : y0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      x4 = left > 4 ? x4 + xJump : x0;
      y4 = left > 4 ? y4 + yJump : y0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      x5 = left > 5 ? x5 + xJump : x0;
      y5 = left > 5 ? y5 + yJump : y0;
      advance(width, height, xSkip, xLeap, ySkip, yLeap);
      nextX += xJump;
      nextY += yJump;
    }
    let weight = w;
    for (let panel = 0; panel < panels; panel++) {
      const at = <usize> panel << 5;
      let l0 = nothing, h0 = nothing, l1 = nothing, h1 = nothing;
      let l2 = nothing, h2 = nothing, l3 = nothing, h3 = nothing;
      let l4 = nothing, h4 = nothing, l5 = nothing, h5 = nothing;
      if (mode == 2) {
        l0 = v128.load(y0 + at);
        h0 = v128.load(y0 + at, 16);
        l1 = v128.load(y1 + at);
        h1 = v128.load(y1 + at, 16);
        l2 = v128.load(y2 + at);
        h2 = v128.load(y2 + at, 16);
        l3 = v128.load(y3 + at);
        h3 = v128.load(y3 + at, 16);
        l4 = v128.load(y4 + at);
        h4 = v128.load(y4 + at, 16);
        l5 = v128.load(y5 + at);
        h5 = v128.load(y5 + at, 16);
      } else if (bias) {
        l0 = l1 = l2 = l3 = l4 = l5 = v128.load(bias + at);
        h0 = h1 = h2 = h3 = h4 = h5 = v128.load(bias + at, 16);
      }
      for (let t = 0; t < tapCount; t++) {
        const tap = <usize> load<i32>(taps + (<usize> t << 2));
        let a0 = x0 + tap, a1 = x1 + tap, a2 = x2 + tap;
        let a3 = x3 + tap, a4 = x4 + tap, a5 = x5 + tap;
        const end = a0 + (<usize> tapLength << 2);
        let low: v128, high: v128, a: v128;
        // Eight inputs per iteration. The weights' address moves, since each further
        // constant offset from it would need another bounds check limit.
        while (a0 + 32 <= end) {
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
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
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
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
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
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
          a = v128.load_splat<f32>(a0, 12);
          l0 = madd(a, low, l0);
          h0 = madd(a, high, h0);
          a = v128.load_splat<f32>(a1, 12);
          l1 = madd(a, low, l1);
          h1 = madd(a, high, h1);
          a = v128.load_splat<f32>(a2, 12);
          l2 = madd(a, low, l2);
          h2 = madd(a, high, h2);
          a = v128.load_splat<f32>(a3, 12);
          l3 = madd(a, low, l3);
          h3 = madd(a, high, h3);
          a = v128.load_splat<f32>(a4, 12);
          l4 = madd(a, low, l4);
          h4 = madd(a, high, h4);
          a = v128.load_splat<f32>(a5, 12);
          l5 = madd(a, low, l5);
          h5 = madd(a, high, h5);
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
          a = v128.load_splat<f32>(a0, 16);
          l0 = madd(a, low, l0);
          h0 = madd(a, high, h0);
          a = v128.load_splat<f32>(a1, 16);
          l1 = madd(a, low, l1);
          h1 = madd(a, high, h1);
          a = v128.load_splat<f32>(a2, 16);
          l2 = madd(a, low, l2);
          h2 = madd(a, high, h2);
          a = v128.load_splat<f32>(a3, 16);
          l3 = madd(a, low, l3);
          h3 = madd(a, high, h3);
          a = v128.load_splat<f32>(a4, 16);
          l4 = madd(a, low, l4);
          h4 = madd(a, high, h4);
          a = v128.load_splat<f32>(a5, 16);
          l5 = madd(a, low, l5);
          h5 = madd(a, high, h5);
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
          a = v128.load_splat<f32>(a0, 20);
          l0 = madd(a, low, l0);
          h0 = madd(a, high, h0);
          a = v128.load_splat<f32>(a1, 20);
          l1 = madd(a, low, l1);
          h1 = madd(a, high, h1);
          a = v128.load_splat<f32>(a2, 20);
          l2 = madd(a, low, l2);
          h2 = madd(a, high, h2);
          a = v128.load_splat<f32>(a3, 20);
          l3 = madd(a, low, l3);
          h3 = madd(a, high, h3);
          a = v128.load_splat<f32>(a4, 20);
          l4 = madd(a, low, l4);
          h4 = madd(a, high, h4);
          a = v128.load_splat<f32>(a5, 20);
          l5 = madd(a, low, l5);
          h5 = madd(a, high, h5);
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
          a = v128.load_splat<f32>(a0, 24);
          l0 = madd(a, low, l0);
          h0 = madd(a, high, h0);
          a = v128.load_splat<f32>(a1, 24);
          l1 = madd(a, low, l1);
          h1 = madd(a, high, h1);
          a = v128.load_splat<f32>(a2, 24);
          l2 = madd(a, low, l2);
          h2 = madd(a, high, h2);
          a = v128.load_splat<f32>(a3, 24);
          l3 = madd(a, low, l3);
          h3 = madd(a, high, h3);
          a = v128.load_splat<f32>(a4, 24);
          l4 = madd(a, low, l4);
          h4 = madd(a, high, h4);
          a = v128.load_splat<f32>(a5, 24);
          l5 = madd(a, low, l5);
          h5 = madd(a, high, h5);
          weight += 32;
          low = v128.load(weight);
          high = v128.load(weight, 16);
          a = v128.load_splat<f32>(a0, 28);
          l0 = madd(a, low, l0);
          h0 = madd(a, high, h0);
          a = v128.load_splat<f32>(a1, 28);
          l1 = madd(a, low, l1);
          h1 = madd(a, high, h1);
          a = v128.load_splat<f32>(a2, 28);
          l2 = madd(a, low, l2);
          h2 = madd(a, high, h2);
          a = v128.load_splat<f32>(a3, 28);
          l3 = madd(a, low, l3);
          h3 = madd(a, high, h3);
          a = v128.load_splat<f32>(a4, 28);
          l4 = madd(a, low, l4);
          h4 = madd(a, high, h4);
          a = v128.load_splat<f32>(a5, 28);
          l5 = madd(a, low, l5);
          h5 = madd(a, high, h5);
          a0 += 32;
          a1 += 32;
          a2 += 32;
          a3 += 32;
          a4 += 32;
          a5 += 32;
          weight += 32;
        }
        while (a0 < end) {
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
          a0 += 4;
          a1 += 4;
          a2 += 4;
          a3 += 4;
          a4 += 4;
          a5 += 4;
          weight += 32;
        }
      }
      if (mode == 1) {
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
      v128.store(y0 + at, l0);
      v128.store(y0 + at, h0, 16);
      v128.store(y1 + at, l1);
      v128.store(y1 + at, h1, 16);
      v128.store(y2 + at, l2);
      v128.store(y2 + at, h2, 16);
      v128.store(y3 + at, l3);
      v128.store(y3 + at, h3, 16);
      v128.store(y4 + at, l4);
      v128.store(y4 + at, h4, 16);
      v128.store(y5 + at, l5);
      v128.store(y5 + at, h5, 16);
    }
    x0 = nextX;
    y0 = nextY;
  }
}
