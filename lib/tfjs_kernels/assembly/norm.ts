// Sums over rows and batch normalization, forward and backward, for x
// [rows, channels]: channels last, everything before them is rows. Sums are
// taken over blocks of rows that stay in cache, then added up, which keeps the
// rounding error of a hundred thousand rows near that of a few hundred.
import { addFloats } from "./gemm";
import { madd } from "../../network/wasm/assembly/vector";

/** Rows whose floats fill about 16 KB. */
// @ts-ignore: decorator
@inline
function blockRows(channels: i32): i32 {
  return max(8, min(256, 4096 / channels));
}

/** out[channels] = sum over rows of x, times `scale`. `scratch`: channels. */
export function sumRows(
  x: usize,
  out: usize,
  scratch: usize,
  rows: i32,
  channels: i32,
  scale: f32,
): void {
  const bytes = <usize> channels << 2;
  memory.fill(out, 0, bytes);
  const step = blockRows(channels);
  for (let r = 0; r < rows; r += step) {
    const count = min(step, rows - r);
    sumBlock(x + <usize> r * bytes, scratch, count, bytes);
    addFloats(out, scratch, channels);
  }
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(out + c, load<f32>(out + c) * scale);
  }
}

/** to[channels] = sum over the rows of one block. */
function sumBlock(x: usize, to: usize, rows: i32, bytes: usize): void {
  const end = x + <usize> rows * bytes;
  let c: usize = 0;
  for (; c + 32 <= bytes; c += 32) {
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
    for (let at = x + c; at < end; at += bytes) {
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
    }
    v128.store(to + c, s0);
    v128.store(to + c, s1, 16);
  }
  for (; c < bytes; c += 4) {
    let s: f32 = 0;
    for (let at = x + c; at < end; at += bytes) s += load<f32>(at);
    store<f32>(to + c, s);
  }
}

/** to[channels] = sum over the rows of one block of (x - mean)^2. */
function squareBlock(
  x: usize,
  mean: usize,
  to: usize,
  rows: i32,
  bytes: usize,
): void {
  const end = x + <usize> rows * bytes;
  let c: usize = 0;
  for (; c + 32 <= bytes; c += 32) {
    const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
    for (let at = x + c; at < end; at += bytes) {
      const d0 = f32x4.sub(v128.load(at), m0);
      const d1 = f32x4.sub(v128.load(at, 16), m1);
      s0 = madd(d0, d0, s0);
      s1 = madd(d1, d1, s1);
    }
    v128.store(to + c, s0);
    v128.store(to + c, s1, 16);
  }
  for (; c < bytes; c += 4) {
    const m = load<f32>(mean + c);
    let s: f32 = 0;
    for (let at = x + c; at < end; at += bytes) {
      const d = load<f32>(at) - m;
      s += d * d;
    }
    store<f32>(to + c, s);
  }
}

/**
 * Writes the mean and the (biased) variance of each channel in one pass over
 * memory: each block's own, merged as Chan, Golub and LeVeque do (1979).
 * `scratch` holds 2 * channels floats.
 */
export function batchStatistics(
  x: usize,
  mean: usize,
  variance: usize,
  scratch: usize,
  rows: i32,
  channels: i32,
): void {
  const bytes = <usize> channels << 2;
  const blockMean = scratch, blockSquares = scratch + bytes;
  memory.fill(mean, 0, bytes);
  memory.fill(variance, 0, bytes);
  const step = blockRows(channels);
  for (let r = 0; r < rows; r += step) {
    const count = min(step, rows - r);
    const block = x + <usize> r * bytes;
    sumBlock(block, blockMean, count, bytes);
    for (let c: usize = 0; c < bytes; c += 4) {
      store<f32>(blockMean + c, load<f32>(blockMean + c) / <f32> count);
    }
    squareBlock(block, blockMean, blockSquares, count, bytes);
    const share: f32 = <f32> (<f64> count / <f64> (r + count));
    for (let c: usize = 0; c < bytes; c += 4) {
      const m = load<f32>(mean + c);
      const d = load<f32>(blockMean + c) - m;
      store<f32>(mean + c, m + d * share);
      store<f32>(
        variance + c,
        load<f32>(variance + c) + load<f32>(blockSquares + c) +
          d * d * share * <f32> r,
      );
    }
  }
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(variance + c, load<f32>(variance + c) / <f32> rows);
  }
}

/** y = (x - mean) * scale + shift, each of the three [channels]. */
function scaleRows(
  x: usize,
  y: usize,
  mean: usize,
  scale: usize,
  shift: usize,
  rows: i32,
  bytes: usize,
): void {
  for (let r = 0; r < rows; r++) {
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const d = f32x4.sub(v128.load(x + c), v128.load(mean + c));
      v128.store(
        y + c,
        madd(d, v128.load(scale + c), v128.load(shift + c)),
      );
    }
    for (; c < bytes; c += 4) {
      store<f32>(
        y + c,
        (load<f32>(x + c) - load<f32>(mean + c)) * load<f32>(scale + c) +
          load<f32>(shift + c),
      );
    }
    x += bytes;
    y += bytes;
  }
}

