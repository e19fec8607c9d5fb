// Pads, shrinks, rotates and mirrors gray images. Where the result extends beyond the source, the
// source's edge pixels repeat. Not done by a library: Jimp has only RGBA, ImageMagick loads slowly.
// Face crops are in recognition/crop.ts, the layers of a search in haar/pyramid.ts.
import type { Size } from "./box.ts";
import type { GrayImage } from "./gray.ts";

const clamp = (value: number, limit: number) =>
  Math.min(Math.max(value, 0), limit - 1);

/**
 * The image with a border of repeated edge pixels.
 *
 * @param across pixels added on the left and on the right
 * @param down pixels added above and below
 *
 * @example
 * ```ts
 * import { padImage } from "mien/image/transform.ts";
 *
 * const image = { width: 2, height: 1, data: Uint8Array.of(3, 4) };
 * console.log(padImage(image, 1, 0).data); // 3, 3, 4, 4
 * ```
 */
export function padImage(
  image: GrayImage,
  across: number,
  down: number,
): GrayImage {
  const width = image.width + 2 * across, height = image.height + 2 * down;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = clamp(y - down, image.height) * image.width;
    const row = image.data.subarray(from, from + image.width);
    const to = data.subarray(y * width, (y + 1) * width);
    to.fill(row[0], 0, across);
    to.set(row, across);
    to.fill(row[row.length - 1], across + image.width);
  }
  return { width, height, data };
}

/**
 * The image shrunk by a whole factor: each pixel is the mean of `factor` x `factor`; the remainder
 * at the right and bottom is dropped.
 *
 * @param factor a whole number from 1 to the shorter side
 */
export function shrinkImage(image: GrayImage, factor: number): GrayImage {
  if (factor === 1) return image;
  const width = Math.floor(image.width / factor);
  const height = Math.floor(image.height / factor);
  const data = new Uint8Array(width * height);
  const half = factor * factor / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = half;
      for (let j = 0; j < factor; j++) {
        const from = (y * factor + j) * image.width + x * factor;
        for (let i = 0; i < factor; i++) sum += image.data[from + i];
      }
      data[y * width + x] = sum / (factor * factor);
    }
  }
  return { width, height, data };
}

/** The image with left and right swapped. */
export function mirrorImage({ width, height, data }: GrayImage): GrayImage {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      mirrored[y * width + x] = data[(y + 1) * width - 1 - x];
    }
  }
  return { width, height, data: mirrored };
}

/** A rotated image, and the mapping back. */
export interface TurnedImage extends GrayImage {
  /** The source position of a position in the rotated image. */
  toSource(x: number, y: number): { x: number; y: number };
}

/**
 * The image rotated about its center, with bilinear interpolation.
 *
 * @param degrees clockwise, as seen
 * @param size of the result; by default the whole image fits in
 *
 * @example
 * ```ts
 * import { turnImage } from "mien/image/transform.ts";
 *
 * const image = { width: 2, height: 2, data: Uint8Array.of(1, 2, 3, 4) };
 * console.log(turnImage(image, 90).data); // 3, 1, 4, 2
 * ```
 */
export function turnImage(
  image: GrayImage,
  degrees: number,
  size?: Size,
): TurnedImage {
  const angle = -degrees * Math.PI / 180;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const bound = (a: number, b: number) =>
    Math.ceil(a * Math.abs(cos) + b * Math.abs(sin) - 1e-9);
  const width = size?.width ?? bound(image.width, image.height);
  const height = size?.height ?? bound(image.height, image.width);
  const toSource = (x: number, y: number) => {
    const u = x - width / 2, v = y - height / 2;
    return {
      x: cos * u - sin * v + image.width / 2,
      y: sin * u + cos * v + image.height / 2,
    };
  };
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = toSource(0.5, y + 0.5);
    for (let x = 0; x < width; x++) {
      data[y * width + x] = 0.5 + sample(
        image,
        start.x + cos * x - 0.5,
        start.y + sin * x - 0.5,
      );
    }
  }
  return { width, height, data, toSource };
}

/** The gray value between four pixels. */
function sample({ width, height, data }: GrayImage, x: number, y: number) {
  const left = clamp(x, width), top = clamp(y, height);
  const x0 = Math.floor(left), y0 = Math.floor(top);
  const right = left - x0, down = top - y0;
  const next = x0 + 1 < width ? 1 : 0, below = y0 + 1 < height ? width : 0;
  const at = y0 * width + x0;
  return (data[at] * (1 - right) + data[at + next] * right) * (1 - down) +
    (data[at + below] * (1 - right) + data[at + below + next] * right) * down;
}
