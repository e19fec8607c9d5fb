// Average pooling, over windows and over whole maps, and the gradients.

import { madd } from "./vector";

/** y = mean of x over the part of the window inside the input; x is strided. */
export function averagePool(
  x: usize,
  xFace: i32,
  xRow: i32,
  height: i32,
  width: i32,
  channels: i32,
  rows: i32,
  columns: i32,
  stride: i32,
  strideX: i32,
  top: i32,
  left: i32,
  y: usize,
  yFace: i32,
  yRow: i32,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const step = <usize> channels << 2;
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < yHeight; r++) {
      const r0 = max(0, r * stride - top);
      const r1 = min(height, r * stride - top + rows);
      for (let i = 0; i < yWidth; i++) {
        const c0 = max(0, i * strideX - left);
        const c1 = min(width, i * strideX - left + columns);
        const part = f32x4.splat(<f32> 1 / <f32> ((r1 - r0) * (c1 - c0)));
        const to = y + <usize> (f * yFace + r * yRow) + <usize> i * step;
        for (let c: usize = 0; c < step; c += 16) {
          let sum = f32x4.splat(0);
          for (let wr = r0; wr < r1; wr++) {
            let at = x + <usize> (f * xFace + wr * xRow) + <usize> c0 * step + c;
            for (let wc = c0; wc < c1; wc++) {
              sum = f32x4.add(sum, v128.load(at));
              at += step;
            }
          }
          v128.store(to + c, f32x4.mul(sum, part));
        }
      }
    }
  }
}

/** dx += dy spread evenly over its window; dx and dy are dense. */
export function averagePoolGradient(
  dy: usize,
  height: i32,
  width: i32,
  channels: i32,
  rows: i32,
  columns: i32,
  stride: i32,
  strideX: i32,
  top: i32,
  left: i32,
  dx: usize,
  faces: i32,
  yHeight: i32,
  yWidth: i32,
): void {
  const step = <usize> channels << 2;
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < yHeight; r++) {
      const r0 = max(0, r * stride - top);
      const r1 = min(height, r * stride - top + rows);
      for (let i = 0; i < yWidth; i++) {
        const c0 = max(0, i * strideX - left);
        const c1 = min(width, i * strideX - left + columns);
        const part = f32x4.splat(<f32> 1 / <f32> ((r1 - r0) * (c1 - c0)));
        for (let wr = r0; wr < r1; wr++) {
          for (let wc = c0; wc < c1; wc++) {
            const to = dx + <usize> ((f * height + wr) * width + wc) * step;
            for (let c: usize = 0; c < step; c += 16) {
              v128.store(
                to + c,
                madd(v128.load(dy + c), part, v128.load(to + c)),
              );
            }
          }
        }
        dy += step;
      }
    }
  }
}

/** y[face] = mean of x over its pixels; x is strided, y dense. */
export function globalAverage(
  x: usize,
  xFace: i32,
  xRow: i32,
  y: usize,
  faces: i32,
  height: i32,
  width: i32,
  channels: i32,
): void {
  const step = <usize> channels << 2;
  const part = f32x4.splat(<f32> 1 / <f32> (height * width));
  for (let f = 0; f < faces; f++) {
    for (let c: usize = 0; c < step; c += 16) {
      let sum = f32x4.splat(0);
      for (let r = 0; r < height; r++) {
        let at = x + <usize> (f * xFace + r * xRow) + c;
        for (let i = 0; i < width; i++) {
          sum = f32x4.add(sum, v128.load(at));
          at += step;
        }
      }
      v128.store(y + c, f32x4.mul(sum, part));
    }
    y += step;
  }
}

/** dx = dy / pixels at each pixel (`adds`: added to it); both are dense. */
export function globalAverageGradient(
  dy: usize,
  dx: usize,
  faces: i32,
  pixels: i32,
  channels: i32,
  adds: i32,
): void {
  const step = <usize> channels << 2;
  const part = f32x4.splat(<f32> 1 / <f32> pixels);
  for (let f = 0; f < faces; f++) {
    for (let p = 0; p < pixels; p++) {
      for (let c: usize = 0; c < step; c += 16) {
        const value = f32x4.mul(v128.load(dy + c), part);
        v128.store(
          dx + c,
          adds ? f32x4.add(v128.load(dx + c), value) : value,
        );
      }
      dx += step;
    }
    dy += step;
  }
}
