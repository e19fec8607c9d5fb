// From gray pixels to what the network sees: 0..255 becomes -1..1.
//
// Training, evaluation, the notebooks and every program use this one scale; a network from another
// project may have a different one, which is saved with its model (model/emotions_of_model.ts). Finding, cropping and
// resizing a face is done elsewhere (recognition/recognize.ts); augmentation is in training/augment.ts.

import { FACE_PIXELS, FACE_SIZE } from "../emotions.ts";

/** One gray level, 0..255, as the network's input, -1..1. The reference divides by 255, subtracts 0.5 and doubles. */
export function scalePixel(gray: number): number {
  return gray / 127.5 - 1;
}

/** `scaledPixels[gray]` is {@linkcode scalePixel}`(gray)` in single precision. */
export const scaledPixels: Float32Array = Float32Array.from(
  { length: 256 },
  (_, gray) => scalePixel(gray),
);

/** What black and white become: `[-1, 1]` here, often `[0, 1]` elsewhere. */
export type Scale = readonly [black: number, white: number];

/** This project's scale. */
export const OWN_SCALE: Scale = [-1, 1];

/** All gray levels on a scale. */
function levels([black, white]: Scale): Float32Array {
  if (black === -1 && white === 1) return scaledPixels;
  return scaledPixels.map((v) => black + (v + 1) / 2 * (white - black));
}

/**
 * Scales gray pixels (any number of faces, row-major) into `output`, or into a new array.
 *
 * @example
 * ```ts
 * import { scalePixels } from "mien/network/input.ts";
 * scalePixels(Uint8Array.of(0, 255)); // Float32Array [-1, 1]
 * ```
 */
export function scalePixels(
  pixels: Uint8Array | Uint8ClampedArray,
  output: Float32Array = new Float32Array(pixels.length),
  scale: Scale = OWN_SCALE,
): Float32Array {
  const level = levels(scale);
  for (let i = 0; i < pixels.length; i++) output[i] = level[pixels[i]];
  return output;
}

/**
 * Writes `count` faces of 48x48 pixels, from face number `first` on, into a network's input, as they
 * are or mirrored left and right.
 */
export function fillInput(
  input: Float32Array,
  pixels: Uint8Array,
  first: number,
  count: number,
  mirror: boolean,
  scale: Scale = OWN_SCALE,
): void {
  const level = levels(scale);
  const from = first * FACE_PIXELS;
  if (!mirror) {
    scalePixels(
      pixels.subarray(from, from + count * FACE_PIXELS),
      input,
      scale,
    );
    return;
  }
  for (let i = 0; i < count * FACE_PIXELS; i++) {
    const column = i % FACE_SIZE;
    const place = i + FACE_SIZE - 1 - 2 * column;
    input[i] = level[pixels[from + place]];
  }
}

/** From this project's scale to the network's. */
export function rescale(input: Float32Array, [black, white]: Scale): void {
  if (black === OWN_SCALE[0] && white === OWN_SCALE[1]) return;
  for (let i = 0; i < input.length; i++) {
    input[i] = black + (input[i] + 1) / 2 * (white - black);
  }
}
