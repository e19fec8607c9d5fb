// From gray pixels to what the network sees: 0..255 becomes -1..1.
//
// Training, evaluation, the notebooks and every program use this one scale. Finding, cropping and
// resizing a face is done elsewhere (recognition/recognize.ts); moving it about at random in training/augment.ts.

import { FACE_PIXELS, FACE_SIZE } from "../emotions.ts";

/** One gray level, 0..255, as the network's input, -1..1. The reference divides by 255, takes 0.5 off and doubles. */
export function scalePixel(gray: number): number {
  return gray / 127.5 - 1;
}

/** `scaledPixels[gray]` is {@linkcode scalePixel}`(gray)` in single precision. */
export const scaledPixels: Float32Array = Float32Array.from(
  { length: 256 },
  (_, gray) => scalePixel(gray),
);

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
): Float32Array {
  for (let i = 0; i < pixels.length; i++) output[i] = scaledPixels[pixels[i]];
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
): void {
  const from = first * FACE_PIXELS;
  if (!mirror) {
    scalePixels(pixels.subarray(from, from + count * FACE_PIXELS), input);
    return;
  }
  for (let i = 0; i < count * FACE_PIXELS; i++) {
    const column = i % FACE_SIZE;
    const place = i + FACE_SIZE - 1 - 2 * column;
    input[i] = scaledPixels[pixels[from + place]];
  }
}
