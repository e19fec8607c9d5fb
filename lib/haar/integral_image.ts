// Integral images: tables that give the sum of any rectangle of pixels with
// four lookups, however large it is. Upright, squared and tilted, as in Viola
// and Jones (2001) and Lienhart and Maydt (2002). This is the version to read;
// the fast one is lib/haar/wasm/assembly/integral.ts.
import type { GrayImage } from "../image/gray.ts";

/** The tables of one image, each `(width + 1) * (height + 1)`, row-major. */
export interface IntegralImage {
  /** Width of a table: the image's plus one. */
  readonly stride: number;
  /** Sum of all pixels above and left; wraps at 32 bits, as in OpenCV. */
  readonly sum: Int32Array;
  /** The same of the squared pixels; differences are unsigned. */
  readonly squared: Int32Array;
  /** Sum of the pixels in the cone that opens upwards from a point. */
  readonly tilted: Int32Array;
}

/**
 * Computes the three tables of a gray image.
 *
 * @example
 * ```ts
 * import { integralImage, rectangleSum } from "mien/haar/integral_image.ts";
 *
 * const image = { width: 2, height: 1, data: new Uint8Array([3, 4]) };
 * console.log(rectangleSum(integralImage(image), 0, 0, 2, 1)); // 7
 * ```
 */
export function integralImage(image: GrayImage): IntegralImage {
  const { width, height, data } = image;
  const stride = width + 1;
  const sum = new Int32Array(stride * (height + 1));
  const squared = new Int32Array(stride * (height + 1));
  const tilted = new Int32Array(stride * (height + 1));
  const pixel = (x: number, y: number) => y < 0 ? 0 : data[y * width + x];
  for (let y = 1; y <= height; y++) {
    let rowSum = 0;
    let rowSquared = 0;
    for (let x = 1; x <= width; x++) {
      const value = pixel(x - 1, y - 1);
      const i = y * stride + x;
      rowSum += value;
      rowSquared += value * value;
      sum[i] = sum[i - stride] + rowSum;
      squared[i] = squared[i - stride] + rowSquared;
    }
    // A cone is the two cones diagonally above, less what they share, plus
    // its own two tips; at the borders one of the two lies outside.
    const above = (y - 1) * stride;
    tilted[y * stride] = tilted[above + Math.min(1, width)];
    for (let x = 1; x <= width; x++) {
      const tips = pixel(x - 1, y - 1) + pixel(x - 1, y - 2);
      const right = x < width && y > 1
        ? tilted[above + x + 1] - tilted[above - stride + x]
        : 0;
      tilted[y * stride + x] = tilted[above + x - 1] + right + tips;
    }
  }
  return { stride, sum, squared, tilted };
}

/** Sums over a rectangle whose first corner is (x, y), with four lookups. */
export type RectangleSum = (
  integral: IntegralImage,
  x: number,
  y: number,
  width: number,
  height: number,
) => number;

/** The sum of an upright rectangle's pixels. */
export const rectangleSum: RectangleSum = (integral, x, y, w, h) =>
  corners(integral.sum, integral.stride, x, y, w, h);

/** The sum of an upright rectangle's squared pixels. */
export const squaredRectangleSum: RectangleSum = (integral, x, y, w, h) =>
  corners(integral.squared, integral.stride, x, y, w, h) >>> 0;

/**
 * The sum of a rectangle turned by 45 degrees: from its top corner (x, y) it
 * extends `width` pixels down and right and `height` pixels down and left.
 */
export const tiltedRectangleSum: RectangleSum = (integral, x, y, w, h) => {
  const { tilted, stride } = integral;
  const at = (x: number, y: number) => tilted[y * stride + x];
  return (at(x, y) - at(x - h, y + h) - at(x + w, y + w) +
    at(x + w - h, y + w + h)) | 0;
};

function corners(
  table: Int32Array,
  stride: number,
  x: number,
  y: number,
  width: number,
  height: number,
): number {
  const top = y * stride + x;
  const bottom = top + height * stride;
  return (table[top] - table[top + width] - table[bottom] +
    table[bottom + width]) | 0;
}
