// Gaussian noise from a counter, so that it does not depend on the order of work.

import { madd } from "./vector";

/** `mix` of elementwise.ts, four counters at a time. */
// @ts-ignore: decorator
@inline
function mix(h: v128): v128 {
  h = v128.xor(h, i32x4.shr_u(h, 16));
  h = i32x4.mul(h, i32x4.splat(0x85ebca6b));
  h = v128.xor(h, i32x4.shr_u(h, 13));
  h = i32x4.mul(h, i32x4.splat(0xc2b2ae35));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/** The natural logarithm of normal numbers, within 2 units in the last place. */
// @ts-ignore: decorator
@inline
function logarithm(x: v128): v128 {
  // x = m * 2 ^ e, m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)).
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(e, 23));
  const one = f32x4.splat(1);
  const z = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one));
  const q = f32x4.mul(z, z);
  let series = madd(q, f32x4.splat(1.0 / 9), f32x4.splat(1.0 / 7));
  series = madd(q, series, f32x4.splat(1.0 / 5));
  series = madd(q, series, f32x4.splat(1.0 / 3));
  series = madd(q, series, one);
  const power = f32x4.mul(
    f32x4.convert_i32x4_s(e),
    f32x4.splat(0.6931471805599453),
  );
  return madd(f32x4.add(z, z), series, power);
}

/**
 * y = x + deviation * normal draws of `seed` and the place of the float, `first`
 * on, a multiple of 8 floats; by the method of Box and Muller.
 */
export function addNoise(
  x: usize,
  y: usize,
  count: i32,
  first: i32,
  seed: i32,
  deviation: f32,
): void {
  const size = f32x4.splat(deviation);
  for (let i = 0; i < count; i += 8) {
    const place = i32x4.add(i32x4.splat(first + i), i32x4(0, 1, 2, 3));
    const a = mix(v128.xor(mix(place), i32x4.splat(seed)));
    const b = mix(i32x4.add(a, i32x4.splat(0x9e3779b9)));
    // A radius: u from 0 to 1, but never 0.
    let u = f32x4.convert_i32x4_s(i32x4.shr_u(a, 8));
    u = f32x4.mul(f32x4.add(u, f32x4.splat(0.5)), f32x4.splat(1 / 16777216.0));
    let radius = f32x4.mul(f32x4.splat(-2), logarithm(u));
    radius = f32x4.mul(f32x4.sqrt(radius), size);
    // A direction: an angle t of an eighth of a turn to either side, a sign, and
    // which of the two is which. Sine and cosine: Cephes, sinf and cosf.
    const t = f32x4.mul(
      f32x4.convert_i32x4_s(i32x4.shr_s(b, 8)),
      f32x4.splat(0.7853981633974483 / 8388608),
    );
    const q = f32x4.mul(t, t);
    let p = madd(q, f32x4.splat(-1.9515295891e-4), f32x4.splat(8.3321608736e-3));
    p = madd(q, p, f32x4.splat(-1.6666654611e-1));
    const sine = madd(f32x4.mul(t, q), p, t);
    p = madd(
      q,
      f32x4.splat(2.443315711809948e-5),
      f32x4.splat(-1.388731625493765e-3),
    );
    p = madd(q, p, f32x4.splat(4.166664568298827e-2));
    p = madd(q, p, f32x4.splat(-0.5));
    let cosine = madd(q, p, f32x4.splat(1));
    cosine = v128.xor(cosine, i32x4.shl(b, 31)); // bit 0 is the sign
    const swaps = i32x4.shr_s(i32x4.shl(b, 30), 31); // bit 1
    const c = v128.bitselect(sine, cosine, swaps);
    const s = v128.bitselect(cosine, sine, swaps);
    const at = <usize> i << 2;
    v128.store(y + at, madd(radius, c, v128.load(x + at)));
    v128.store(y + at, madd(radius, s, v128.load(x + at, 16)), 16);
  }
}
