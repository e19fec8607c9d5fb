// Boxes and sizes in pixels, the overlap of two boxes, and how large an image may be.

/** A width and a height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rectangle in pixels; (x, y) is its top left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The most pixels of an image that is read or searched: 50 megapixels. */
export const MAX_PIXELS = 50_000_000;

/** The most pixels along one side of an image that is read. */
export const MAX_SIDE = 32_767;

/** Why a picture of this size is not read; `undefined` if it is. */
export function explainSize(width: number, height: number): string | undefined {
  const size = `${width} x ${height}`;
  if (width * height === 0) return `has no pixels (${size})`;
  const limit = `more than the limit of ${MAX_PIXELS / 1e6}`;
  if (width * height > MAX_PIXELS) {
    const millions = (width * height / 1e6).toFixed(1);
    return `has ${millions} megapixels (${size}), ${limit}: make it smaller`;
  }
  if (Math.max(width, height) > MAX_SIDE) {
    return `is ${size}: a side may have at most ${
      MAX_SIDE.toLocaleString("en")
    } pixels; cut it into parts`;
  }
}

/** The box in a picture that is `factor` times as large. */
export function scaleBox({ x, y, width, height }: Box, factor: number): Box {
  return {
    x: x * factor,
    y: y * factor,
    width: width * factor,
    height: height * factor,
  };
}

/** The area two boxes share divided by the area they cover together, 0 to 1. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
