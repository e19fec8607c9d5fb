// Steps that copy pixels, or compute element by element.

import type { ActivationKind } from "../../graph.ts";
import type { Kernels } from "../../wasm/kernels.ts";
import type { PixelBuffer, Step } from "../buffers.ts";

/** The kernels' numbers of activations; softmax is computed outside, ReLU by `normalize`. */
const ACTIVATIONS: Record<Exclude<ActivationKind, "relu">, number> = {
  softmax: 0,
  sigmoid: 1,
  swish: 2,
  elu: 3,
  tanh: 4,
  leakyRelu: 5,
};

/** Copies pixels, or adds them, from buffer to buffer; borders stay. */
export function copy(
  kernels: Kernels,
  { from, to, adds }: { from: PixelBuffer; to: PixelBuffer; adds: boolean },
): Step {
  const bytes = from.width * from.pixelBytes;
  return (face, faces) =>
    kernels.copyRows(
      from.at(face),
      from.faceBytes,
      from.rowBytes,
      to.at(face),
      to.faceBytes,
      to.rowBytes,
      faces,
      from.height,
      bytes,
      Number(adds),
    );
}

/** Sets a buffer to zero, with its border. */
export function clear(kernels: Kernels, buffer: PixelBuffer): Step {
  return (face, faces) =>
    kernels.zero(buffer.start(face), faces * buffer.faceBytes);
}

/** Gives pixels of few channels room for a multiple of eight. */
export function spread(
  kernels: Kernels,
  { from, to }: { from: PixelBuffer; to: PixelBuffer },
): Step {
  return (face, faces) =>
    kernels.spread(
      from.at(face),
      from.channels,
      to.at(face),
      to.channels,
      faces * to.pixels,
    );
}

/** y = activation(x); with `dy`, the gradient of x into `y`. */
export function activate(
  kernels: Kernels,
  { kind, alpha = 0, x, y, dy }: {
    kind: keyof typeof ACTIVATIONS;
    alpha?: number;
    x: PixelBuffer;
    y: PixelBuffer;
    dy?: PixelBuffer;
  },
): Step {
  const number = ACTIVATIONS[kind];
  return (face, faces) => {
    const count = faces * x.floats;
    if (dy) {
      kernels.activateGradient(
        number,
        x.at(face),
        dy.at(face),
        y.at(face),
        count,
        alpha,
      );
    } else kernels.activate(number, x.at(face), y.at(face), count, alpha);
  };
}

/** y = x * factor, where the factor has as many pixels or one. */
export function multiply(
  kernels: Kernels,
  { x, factor, y }: { x: PixelBuffer; factor: PixelBuffer; y: PixelBuffer },
): Step {
  const [pixels, channels] = [x.pixels, x.channels];
  if (pixels === factor.pixels) {
    return (face, faces) =>
      kernels.multiply(
        x.at(face),
        factor.at(face),
        y.at(face),
        faces * x.floats,
      );
  }
  return (face, faces) =>
    kernels.multiplyChannels(
      x.at(face),
      factor.at(face),
      y.at(face),
      faces,
      pixels,
      channels,
    );
}

/** The gradient of a factor of one pixel: the sum over pixels of dy * x. */
export function multiplyChannelsGradient(
  kernels: Kernels,
  { x, dy, dx }: { x: PixelBuffer; dy: PixelBuffer; dx: PixelBuffer },
): Step {
  return (face, faces) =>
    kernels.multiplyChannelsGradient(
      x.at(face),
      dy.at(face),
      dx.at(face),
      faces,
      dy.pixels,
      dy.channels,
    );
}

/** Dropout of x, or of its gradient: the same for the same seed. */
export function drop(
  kernels: Kernels,
  { x, y, rate, seed }: {
    x: PixelBuffer;
    y: PixelBuffer;
    rate: number;
    seed: () => number;
  },
): Step {
  return (face, faces) =>
    kernels.drop(
      x.at(face),
      y.at(face),
      faces * x.floats,
      face * x.floats,
      seed(),
      rate,
    );
}
