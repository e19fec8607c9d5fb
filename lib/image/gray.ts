// Gray images: the type, conversion from color and histogram equalization. No
// library here gives OpenCV's values to the last bit. image.ts reads files.

/** An 8-bit gray image. */
export interface GrayImage {
  /** In pixels, at least 1. */
  readonly width: number;
  /** In pixels, at least 1. */
  readonly height: number;
  /** `width * height` values 0 to 255, row-major. */
  readonly data: Uint8Array;
}

/** An image of red, green, blue and alpha, 8 bits each: a canvas's ImageData. */
export interface ColorImage {
  readonly width: number;
  readonly height: number;
  /** `width * height * 4` values, row-major; alpha is ignored. */
  readonly data: Uint8ClampedArray | Uint8Array;
}

/**
 * Converts color to gray with OpenCV's weights (`cvtColor`, `BGR2GRAY`):
 * 0.299 red, 0.587 green and 0.114 blue in 15 bits of fraction.
 *
 * @param into a buffer to write to, instead of a new one; `width * height` values
 * @throws {RangeError} if the sizes do not match
 *
 * @example
 * ```ts
 * import { toGray } from "mien/image/gray.ts";
 *
 * const data = new Uint8Array([255, 0, 0, 255]);
 * console.log(toGray({ width: 1, height: 1, data }).data[0]); // 76
 * ```
 */
export function toGray(
  image: ColorImage,
  into: Uint8Array = new Uint8Array(image.width * image.height),
): GrayImage {
  const { width, height, data } = image;
  const pixels = width * height;
  if (data.length !== pixels * 4 || into.length !== pixels) {
    throw new RangeError(
      `${width}x${height} pixels need ${pixels * 4} values of color and ` +
        `${pixels} of gray, not ${data.length} and ${into.length}`,
    );
  }
  for (let i = 0, c = 0; i < pixels; i++, c += 4) {
    into[i] = (9798 * data[c] + 19235 * data[c + 1] + 3735 * data[c + 2] +
      16384) >> 15;
  }
  return { width, height, data: into };
}

/**
 * Spreads the gray values evenly over 0 to 255 (OpenCV's `equalizeHist`), so
 * that dark and pale pictures look alike to a detector.
 *
 * @returns a new image; of a uniform image, a copy
 */
export function equalizeHistogram(image: GrayImage): GrayImage {
  const { width, height, data } = image;
  const counts = new Uint32Array(256);
  for (const value of data) counts[value]++;
  const first = counts.findIndex((count) => count > 0);
  const others = data.length - (first < 0 ? 0 : counts[first]);
  if (others === 0) return { width, height, data: data.slice() };
  const scale = Math.fround(255 / others);
  const levels = new Uint8Array(256);
  let below = 0;
  for (let value = first + 1; value < 256; value++) {
    below += counts[value];
    levels[value] = roundHalfEven(
      Math.fround(Math.fround(below) * scale),
    );
  }
  return { width, height, data: data.map((value) => levels[value]) };
}

/** Rounds to the nearest integer, halves to the even one (`cvRound`). */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
