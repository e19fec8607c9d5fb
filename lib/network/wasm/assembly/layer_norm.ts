// Layer normalization over the channels of each pixel: dense pixels of `room`
// floats, a multiple of 8, of which `channels` count.

import { madd } from "./vector";

/** All ones in the lanes, starting at `c`, that are below `channels`. */
// @ts-ignore: decorator
@inline
function lanesBelow(channels: i32, c: i32): v128 {
  const lanes = i32x4.add(i32x4.splat(c), i32x4(0, 1, 2, 3));
  return i32x4.lt_s(lanes, i32x4.splat(channels));
}

// @ts-ignore: decorator
@inline
function sumOf(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) +
    f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3);
}

// @ts-ignore: decorator
@inline
function meanOf(x: usize, channels: i32): f32 {
  let sum = f32x4.splat(0);
  for (let c = 0; c < channels; c += 4) {
    const value = v128.load(x + (<usize> c << 2));
    sum = f32x4.add(sum, v128.and(value, lanesBelow(channels, c)));
  }
  return sumOf(sum) / <f32> channels;
}

/** 1 / the standard deviation. */
// @ts-ignore: decorator
@inline
function inverseOf(x: usize, mean: f32, channels: i32, epsilon: f32): f32 {
  let sum = f32x4.splat(0);
  for (let c = 0; c < channels; c += 4) {
    let value = f32x4.sub(v128.load(x + (<usize> c << 2)), f32x4.splat(mean));
    value = v128.and(value, lanesBelow(channels, c));
    sum = madd(value, value, sum);
  }
  return <f32> 1 / sqrt<f32>(sumOf(sum) / <f32> channels + epsilon);
}

/** y = (x - mean) / deviation * gamma + beta. */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  pixels: i32,
  channels: i32,
  room: i32,
  epsilon: f32,
): void {
  const step = <usize> room << 2;
  for (let p = 0; p < pixels; p++) {
    const mean = meanOf(x, channels);
    const inverse = inverseOf(x, mean, channels, epsilon);
    for (let c: usize = 0; c < step; c += 16) {
      const centered = f32x4.sub(v128.load(x + c), f32x4.splat(mean));
      const normal = f32x4.mul(centered, f32x4.splat(inverse));
      v128.store(
        y + c,
        madd(normal, v128.load(gamma + c), v128.load(beta + c)),
      );
    }
    x += step;
    y += step;
  }
}

/** dx; adds to dgamma and dbeta. */
export function layerNormGradient(
  x: usize,
  dy: usize,
  gamma: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  pixels: i32,
  channels: i32,
  room: i32,
  epsilon: f32,
): void {
  const step = <usize> room << 2;
  for (let p = 0; p < pixels; p++) {
    const mean = meanOf(x, channels);
    const inverse = inverseOf(x, mean, channels, epsilon);
    let sum = f32x4.splat(0), products = sum;
    for (let i = 0; i < channels; i += 4) {
      const c = <usize> i << 2;
      const lanes = lanesBelow(channels, i);
      const centered = f32x4.sub(v128.load(x + c), f32x4.splat(mean));
      const normal = f32x4.mul(centered, f32x4.splat(inverse));
      const slope = v128.and(v128.load(dy + c), lanes);
      const inner = f32x4.mul(slope, v128.load(gamma + c));
      sum = f32x4.add(sum, inner);
      products = madd(inner, normal, products);
      const own = madd(slope, normal, v128.load(dgamma + c));
      v128.store(dgamma + c, own);
      v128.store(dbeta + c, f32x4.add(slope, v128.load(dbeta + c)));
    }
    const shift = f32x4.splat(sumOf(sum) / <f32> channels);
    const scale = f32x4.splat(sumOf(products) / <f32> channels);
    for (let c: usize = 0; c < step; c += 16) {
      const centered = f32x4.sub(v128.load(x + c), f32x4.splat(mean));
      const normal = f32x4.mul(centered, f32x4.splat(inverse));
      let inner = f32x4.mul(v128.load(dy + c), v128.load(gamma + c));
      inner = f32x4.sub(f32x4.sub(inner, shift), f32x4.mul(normal, scale));
      v128.store(dx + c, f32x4.mul(inner, f32x4.splat(inverse)));
    }
    x += step;
    dy += step;
    dx += step;
  }
}