/** Normalizes x with the statistics given. `scratch`: channels floats. */
export function normalizeBatch(
  x: usize,
  mean: usize,
  variance: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  scratch: usize,
  rows: i32,
  channels: i32,
  epsilon: f32,
): void {
  const bytes = <usize> channels << 2;
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(
      scratch + c,
      load<f32>(gamma + c) / sqrt<f32>(load<f32>(variance + c) + epsilon),
    );
  }
  scaleRows(x, y, mean, scratch, beta, rows, bytes);
}

/** s1 += sum of dy, s2 += sum of dy * (x - mean), over one block of rows. */
function addProducts(
  x: usize,
  dy: usize,
  mean: usize,
  s1: usize,
  s2: usize,
  rows: i32,
  bytes: usize,
): void {
  const end = x + <usize> rows * bytes;
  let c: usize = 0;
  for (; c + 32 <= bytes; c += 32) {
    const m0 = v128.load(mean + c), m1 = v128.load(mean + c, 16);
    let a0 = f32x4.splat(0), a1 = f32x4.splat(0);
    let b0 = f32x4.splat(0), b1 = f32x4.splat(0);
    let g = dy + c;
    for (let at = x + c; at < end; at += bytes) {
      const g0 = v128.load(g), g1 = v128.load(g, 16);
      a0 = f32x4.add(a0, g0);
      a1 = f32x4.add(a1, g1);
      b0 = madd(g0, f32x4.sub(v128.load(at), m0), b0);
      b1 = madd(g1, f32x4.sub(v128.load(at, 16), m1), b1);
      g += bytes;
    }
    v128.store(s1 + c, f32x4.add(v128.load(s1 + c), a0));
    v128.store(s1 + c, f32x4.add(v128.load(s1 + c, 16), a1), 16);
    v128.store(s2 + c, f32x4.add(v128.load(s2 + c), b0));
    v128.store(s2 + c, f32x4.add(v128.load(s2 + c, 16), b1), 16);
  }
  for (; c < bytes; c += 4) {
    const m = load<f32>(mean + c);
    let a: f32 = 0, b: f32 = 0;
    let g = dy + c;
    for (let at = x + c; at < end; at += bytes) {
      a += load<f32>(g);
      b += load<f32>(g) * (load<f32>(at) - m);
      g += bytes;
    }
    store<f32>(s1 + c, load<f32>(s1 + c) + a);
    store<f32>(s2 + c, load<f32>(s2 + c) + b);
  }
}

/**
 * Batch normalization's gradients. With r = 1 / sqrt(variance + epsilon):
 *   dbeta = sum dy            dgamma = r * sum dy * (x - mean)
 *   dx = gamma * r * (dy - [dbeta + (x - mean) * r * dgamma] / rows)
 * The bracket applies when the statistics are the batch's own (`training`).
 * `scratch` holds 2 * channels floats.
 */
export function batchNormBackprop(
  x: usize,
  dy: usize,
  mean: usize,
  variance: usize,
  gamma: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  scratch: usize,
  rows: i32,
  channels: i32,
  epsilon: f32,
  training: bool,
): void {
  const bytes = <usize> channels << 2;
  const perDy = scratch, perX = scratch + bytes;
  memory.fill(dgamma, 0, bytes);
  memory.fill(dbeta, 0, bytes);
  const step = blockRows(channels << 1);
  for (let r = 0; r < rows; r += step) {
    const from = <usize> r * bytes;
    const count = min(step, rows - r);
    addProducts(x + from, dy + from, mean, dbeta, dgamma, count, bytes);
  }
  for (let c: usize = 0; c < bytes; c += 4) {
    const r: f32 = 1 / sqrt<f32>(load<f32>(variance + c) + epsilon);
    const k = load<f32>(gamma + c) * r;
    const slope = load<f32>(dgamma + c) * r;
    store<f32>(dgamma + c, slope);
    store<f32>(perDy + c, k);
    store<f32>(perX + c, training ? -k * r * slope / <f32> rows : 0);
  }
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const k = v128.load(perDy + c);
      let g = v128.load(dy + c);
      if (training) {
        const share = f32x4.mul(
          v128.load(dbeta + c),
          f32x4.splat(1 / <f32> rows),
        );
        g = f32x4.sub(g, share);
      }
      const d = f32x4.sub(v128.load(x + c), v128.load(mean + c));
      v128.store(dx + c, madd(d, v128.load(perX + c), f32x4.mul(g, k)));
    }
    for (; c < bytes; c += 4) {
      const d = load<f32>(x + c) - load<f32>(mean + c);
      let g = load<f32>(dy + c);
      if (training) g -= load<f32>(dbeta + c) / <f32> rows;
      store<f32>(
        dx + c,
        d * load<f32>(perX + c) + g * load<f32>(perDy + c),
      );
    }
    x += bytes;
    dy += bytes;
    dx += bytes;
  }
}
