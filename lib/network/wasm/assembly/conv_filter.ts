// The gradient of a convolution's weights: for each tap and input channel, the
// sum over pixels of input times output gradient. Register tile: four inputs by
// eight output channels, over a run of pixels that stays in the L1 cache.

import { addTo, madd } from "./vector";

/** About how many bytes of input and gradient one run of pixels may take. */
const RUN_BYTES = 16384;

/** Four inputs by eight output channels over `count` pixels. */
function tile4(
  a: usize,
  xPixel: i32,
  d: usize,
  dPixel: i32,
  count: i32,
  out: usize,
  outRow: usize,
): void {
  const nothing = f32x4.splat(0);
  let l0 = nothing, h0 = nothing, l1 = nothing, h1 = nothing;
  let l2 = nothing, h2 = nothing, l3 = nothing, h3 = nothing;
  for (let i = 0; i < count; i++) {
    const low = v128.load(d);
    const high = v128.load(d, 16);
    const four = v128.load(a);
    let value = v128.shuffle<f32>(four, four, 0, 0, 0, 0);
    l0 = madd(value, low, l0);
    h0 = madd(value, high, h0);
    value = v128.shuffle<f32>(four, four, 1, 1, 1, 1);
    l1 = madd(value, low, l1);
    h1 = madd(value, high, h1);
    value = v128.shuffle<f32>(four, four, 2, 2, 2, 2);
    l2 = madd(value, low, l2);
    h2 = madd(value, high, h2);
    value = v128.shuffle<f32>(four, four, 3, 3, 3, 3);
    l3 = madd(value, low, l3);
    h3 = madd(value, high, h3);
    a += xPixel;
    d += dPixel;
  }
  addTo(out, l0);
  addTo(out + 16, h0);
  out += outRow;
  addTo(out, l1);
  addTo(out + 16, h1);
  out += outRow;
  addTo(out, l2);
  addTo(out + 16, h2);
  out += outRow;
  addTo(out, l3);
  addTo(out + 16, h3);
}

/** One input by eight output channels, four pixels at a time. */
function tile1(
  a: usize,
  xPixel: i32,
  d: usize,
  dPixel: i32,
  count: i32,
  out: usize,
): void {
  const nothing = f32x4.splat(0);
  let l0 = nothing, h0 = nothing, l1 = nothing, h1 = nothing;
  let l2 = nothing, h2 = nothing, l3 = nothing, h3 = nothing;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    let value = v128.load_splat<f32>(a);
    l0 = madd(value, v128.load(d), l0);
    h0 = madd(value, v128.load(d, 16), h0);
    a += xPixel;
    d += dPixel;
    value = v128.load_splat<f32>(a);
    l1 = madd(value, v128.load(d), l1);
    h1 = madd(value, v128.load(d, 16), h1);
    a += xPixel;
    d += dPixel;
    value = v128.load_splat<f32>(a);
    l2 = madd(value, v128.load(d), l2);
    h2 = madd(value, v128.load(d, 16), h2);
    a += xPixel;
    d += dPixel;
    value = v128.load_splat<f32>(a);
    l3 = madd(value, v128.load(d), l3);
    h3 = madd(value, v128.load(d, 16), h3);
    a += xPixel;
    d += dPixel;
  }
  for (; i < count; i++) {
    const value = v128.load_splat<f32>(a);
    l0 = madd(value, v128.load(d), l0);
    h0 = madd(value, v128.load(d, 16), h0);
    a += xPixel;
    d += dPixel;
  }
  addTo(out, f32x4.add(f32x4.add(l0, l1), f32x4.add(l2, l3)));
  addTo(out + 16, f32x4.add(f32x4.add(h0, h1), f32x4.add(h2, h3)));
}

/**
 * out[tap][k][8 * panels] += sum over pixels of x[pixel + tap][k] * dy[pixel].
 * `x`, `taps` and strides as in `conv`; `dy` has `panels` times eight channels.
 */
export function convFilter(
  x: usize,
  xFace: i32,
  xRow: i32,
  xPixel: i32,
  taps: usize,
  tapCount: i32,
  tapLength: i32,
  dy: usize,
  dyFace: i32,
  dyRow: i32,
  dyPixel: i32,
  out: usize,
  faces: i32,
  height: i32,
  width: i32,
  panels: i32,
): void {
  const run = max(
    8,
    RUN_BYTES / (tapCount * tapLength * 4 + panels * 32),
  );
  const outRow = <usize> panels << 5;
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < height; r++) {
      const xLine = x + <usize> (f * xFace + r * xRow);
      const dLine = dy + <usize> (f * dyFace + r * dyRow);
      for (let c = 0; c < width; c += run) {
        const count = min(run, width - c);
        const d = dLine + <usize> (c * dyPixel);
        let target = out;
        for (let t = 0; t < tapCount; t++) {
          let a = xLine + <usize> (c * xPixel) +
            <usize> load<i32>(taps + (<usize> t << 2));
          let k = 0;
          for (; k + 4 <= tapLength; k += 4) {
            for (let panel: usize = 0; panel < outRow; panel += 32) {
              tile4(
                a,
                xPixel,
                d + panel,
                dyPixel,
                count,
                target + panel,
                outRow,
              );
            }
            a += 16;
            target += outRow << 2;
          }
          for (; k < tapLength; k++) {
            for (let panel: usize = 0; panel < outRow; panel += 32) {
              tile1(a, xPixel, d + panel, dyPixel, count, target + panel);
            }
            a += 4;
            target += outRow;
          }
        }
      }
    }
  }
}
