// Steps of batch normalization with ReLU.

import type { Kernels } from "../../wasm/kernels.ts";
import type { PixelBuffer, Step } from "../buffers.ts";
import type { Affine } from "../layout.ts";

/** The lowest bound: no ReLU. */
const UNBOUNDED = -3.4028234663852886e38;

/** y = max(x * scale + shift + shortcut, 0 with ReLU); the inputs are dense. */
export function normalize(
  kernels: Kernels,
  { x, y, affine, relu, shortcut }: {
    x: PixelBuffer;
    y: PixelBuffer;
    affine: Affine;
    relu: boolean;
    shortcut?: PixelBuffer;
  },
): Step {
  const least = relu ? 0 : UNBOUNDED;
  return (face, faces) =>
    kernels.normalize(
      x.at(face),
      affine.scale,
      affine.shift,
      shortcut ? shortcut.at(face) : 0,
      least,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      faces,
      x.height,
      x.width,
      x.channels,
    );
}

/** Adds the sums of x - pivot and of its square to `sums`, doubles. */
export function moments(
  kernels: Kernels,
  { x, pivot, sums }: { x: PixelBuffer; pivot: number; sums: number },
): Step {
  return (face, faces) =>
    kernels.moments(x.at(face), faces * x.pixels, x.channels, pivot, sums);
}

/** The sums of a batch normalization's gradient, to `slopes`, doubles. */
export function normalizeSums(
  kernels: Kernels,
  { x, dy, mean, affine, relu, slopes }: {
    x: PixelBuffer;
    dy: PixelBuffer;
    mean: number;
    affine: Affine;
    relu: boolean;
    slopes: number;
  },
): Step {
  const least = relu ? 0 : UNBOUNDED;
  return (face, faces) =>
    kernels.normalizeSums(
      x.at(face),
      dy.at(face),
      faces * x.pixels,
      x.channels,
      mean,
      affine.scale,
      affine.shift,
      least,
      slopes,
    );
}

/** dx of a batch normalization with ReLU, or adds it. */
export function normalizeGradient(
  kernels: Kernels,
  { x, dy, dx, coefficients, relu, adds }: {
    x: PixelBuffer;
    dy: PixelBuffer;
    dx: PixelBuffer;
    coefficients: number;
    relu: boolean;
    adds: boolean;
  },
): Step {
  const least = relu ? 0 : UNBOUNDED;
  return (face, faces) =>
    kernels.normalizeGradient(
      x.at(face),
      dy.at(face),
      coefficients,
      least,
      dx.at(face),
      dx.faceBytes,
      dx.rowBytes,
      faces,
      x.height,
      x.width,
      x.channels,
      Number(adds),
    );
}
