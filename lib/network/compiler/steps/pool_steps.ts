// Steps of pooling, over windows and over whole maps.

import type { Window } from "../../graph.ts";
import type { Kernels } from "../../wasm/kernels.ts";
import type { PixelBuffer, Step } from "../buffers.ts";
import type { Affine } from "../layout.ts";

/**
 * y = max over the window of (x * affine), plus the shortcut's input if any. With
 * `places`, y is x at the maximum, and `places` its place within its window, a byte each.
 */
export function maxPool(
  kernels: Kernels,
  { window, x, y, affine, shortcut, places }: {
    window: Window;
    x: PixelBuffer;
    y: PixelBuffer;
    affine: Affine;
    shortcut?: { from: PixelBuffer; affine: Affine };
    places?: PixelBuffer;
  },
): Step {
  const { size, strides, top, left } = window;
  return (face, faces) =>
    kernels.maxPool(
      x.at(face),
      x.height,
      x.width,
      x.channels,
      affine.scale,
      affine.shift,
      shortcut ? shortcut.from.at(face) : 0,
      shortcut ? shortcut.affine.scale : 0,
      shortcut ? shortcut.affine.shift : 0,
      size[0],
      size[1],
      strides[0],
      strides[1],
      top,
      left,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      places ? places.at(face) : 0,
      faces,
      y.height,
      y.width,
    );
}

/** dx of max pooling, and of the batch normalization before it if any. */
export function maxPoolGradient(
  kernels: Kernels,
  { window, normalized, places, dy, dx }: {
    window: Window;
    normalized: { x: PixelBuffer; coefficients: number } | null;
    places: PixelBuffer;
    dy: PixelBuffer;
    dx: PixelBuffer;
  },
): Step {
  const { size, strides, top, left } = window;
  return (face, faces) =>
    kernels.maxPoolGradient(
      normalized ? normalized.x.at(face) : 0,
      dx.height,
      dx.width,
      dx.channels,
      normalized ? normalized.coefficients : 0,
      size[0],
      size[1],
      strides[0],
      strides[1],
      top,
      left,
      dy.at(face),
      places.at(face),
      dx.at(face),
      faces,
      dy.height,
      dy.width,
    );
}

/** y = mean over the part of each window that lies inside x. */
export function averagePool(
  kernels: Kernels,
  { window, x, y }: { window: Window; x: PixelBuffer; y: PixelBuffer },
): Step {
  const { size, strides, top, left } = window;
  return (face, faces) =>
    kernels.averagePool(
      x.at(face),
      x.faceBytes,
      x.rowBytes,
      x.height,
      x.width,
      x.channels,
      size[0],
      size[1],
      strides[0],
      strides[1],
      top,
      left,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      faces,
      y.height,
      y.width,
    );
}

/** Adds dy, spread over each window, to dx. */
export function averagePoolGradient(
  kernels: Kernels,
  { window, dy, dx }: { window: Window; dy: PixelBuffer; dx: PixelBuffer },
): Step {
  const { size, strides, top, left } = window;
  return (face, faces) =>
    kernels.averagePoolGradient(
      dy.at(face),
      dx.height,
      dx.width,
      dx.channels,
      size[0],
      size[1],
      strides[0],
      strides[1],
      top,
      left,
      dx.at(face),
      faces,
      dy.height,
      dy.width,
    );
}

/** y = mean over all pixels of x. */
export function globalAverage(
  kernels: Kernels,
  { x, y }: { x: PixelBuffer; y: PixelBuffer },
): Step {
  return (face, faces) =>
    kernels.globalAverage(
      x.at(face),
      x.faceBytes,
      x.rowBytes,
      y.at(face),
      faces,
      x.height,
      x.width,
      x.channels,
    );
}

/** dx = dy / pixels, or adds it. */
export function globalAverageGradient(
  kernels: Kernels,
  { dy, dx, adds }: { dy: PixelBuffer; dx: PixelBuffer; adds: boolean },
): Step {
  return (face, faces) =>
    kernels.globalAverageGradient(
      dy.at(face),
      dx.at(face),
      faces,
      dx.pixels,
      dx.channels,
      Number(adds),
    );
}
