// Gaussian noise from a counter, so that it does not depend on the order of work.

import { mix } from "./elementwise";

/** The natural logarithm of a normal number, within 2 units in the last place. */
function logarithm(x: f32): f32 {
  // x = m * 2 ^ e, m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)).
  const bits = reinterpret<i32>(x);
  const e = (bits - 0x3f3504f3) >> 23;
  const m = reinterpret<f32>(bits - (e << 23));
  const z = (m - 1) / (m + 1), q = z * z;
  const series: f32 = q * (<f32> (1 / 3.0) +
    q * (<f32> (1 / 5.0) + q * (<f32> (1 / 7.0) + q * <f32> (1 / 9.0))));
  return <f32> e * <f32> 0.6931471805599453 + 2 * z * (1 + series);
}

/**
 * y = x + deviation * normal draws of `seed` and the place of the float, `first`
 * on; by Marsaglia's polar method.
 */
export function addNoise(
  x: usize,
  y: usize,
  count: i32,
  first: i32,
  seed: i32,
  deviation: f32,
): void {
  for (let i = 0; i < count; i++) {
    let state = mix(<u32> (first + i)) ^ <u32> seed;
    let u: f32 = 0, square: f32 = 0;
    do {
      state = mix(state + 0x9e3779b9);
      // Whole numbers of 16 bits and a half: never 0.
      u = (<f32> (state & 0xffff) - 32767.5) / 32768;
      const v = (<f32> (state >> 16) - 32767.5) / 32768;
      square = u * u + v * v;
    } while (square >= 1);
    const draw = u * sqrt<f32>(-2 * logarithm(square) / square);
    const at = <usize> i << 2;
    store<f32>(y + at, load<f32>(x + at) + deviation * draw);
  }
}
