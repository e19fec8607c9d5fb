// Where a network looks, found by covering parts of a face one after the
// other (Zeiler and Fergus, "Visualizing and Understanding Convolutional
// Networks", 2014). Grad-CAM, which uses the network's gradients, is in explain.ts.

import { EMOTIONS, FACE_PIXELS, FACE_SIZE } from "../emotions.ts";
import type { Recognizer } from "./recognizer.ts";

/** The side of the square and the distance between positions, in pixels. */
const SQUARE = 8, STEP = 4;

/** How much each part of a face matters for an emotion. */
export interface OcclusionMap {
  /** The number of positions in a row, and of rows. */
  readonly side: number;
  /** `side * side` values: the probability lost when that position is covered. */
  readonly loss: Float32Array;
  /** The probability with nothing covered. */
  readonly probability: number;
}

/** A face with a square of 8 x 8 pixels in its mean gray; (x, y) is the square's corner. */
export function coverFace(crop: Uint8Array, x: number, y: number): Uint8Array {
  const mean = crop.reduce((sum, gray) => sum + gray, 0) / FACE_PIXELS;
  const face = crop.slice();
  for (let row = y; row < y + SQUARE; row++) {
    const start = row * FACE_SIZE + x;
    face.fill(Math.round(mean), start, start + SQUARE);
  }
  return face;
}

/**
 * Covers a face with a gray square of 8 x 8 pixels, in steps of 4 pixels.
 *
 * @param crop 48 x 48 gray values
 * @param emotion one of the recognizer's
 * @throws {RangeError} for an unknown emotion, or a face of another size
 *
 * @example
 * ```ts
 * import { occlusionMap } from "mien/recognition/occlusion.ts";
 * import { loadRecognizer } from "mien/recognition/recognize.ts";
 *
 * const recognizer = await loadRecognizer();
 * const { side } = occlusionMap(recognizer, new Uint8Array(48 * 48), "happy");
 * console.log(side); // 11
 * ```
 */
export function occlusionMap(
  recognizer: Pick<Recognizer, "classify"> & Partial<Recognizer>,
  crop: Uint8Array,
  emotion: string,
): OcclusionMap {
  const { emotions = EMOTIONS } = recognizer;
  const label = (emotions as readonly string[]).indexOf(emotion);
  if (label < 0) {
    throw new RangeError(
      `this network does not know "${emotion}", only ${emotions.join(", ")}`,
    );
  }
  if (crop.length !== FACE_PIXELS) {
    throw new RangeError(
      `a face must have ${FACE_PIXELS} pixels, not ${crop.length}`,
    );
  }
  const side = (FACE_SIZE - SQUARE) / STEP + 1;
  const covered = Array.from(
    { length: side * side },
    (_, place) =>
      coverFace(crop, place % side * STEP, Math.floor(place / side) * STEP),
  );
  const [whole, ...parts] = recognizer.classify([crop, ...covered]);
  return {
    side,
    loss: Float32Array.from(parts, (p) => whole[label] - p[label]),
    probability: whole[label],
  };
}
