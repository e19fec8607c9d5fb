// Haar features: weighted sums of rectangles in a window, made independent of
// the picture's contrast. All numbers are rounded where OpenCV rounds them.
// lib/haar/wasm/assembly/stage.ts tries many windows at once.
import type { Cascade, HaarFeature } from "./cascade.ts";
import {
  type IntegralImage,
  rectangleSum,
  squaredRectangleSum,
  tiltedRectangleSum,
} from "./integral_image.ts";

/**
 * The value of a feature in the window at (x, y), before normalizing: a 32-bit
 * float.
 *
 * @example
 * ```ts
 * import { featureValue } from "mien/haar/feature.ts";
 * import { integralImage } from "mien/haar/integral_image.ts";
 *
 * const image = { width: 2, height: 1, data: new Uint8Array([3, 10]) };
 * const rectangle = { x: 0, y: 0, width: 1, height: 1 };
 * const left = { ...rectangle, weight: -1 };
 * const right = { ...rectangle, x: 1, weight: 1 };
 * const feature = { rectangles: [left, right], tilted: false };
 * console.log(featureValue(feature, integralImage(image), 0, 0)); // 7
 * ```
 */
export function featureValue(
  feature: HaarFeature,
  integral: IntegralImage,
  x: number,
  y: number,
): number {
  const sumOf = feature.tilted ? tiltedRectangleSum : rectangleSum;
  return feature.rectangles.reduce((value, r) => {
    const sum = sumOf(integral, x + r.x, y + r.y, r.width, r.height);
    return Math.fround(value + Math.fround(r.weight * Math.fround(sum)));
  }, 0);
}

/**
 * The factor that normalizes a window's feature values: one over the standard
 * deviation of its pixels (without a border of one) times their number. `null`
 * if the window has too little contrast to be searched.
 */
export function windowNorm(
  cascade: Pick<Cascade, "width" | "height">,
  integral: IntegralImage,
  x: number,
  y: number,
): number | null {
  const width = cascade.width - 2;
  const height = cascade.height - 2;
  const area = width * height;
  const sum = rectangleSum(integral, x + 1, y + 1, width, height);
  const squared = squaredRectangleSum(integral, x + 1, y + 1, width, height);
  const variance = area * squared - sum * sum;
  if (variance <= 0) return null;
  const norm = Math.fround(1 / Math.sqrt(variance));
  return area * norm < 0.1 ? norm : null;
}
