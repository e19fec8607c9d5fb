/**
 * From a face's box to the 48 x 48 gray crop that a network sees.
 *
 * The box is made square about its center, widened by a margin, and resampled
 * with a triangle filter that grows with the shrinking factor, so that large
 * faces do not alias. Outside the picture, its edge pixels repeat. It is computed
 * here so that Deno and browsers get the same pixels. Scaling to the network's
 * range is in `network/input.ts`.
 *
 * @module
 */
import type { Box } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import { FACE_SIZE } from "../emotions.ts";

/**
 * How far the crop extends beyond the detector's box on each side, as a
 * fraction of the box's side; negative values cut into the box.
 *
 * Measured with bench/crop_margin.ts on 1,489 faces of FER-2013's PublicTest:
 * the detector's box is as large as the data's crop (median 0.984 of its
 * side, quartiles 0.911 and 1.047) and centered on it (median off by 0.003
 * of the side across, 0.000 down). A margin of 0.008 would be exact. With
 * `models/photographs`, 59.4 % of these faces are right at margin -0.1, 61.7 % at
 * -0.05, 62.8 % at 0, 61.7 % at 0.05, 60.0 % at 0.1 and 57.4 % at 0.2; with the
 * data's own crops 63.3 %. `models/distilled`, which was not trained on crops like
 * the detector's, gets 67.2 % at 0 and 70.1 % with the data's own.
 */
const CROP_MARGIN = 0;

/** The square that a crop covers; it may extend beyond the picture. */
export function cropRegion(box: Box, margin: number = CROP_MARGIN): Box {
  const side = Math.max(box.width, box.height) * (1 + 2 * margin);
  return {
    x: box.x + (box.width - side) / 2,
    y: box.y + (box.height - side) / 2,
    width: side,
    height: side,
  };
}

/**
 * The face in a box as 48 x 48 gray pixels, 0 to 255, row by row.
 *
 * @param margin how far the crop extends beyond the box, as a fraction of its side; default 0
 *
 * @example
 * ```ts
 * import { cropFace } from "mien/recognition/crop.ts";
 * const flat = { width: 96, height: 96, data: new Uint8Array(9216).fill(7) };
 * cropFace(flat, { x: 0, y: 0, width: 96, height: 96 })[0]; // 7
 * ```
 */
export function cropFace(
  image: GrayImage,
  box: Box,
  margin: number = CROP_MARGIN,
): Uint8Array {
  const region = cropRegion(box, margin);
  const columns = filterTaps(region.x, region.width, image.width);
  const rows = filterTaps(region.y, region.height, image.height);
  const { width, data } = image;

  // Across: [rows that are needed] x 48.
  const top = Math.min(...rows.map((taps) => taps.start));
  const bottom = Math.max(...rows.map((t) => t.start + t.weights.length));
  const across = new Float32Array((bottom - top) * FACE_SIZE);
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < FACE_SIZE; x++) {
      const { start, weights } = columns[x];
      let sum = 0;
      for (let k = 0, at = y * width + start; k < weights.length; k++) {
        sum += weights[k] * data[at++];
      }
      across[(y - top) * FACE_SIZE + x] = sum;
    }
  }
  // Down: 48 x 48.
  const crop = new Uint8Array(FACE_SIZE * FACE_SIZE);
  for (let y = 0; y < FACE_SIZE; y++) {
    const { start, weights } = rows[y];
    for (let x = 0; x < FACE_SIZE; x++) {
      let sum = 0.5;
      for (let k = 0, at = (start - top) * FACE_SIZE + x; k < weights.length;) {
        sum += weights[k++] * across[at];
        at += FACE_SIZE;
      }
      crop[y * FACE_SIZE + x] = sum;
    }
  }
  return crop;
}

interface Taps {
  /** The first source pixel. */
  readonly start: number;
  /** Weights of the source pixels from `start` on; they sum to 1. */
  readonly weights: Float32Array;
}

/** For each of 48 target pixels, the source pixels it averages. */
function filterTaps(from: number, length: number, limit: number): Taps[] {
  const scale = length / FACE_SIZE;
  const reach = Math.max(scale, 1);
  return Array.from({ length: FACE_SIZE }, (_, i) => {
    const center = from + (i + 0.5) * scale - 0.5;
    const first = Math.ceil(center - reach), last = Math.floor(center + reach);
    const clamp = (p: number) => Math.min(Math.max(p, 0), limit - 1);
    const start = clamp(first);
    const weights = new Float32Array(clamp(last) - start + 1);
    let total = 0;
    for (let p = first; p <= last; p++) {
      const weight = 1 - Math.abs(p - center) / reach;
      weights[clamp(p) - start] += weight;
      total += weight;
    }
    for (let k = 0; k < weights.length; k++) weights[k] /= total;
    return { start, weights };
  });
}
