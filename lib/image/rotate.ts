// A gray image rotated about its center.

import type { GrayImage } from "./gray.ts";

/**
 * Rotates an image about its center, keeping its size. Beyond its edges, the edge
 * pixels repeat; between pixels, values are interpolated (bilinear).
 *
 * @param degrees clockwise, as seen
 *
 * @example
 * ```ts
 * import { rotate } from "mien/image/rotate.ts";
 *
 * const image = { width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) };
 * console.log([...rotate(image, 180).data]); // [4, 3, 2, 1]
 * ```
 */
export function rotate(image: GrayImage, degrees: number): GrayImage {
  const { width, height, data } = image;
  const turned = new Uint8Array(width * height);
  const cos = Math.cos(degrees * Math.PI / 180);
  const sin = Math.sin(degrees * Math.PI / 180);
  const middleX = (width - 1) / 2, middleY = (height - 1) / 2;
  const pixel = (x: number, y: number) =>
    data[
      Math.min(height - 1, Math.max(0, y)) * width +
      Math.min(width - 1, Math.max(0, x))
    ];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const dx = column - middleX, dy = row - middleY;
      const x = cos * dx + sin * dy + middleX;
      const y = -sin * dx + cos * dy + middleY;
      const left = Math.floor(x), top = Math.floor(y);
      const partX = x - left, partY = y - top;
      turned[row * width + column] = Math.round(
        (pixel(left, top) * (1 - partX) + pixel(left + 1, top) * partX) *
            (1 - partY) +
          (pixel(left, top + 1) * (1 - partX) +
              pixel(left + 1, top + 1) * partX) * partY,
      );
    }
  }
  return { width, height, data: turned };
}
