// Where a network looks, found by covering parts of a face one after the
// other (Zeiler and Fergus, "Visualizing and Understanding Convolutional
// Networks", 2014). Grad-CAM, which uses the network's gradients, is in explain.ts.

import { EMOTIONS, FACE_PIXELS, FACE_SIZE } from "../emotions.ts";
import type { Recognizer } from "./recognizer.ts";

/** How much each part of a face matters for an emotion. */
export interface OcclusionMap {
  /** The number of positions in a row, and of rows. */
  readonly side: number;
  /** `side * side` values: the probability lost when that position is covered. */
  readonly loss: Float32Array;
  /** The probability with nothing covered. */
  readonly probability: number;
}

/**
 * Covers a face with a gray square at one position after another.
 *
 * @param crop 48 x 48 gray values
 * @param emotion one of the recognizer's
 * @param options.size the square's side in pixels (default 8)
 * @param options.step pixels from one position to the next (default 4)
 * @throws {RangeError} for an unknown emotion, or a square that does not fit
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
  options: { size?: number; step?: number } = {},
): OcclusionMap {
  const { size = 8, step = 4 } = options;
  const { emotions = EMOTIONS } = recognizer;
  const label = (emotions as readonly string[]).indexOf(emotion);
  if (label < 0) {
    throw new RangeError(
      `this network does not know "${emotion}", only ${emotions.join(", ")}`,
    );
  }
  if (
    crop.length !== FACE_PIXELS ||
    !(size >= 1 && size <= FACE_SIZE && step >= 1)
  ) {
    throw new RangeError(
      `a face must have ${FACE_PIXELS} pixels, the square a side of 1 to ` +
        `${FACE_SIZE} and the step at least 1, not ${crop.length}, ` +
        `${size} and ${step}`,
    );
  }
  const side = Math.floor((FACE_SIZE - size) / step) + 1;
  const mean = crop.reduce((sum, gray) => sum + gray, 0) / FACE_PIXELS;
  const covered = Array.from({ length: side * side }, (_, place) => {
    const left = place % side * step, top = Math.floor(place / side) * step;
    const face = crop.slice();
    for (let row = top; row < top + size; row++) {
      const start = row * FACE_SIZE + left;
      face.fill(Math.round(mean), start, start + size);
    }
    return face;
  });
  const [whole, ...parts] = recognizer.classify([crop, ...covered]);
  return {
    side,
    loss: Float32Array.from(parts, (p) => whole[label] - p[label]),
    probability: whole[label],
  };
}
