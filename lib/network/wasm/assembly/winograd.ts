// Winograd's minimal filtering F(4, 3) along the lines of a three by three
// convolution (Lavin and Gray 2016, arXiv:1509.09308): four outputs of a line from
// six products per row instead of twelve. Here are the transforms before and after;
// the products themselves are `conv`, one for each of the six positions.

import { madd } from "./vector";

/**
 * Six values for each group of four outputs and each row of the input, from the six
 * inputs that the group covers: v[face][position][row][group][channels].
 */
export function winogradInput(
  x: usize,
  xFace: i32,
  xRow: i32,
  v: usize,
  faces: i32,
  rows: i32,
  groups: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  const position = step * groups * rows;
  const two = f32x4.splat(2), four = f32x4.splat(4), five = f32x4.splat(-5);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < rows; r++) {
      let at = x + <usize> (f * xFace + r * xRow);
      for (let g = 0; g < groups; g++) {
        for (let c: usize = 0; c < step; c += 16) {
          let from = at + c;
          const x0 = v128.load(from);
          from += step;
          const x1 = v128.load(from);
          from += step;
          const x2 = v128.load(from);
          from += step;
          const x3 = v128.load(from);
          from += step;
          const x4 = v128.load(from);
          from += step;
          const x5 = v128.load(from);
          let to = v + c;
          v128.store(to, madd(x0, four, madd(x2, five, x4)));
          to += position;
          const even = f32x4.sub(x4, f32x4.mul(x2, four));
          const odd = f32x4.sub(x3, f32x4.mul(x1, four));
          v128.store(to, f32x4.add(even, odd));
          to += position;
          v128.store(to, f32x4.sub(even, odd));
          to += position;
          const outer = f32x4.sub(x4, x2);
          const inner = f32x4.mul(two, f32x4.sub(x3, x1));
          v128.store(to, f32x4.add(outer, inner));
          to += position;
          v128.store(to, f32x4.sub(outer, inner));
          to += position;
          v128.store(to, madd(x1, four, madd(x3, five, x5)));
        }
        v += step;
        at += step << 2;
      }
    }
    v += 5 * position;
  }
}

/**
 * y = activation(bias + the four outputs of each group) from the products
 * m[face][position][row][group][channels]; `bias` may be 0, `relu` is 1 or 0.
 */
export function winogradOutput(
  m: usize,
  bias: usize,
  y: usize,
  yFace: i32,
  yRow: i32,
  faces: i32,
  height: i32,
  groups: i32,
  channels: i32,
  relu: i32,
): void {
  const step = <usize> channels << 2;
  const position = step * groups * height;
  const two = f32x4.splat(2), four = f32x4.splat(4), eight = f32x4.splat(8);
  const least = f32x4.splat(relu ? 0 : -f32.MAX_VALUE);
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      let at = y + <usize> (f * yFace + r * yRow);
      for (let g = 0; g < groups; g++) {
        for (let c: usize = 0; c < step; c += 16) {
          const shift = bias ? v128.load(bias + c) : f32x4.splat(0);
          let from = m + c;
          const m0 = v128.load(from);
          from += position;
          const m1 = v128.load(from);
          from += position;
          const m2 = v128.load(from);
          from += position;
          const m3 = v128.load(from);
          from += position;
          const m4 = v128.load(from);
          from += position;
          const m5 = v128.load(from);
          const sum = f32x4.add(m1, m2), apart = f32x4.sub(m1, m2);
          const sum2 = f32x4.add(m3, m4), apart2 = f32x4.sub(m3, m4);
          const y0 = f32x4.add(f32x4.add(m0, sum), sum2);
          const y1 = madd(apart2, two, apart);
          const y2 = madd(sum2, four, sum);
          const y3 = f32x4.add(madd(apart2, eight, apart), m5);
          let to = at + c;
          v128.store(to, f32x4.pmax(f32x4.add(y0, shift), least));
          to += step;
          v128.store(to, f32x4.pmax(f32x4.add(y1, shift), least));
          to += step;
          v128.store(to, f32x4.pmax(f32x4.add(y2, shift), least));
          to += step;
          v128.store(to, f32x4.pmax(f32x4.add(y3, shift), least));
        }
        m += step;
        at += step << 2;
      }
    }
    m += 5 * position;
  }
}
