// Gradients of a depthwise 2D convolution, channels last: x [batch, inHeight,
// inWidth, channels], filter [filterHeight, filterWidth, channels, multiplier],
// dy [batch, outHeight, outWidth, channels * multiplier].
//
// One image at a time is copied into scratch memory together with its padding,
// so that the loops over it need no bounds checks: x for the filter's gradient,
// dy (spread out by the strides) for the input's. Vectors hold four or eight
// channels; channels beyond a multiple of four are processed one at a time.
import { copyFloats } from "./gemm";
import { copyPadded } from "./padding";
import { madd } from "../../network/wasm/assembly/vector";

/**
 * Writes the gradient of the filter to `dw`. `scratch` holds [paddedHeight,
 * paddedWidth, channels * multiplier] floats; the padded sizes are what the
 * windows cover, (out - 1) * stride + (filter - 1) * dilation + 1.
 */
export function depthwiseBackpropFilter(
  x: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  multiplier: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const wide = channels * multiplier;
  const pixel = <usize> wide << 2;
  const high = (outHeight - 1) * strideHeight +
    (filterHeight - 1) * dilationHeight + 1;
  const across = (outWidth - 1) * strideWidth +
    (filterWidth - 1) * dilationWidth + 1;
  memory.fill(dw, 0, <usize> (filterHeight * filterWidth) * pixel);
  for (let n = 0; n < batch; n++) {
    copyPadded(
      x + (<usize> (n * inHeight * inWidth * channels) << 2),
      inHeight,
      inWidth,
      channels,
      multiplier,
      scratch,
      high,
      across,
      padTop,
      padLeft,
      1,
      1,
    );
    const image = dy + <usize> (n * outHeight * outWidth) * pixel;
    for (let oy = 0; oy < outHeight; oy++) {
      const dyRow = image + <usize> (oy * outWidth) * pixel;
      for (let ky = 0; ky < filterHeight; ky++) {
        const xRow = scratch +
          <usize> ((oy * strideHeight + ky * dilationHeight) * across) * pixel;
        const dwRow = dw + <usize> (ky * filterWidth) * pixel;
        addRowProducts(
          xRow,
          dyRow,
          dwRow,
          wide,
          outWidth,
          filterWidth,
          <usize> strideWidth * pixel,
          <usize> dilationWidth * pixel,
        );
      }
    }
  }
}

