// The steps of a program: for each kernel a function from named arguments to a
// step that calls it. Buffers, windows and tables are fixed when a network is
// compiled; a step adds the faces. This folder holds each kernel's positional
// call once. Here: convolutions, depthwise convolutions and their gradients.

import type { Window } from "../../graph.ts";
import type { Kernels } from "../../wasm/kernels.ts";
import type { PixelBuffer, Step } from "../buffers.ts";
import type { Taps } from "../layout.ts";

/** What a convolution does with its sums. */
export const OUTPUT_MODE = { set: 0, relu: 1, add: 2 } as const;
export type OutputMode = keyof typeof OUTPUT_MODE;

/** A window that slides over `x`, one place for each pixel of `y`. */
export interface Sliding {
  window: Window;
  taps: Taps;
  x: PixelBuffer;
  y: PixelBuffer;
}

/** From an output pixel's first input to the next one's, in bytes. */
function strideOf({ window: { strides, top, left }, x }: Sliding) {
  return {
    origin: top * x.rowBytes + left * x.pixelBytes,
    row: x.rowBytes * strides[0],
    pixel: x.pixelBytes * strides[1],
  };
}

/** Whether all pixels of all faces are one line: a matrix product. */
function isFlat({ window: { size, strides }, x, y }: Sliding): boolean {
  return x.dense && y.dense && size[0] * size[1] === 1 &&
    strides[0] * strides[1] === 1;
}

/** Weights and bias as packed for a kernel; a bias of 0 is none. */
export interface PackedKernel {
  weights: number;
  bias: number;
}

/** y = convolution of x. */
export function conv(
  kernels: Kernels,
  args: Sliding & PackedKernel & { mode: OutputMode },
): Step {
  const { x, y, taps, weights, bias } = args;
  const { origin, row, pixel } = strideOf(args);
  const flat = isFlat(args);
  const panels = y.channels / 8;
  const mode = OUTPUT_MODE[args.mode];
  return (face, faces) =>
    kernels.conv(
      x.at(face) - origin,
      x.faceBytes,
      row,
      pixel,
      taps.address,
      taps.count,
      taps.floats,
      weights,
      bias,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      y.pixelBytes,
      flat ? 1 : faces,
      flat ? 1 : y.height,
      flat ? faces * y.pixels : y.width,
      panels,
      mode,
    );
}

/** Adds dy times one tap's weights to the inputs that the tap read. */
export function convTapInput(
  kernels: Kernels,
  args: Sliding & { weights: number; here: number; offset: number },
): Step {
  const { x: dx, y: dy, weights, here, offset } = args;
  const { row, pixel } = strideOf(args);
  return (face, faces) =>
    kernels.conv(
      dy.at(face),
      dy.faceBytes,
      dy.rowBytes,
      dy.pixelBytes,
      here,
      1,
      dy.channels,
      weights,
      0,
      dx.at(face) + offset,
      dx.faceBytes,
      row,
      pixel,
      faces,
      dy.height,
      dy.width,
      dx.channels / 8,
      OUTPUT_MODE.add,
    );
}

/** Adds the gradient of a convolution's weights to `out`; `y` is dy. */
export function convFilter(
  kernels: Kernels,
  args: Sliding & { out: number },
): Step {
  const { x, y: dy, taps, out } = args;
  const { origin, row, pixel } = strideOf(args);
  const flat = isFlat(args);
  return (face, faces) =>
    kernels.convFilter(
      x.at(face) - origin,
      x.faceBytes,
      row,
      pixel,
      taps.address,
      taps.count,
      taps.floats,
      dy.at(face),
      dy.faceBytes,
      dy.rowBytes,
      dy.pixelBytes,
      out,
      flat ? 1 : faces,
      flat ? 1 : dy.height,
      flat ? faces * dy.pixels : dy.width,
      dy.channels / 8,
    );
}

/** Adds the gradient of a bias, the weight of an input that is always `one`. */
export function biasFilter(
  kernels: Kernels,
  { dy, one, tap, out }: {
    dy: PixelBuffer;
    one: number;
    tap: number;
    out: number;
  },
): Step {
  return (face, faces) =>
    kernels.convFilter(
      one,
      0,
      0,
      0,
      tap,
      1,
      1,
      dy.at(face),
      dy.faceBytes,
      dy.rowBytes,
      dy.pixelBytes,
      out,
      faces,
      dy.height,
      dy.width,
      dy.channels / 8,
    );
}

/** y = depthwise convolution of x. */
export function depthwise(
  kernels: Kernels,
  args: Sliding & PackedKernel & { mode: OutputMode },
): Step {
  const { x, y, taps, weights, bias } = args;
  const { origin, row, pixel } = strideOf(args);
  const mode = OUTPUT_MODE[args.mode];
  return (face, faces) =>
    kernels.depthwise(
      x.at(face) - origin,
      x.faceBytes,
      row,
      pixel,
      taps.address,
      taps.count,
      weights,
      bias,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      y.pixelBytes,
      faces,
      y.height,
      y.width,
      y.channels,
      mode,
    );
}

/** Adds the gradient of a depthwise convolution's weights to `out`; `y` is dy. */
export function depthwiseFilter(
  kernels: Kernels,
  args: Sliding & { out: number },
): Step {
  const { x, y: dy, taps, out } = args;
  const { origin, row, pixel } = strideOf(args);
  return (face, faces) =>
    kernels.depthwiseFilter(
      x.at(face) - origin,
      x.faceBytes,
      row,
      pixel,
      taps.address,
      taps.count,
      dy.at(face),
      dy.faceBytes,
      dy.rowBytes,
      dy.pixelBytes,
      out,
      faces,
      dy.height,
      dy.width,
      dy.channels,
    );
}

/** Adds dy (`y`) times the weights to the inputs (`x`) they came from. */
export function depthwiseInput(
  kernels: Kernels,
  args: Sliding & { weights: number },
): Step {
  const { x: dx, y: dy, taps, weights } = args;
  const { origin, row, pixel } = strideOf(args);
  return (face, faces) =>
    kernels.depthwiseInput(
      dx.at(face) - origin,
      dx.faceBytes,
      row,
      pixel,
      taps.address,
      taps.count,
      weights,
      dy.at(face),
      dy.faceBytes,
      dy.rowBytes,
      dy.pixelBytes,
      faces,
      dy.height,
      dy.width,
      dy.channels,
    );
}
