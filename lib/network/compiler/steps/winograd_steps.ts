// The steps of a three by three convolution by Winograd's method, F(4, 3) along its
// lines; the transforms are wasm/assembly/winograd.ts.

import type { Kernels } from "../../wasm/kernels.ts";
import type { PixelBuffer, Step } from "../buffers.ts";
import type { Taps } from "../layout.ts";
import { OUTPUT_MODE } from "./window_steps.ts";

/** Outputs of a line that are computed together, and the products they take. */
export const GROUP = 4;
export const POSITIONS = 6;

/** The share of each of a row's three weights in the six positions'. */
export const TRANSFORM: readonly (readonly number[])[] = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** Packed weights of each position; a bias of 0 is none. */
export interface WinogradKernel {
  weights: number[];
  bias: number;
}

/** What the six positions hold, before and after the products. */
export interface WinogradMaps {
  /** Positions x rows of the input x groups. */
  before: PixelBuffer;
  /** Positions x rows of the output x groups. */
  after: PixelBuffer;
}

/** y = convolution of x, whose first input is `origin` bytes before its own. */
export function winograd(
  kernels: Kernels,
  { x, y, origin, maps, taps, weights, bias, relu }:
    & { x: PixelBuffer; y: PixelBuffer; origin: number; maps: WinogradMaps }
    & { taps: Taps; relu: boolean }
    & WinogradKernel,
): Step {
  const { before, after } = maps;
  const rows = before.height / POSITIONS, groups = before.width;
  const beforeBytes = rows * before.rowBytes;
  const afterBytes = y.height * after.rowBytes;
  return (face, faces) => {
    kernels.winogradInput(
      x.at(face) - origin,
      x.faceBytes,
      x.rowBytes,
      before.at(face),
      faces,
      rows,
      groups,
      x.channels,
    );
    for (let f = face; f < face + faces; f++) {
      const from = before.at(face) + (f - face) * before.faceBytes;
      const to = after.at(face) + (f - face) * after.faceBytes;
      for (let position = 0; position < POSITIONS; position++) {
        kernels.conv(
          from + position * beforeBytes,
          0,
          0,
          before.pixelBytes,
          taps.address,
          taps.count,
          taps.floats,
          weights[position],
          0,
          to + position * afterBytes,
          0,
          0,
          after.pixelBytes,
          1,
          1,
          y.height * groups,
          y.channels / 8,
          OUTPUT_MODE.set,
        );
      }
    }
    kernels.winogradOutput(
      after.at(face),
      bias,
      y.at(face),
      y.faceBytes,
      y.rowBytes,
      faces,
      y.height,
      groups,
      y.channels,
      Number(relu),
    );
  };
}