/** For one row of dy and one row of the filter: dw[kx] += sum of x * dy. */
function addRowProducts(
  xRow: usize,
  dyRow: usize,
  dwRow: usize,
  wide: i32,
  outWidth: i32,
  filterWidth: i32,
  stride: usize,
  dilation: usize,
): void {
  const pixel = <usize> wide << 2;
  const end = dyRow + <usize> outWidth * pixel;
  let at: usize = 0; // byte of the channel
  for (; at + 32 <= pixel; at += 32) {
    let kx = 0;
    for (; kx + 3 <= filterWidth; kx += 3) {
      let x0 = xRow + at + <usize> kx * dilation;
      let w00 = f32x4.splat(0), w01 = f32x4.splat(0);
      let w10 = f32x4.splat(0), w11 = f32x4.splat(0);
      let w20 = f32x4.splat(0), w21 = f32x4.splat(0);
      for (let d = dyRow + at; d < end; d += pixel) {
        const d0 = v128.load(d), d1 = v128.load(d, 16);
        const x1 = x0 + dilation, x2 = x1 + dilation;
        w00 = madd(v128.load(x0), d0, w00);
        w01 = madd(v128.load(x0, 16), d1, w01);
        w10 = madd(v128.load(x1), d0, w10);
        w11 = madd(v128.load(x1, 16), d1, w11);
        w20 = madd(v128.load(x2), d0, w20);
        w21 = madd(v128.load(x2, 16), d1, w21);
        x0 += stride;
      }
      let to = dwRow + at + <usize> kx * pixel;
      v128.store(to, f32x4.add(v128.load(to), w00));
      v128.store(to + 16, f32x4.add(v128.load(to, 16), w01));
      to += pixel;
      v128.store(to, f32x4.add(v128.load(to), w10));
      v128.store(to + 16, f32x4.add(v128.load(to, 16), w11));
      to += pixel;
      v128.store(to, f32x4.add(v128.load(to), w20));
      v128.store(to + 16, f32x4.add(v128.load(to, 16), w21));
    }
    for (; kx < filterWidth; kx++) {
      let from = xRow + at + <usize> kx * dilation;
      let w0 = f32x4.splat(0), w1 = f32x4.splat(0);
      for (let d = dyRow + at; d < end; d += pixel) {
        w0 = madd(v128.load(from), v128.load(d), w0);
        w1 = madd(v128.load(from, 16), v128.load(d, 16), w1);
        from += stride;
      }
      const to = dwRow + at + <usize> kx * pixel;
      v128.store(to, f32x4.add(v128.load(to), w0));
      v128.store(to + 16, f32x4.add(v128.load(to, 16), w1));
    }
  }
  for (; at + 16 <= pixel; at += 16) {
    for (let kx = 0; kx < filterWidth; kx++) {
      let from = xRow + at + <usize> kx * dilation;
      let w = f32x4.splat(0);
      for (let d = dyRow + at; d < end; d += pixel) {
        w = madd(v128.load(from), v128.load(d), w);
        from += stride;
      }
      const to = dwRow + at + <usize> kx * pixel;
      v128.store(to, f32x4.add(v128.load(to), w));
    }
  }
  for (; at < pixel; at += 4) {
    for (let kx = 0; kx < filterWidth; kx++) {
      let from = xRow + at + <usize> kx * dilation;
      let w: f32 = 0;
      for (let d = dyRow + at; d < end; d += pixel) {
        w += load<f32>(from) * load<f32>(d);
        from += stride;
      }
      const to = dwRow + at + <usize> kx * pixel;
      store<f32>(to, load<f32>(to) + w);
    }
  }
}

/**
 * Writes the gradient of x to `dx`. `scratch` holds, in floats, the spread dy
 * [inHeight + (filterHeight - 1) * dilationHeight, inWidth + (filterWidth - 1)
 * * dilationWidth, channels * multiplier], the filter rotated by 180
 * degrees, and one row [inWidth, channels * multiplier].
 */
export function depthwiseBackpropInput(
  dy: usize,
  filter: usize,
  dx: usize,
  scratch: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  multiplier: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const wide = channels * multiplier;
  const pixel = <usize> wide << 2;
  const reachY = (filterHeight - 1) * dilationHeight;
  const reachX = (filterWidth - 1) * dilationWidth;
  const high = inHeight + reachY, across = inWidth + reachX;
  const taps = filterHeight * filterWidth;
  const turned = scratch + <usize> (high * across) * pixel;
  const sums = turned + <usize> taps * pixel;
  for (let tap = 0; tap < taps; tap++) {
    copyFloats(
      turned + <usize> tap * pixel,
      filter + <usize> (taps - 1 - tap) * pixel,
      wide,
    );
  }
  for (let n = 0; n < batch; n++) {
    copyPadded(
      dy + <usize> (n * outHeight * outWidth) * pixel,
      outHeight,
      outWidth,
      wide,
      1,
      scratch,
      high,
      across,
      reachY - padTop,
      reachX - padLeft,
      strideHeight,
      strideWidth,
    );
    for (let iy = 0; iy < inHeight; iy++) {
      const from = scratch + <usize> (iy * across) * pixel;
      const row = dx +
        (<usize> ((n * inHeight + iy) * inWidth * channels) << 2);
      const to = multiplier == 1 ? row : sums;
      const down = <usize> (dilationHeight * across) * pixel;
      const right = <usize> dilationWidth * pixel;
      if (filterHeight == 3 && filterWidth == 3) {
        correlateRow3x3(from, turned, to, wide, inWidth, down, right);
      } else {
        correlateRow(
          from,
          turned,
          to,
          wide,
          inWidth,
          filterHeight,
          filterWidth,
          down,
          right,
        );
      }
      if (multiplier == 1) continue;
      for (let i = 0; i < inWidth * channels; i++) {
        let sum: f32 = 0;
        for (let m = 0; m < multiplier; m++) {
          sum += load<f32>(sums + (<usize> (i * multiplier + m) << 2));
        }
        store<f32>(row + (<usize> i << 2), sum);
      }
    }
  }
}

/** One row of a 3x3 correlation, four channels at a time. */
function correlateRow3x3(
  from: usize,
  filter: usize,
  to: usize,
  wide: i32,
  width: i32,
  down: usize,
  right: usize,
): void {
  const pixel = <usize> wide << 2;
  let at: usize = 0;
  for (; at + 16 <= pixel; at += 16) {
    let f = filter + at;
    const w0 = v128.load(f);
    const w1 = v128.load(f += pixel);
    const w2 = v128.load(f += pixel);
    const w3 = v128.load(f += pixel);
    const w4 = v128.load(f += pixel);
    const w5 = v128.load(f += pixel);
    const w6 = v128.load(f += pixel);
    const w7 = v128.load(f += pixel);
    const w8 = v128.load(f + pixel);
    let p0 = from + at;
    let p1 = p0 + down;
    let p2 = p1 + down;
    const right2 = right + right;
    let out = to + at;
    for (let x = 0; x < width; x++) {
      let a = f32x4.mul(w0, v128.load(p0));
      let b = f32x4.mul(w3, v128.load(p1));
      let c = f32x4.mul(w6, v128.load(p2));
      a = madd(w1, v128.load(p0 + right), a);
      b = madd(w4, v128.load(p1 + right), b);
      c = madd(w7, v128.load(p2 + right), c);
      a = madd(w2, v128.load(p0 + right2), a);
      b = madd(w5, v128.load(p1 + right2), b);
      c = madd(w8, v128.load(p2 + right2), c);
      v128.store(out, f32x4.add(f32x4.add(a, b), c));
      p0 += pixel;
      p1 += pixel;
      p2 += pixel;
      out += pixel;
    }
  }
  if (at < pixel) {
    correlateChannels(from, filter, to, at, wide, width, 3, 3, down, right);
  }
}

/** One row of a correlation with a filter of any size. */
function correlateRow(
  from: usize,
  filter: usize,
  to: usize,
  wide: i32,
  width: i32,
  filterHeight: i32,
  filterWidth: i32,
  down: usize,
  right: usize,
): void {
  const pixel = <usize> wide << 2;
  let at: usize = 0;
  for (; at + 16 <= pixel; at += 16) {
    for (let x = 0; x < width; x++) {
      const pixelAt = <usize> x * pixel + at;
      let sum = f32x4.splat(0);
      let f = filter + at;
      for (let ky = 0; ky < filterHeight; ky++) {
        let p = from + pixelAt + <usize> ky * down;
        for (let kx = 0; kx < filterWidth; kx++) {
          sum = madd(v128.load(f), v128.load(p), sum);
          f += pixel;
          p += right;
        }
      }
      v128.store(to + pixelAt, sum);
    }
  }
  if (at < pixel) {
    correlateChannels(
      from,
      filter,
      to,
      at,
      wide,
      width,
      filterHeight,
      filterWidth,
      down,
      right,
    );
  }
}

/** The channels starting at byte `first`, one at a time. */
function correlateChannels(
  from: usize,
  filter: usize,
  to: usize,
  first: usize,
  wide: i32,
  width: i32,
  filterHeight: i32,
  filterWidth: i32,
  down: usize,
  right: usize,
): void {
  const pixel = <usize> wide << 2;
  for (let x = 0; x < width; x++) {
    for (let at = first; at < pixel; at += 4) {
      const pixelAt = <usize> x * pixel + at;
      let sum: f32 = 0;
      let f = filter + at;
      for (let ky = 0; ky < filterHeight; ky++) {
        let p = from + pixelAt + <usize> ky * down;
        for (let kx = 0; kx < filterWidth; kx++) {
          sum += load<f32>(f) * load<f32>(p);
          f += pixel;
          p += right;
        }
      }
      store<f32>(to + pixelAt, sum);
    }
  }
}
