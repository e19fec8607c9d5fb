// The pyramid: a detector of fixed size finds faces of every size by searching
// smaller and smaller copies of the image. The layers' sizes and steps and the
// copies' pixels are OpenCV's to the last bit, which no library here gives.
// lib/haar/wasm/assembly/layer.ts is the fast version of the resizing.
import type { Size } from "../image/box.ts";
import { type GrayImage, roundHalfEven } from "../image/gray.ts";

/** What decides which layers are searched: OpenCV's names and meaning. */
export interface PyramidOptions {
  /** How much smaller each layer is than the one before; above 1. */
  readonly scaleFactor: number;
  /** Smallest window in pixels of the image; zero sides set no limit. */
  readonly minSize: Size;
  /** Largest window in pixels of the image; a zero side is the image's. */
  readonly maxSize: Size;
}

/** A layer: the image, this many times smaller. */
export interface Layer extends Size {
  /** The image's size over the layer's (a 32-bit float). */
  readonly scale: number;
  /** Pixels of the layer from one window to the next: 2, or 1 from scale 2. */
  readonly step: number;
  /** Windows start at x below this. */
  readonly columns: number;
  /** Windows start at y below this. */
  readonly rows: number;
}

/**
 * The layers in which a window of `window` pixels searches an image.
 *
 * @example
 * ```ts
 * import { pyramidLayers } from "mien/haar/pyramid.ts";
 *
 * const none = { width: 0, height: 0 };
 * const options = { scaleFactor: 2, minSize: none, maxSize: none };
 * const image = { width: 50, height: 50 };
 * const layers = pyramidLayers(image, { width: 24, height: 24 }, options);
 * console.log(layers.map((layer) => layer.width)); // [50, 25]
 * ```
 */
export function pyramidLayers(
  image: Size,
  window: Size,
  options: PyramidOptions,
): Layer[] {
  const scales = pyramidScales(image, window, options);
  const sizes = scales.map((scale) => ({
    width: roundHalfEven(Math.fround(image.width / scale)),
    height: roundHalfEven(Math.fround(image.height / scale)),
  }));
  return sizes.map(({ width, height }, i) => {
    const step = scales[i] >= 2 ? 1 : 2;
    const columns = Math.max(0, width - window.width + 1);
    const stripes = Math.ceil((sizes[0].width - window.width + 1) / 32);
    const rows = scanRows(height - window.height + 1, step, stripes);
    return { scale: scales[i], width, height, step, columns, rows };
  });
}

/**
 * The rows that OpenCV searches. It divides each layer into stripes for its
 * threads, one per 32 columns of the first layer, and so can lose the last row.
 */
function scanRows(rows: number, step: number, stripes: number): number {
  const perStripe = Math.floor(
    (Math.floor(rows / step) + stripes - 1) / stripes,
  );
  return Math.max(0, Math.min(rows, stripes * Math.max(perStripe, 1) * step));
}

function pyramidScales(
  image: Size,
  window: Size,
  { scaleFactor, minSize, maxSize }: PyramidOptions,
): number[] {
  const most = {
    width: maxSize.width === 0 ? image.width : maxSize.width,
    height: maxSize.height === 0 ? image.height : maxSize.height,
  };
  const all: number[] = [];
  for (let factor = 1;; factor *= scaleFactor) {
    const width = roundHalfEven(window.width * factor);
    const height = roundHalfEven(window.height * factor);
    if (width > image.width || height > image.height) break;
    all.push(Math.fround(factor));
  }
  const sizeAt = (scale: number): Size => ({
    width: scaled(window.width, scale),
    height: scaled(window.height, scale),
  });
  const kept: number[] = [];
  for (const scale of all) {
    const { width, height } = sizeAt(scale);
    if (width > most.width || height > most.height) break;
    if (width < minSize.width || height < minSize.height) continue;
    kept.push(scale);
  }
  if (kept.length > 0 || all.length === 0) return kept;
  const distance = (scale: number) => {
    const { width, height } = sizeAt(scale);
    return (minSize.width - width) ** 2 + (minSize.height - height) ** 2;
  };
  return [all.reduce((a, b) => distance(b) < distance(a) ? b : a)];
}

/** A length in a layer as one in the image. */
export function scaled(length: number, scale: number): number {
  return roundHalfEven(Math.fround(length * scale));
}

/**
 * Resizes bilinearly like OpenCV's `INTER_LINEAR_EXACT`: weights in 8 bits of
 * fraction, so that the result is the same on every machine.
 */
export function resizeExact(
  image: GrayImage,
  width: number,
  height: number,
): GrayImage {
  if (width === image.width && height === image.height) {
    return { width, height, data: image.data.slice() };
  }
  const columns = Array.from(
    { length: width },
    (_, x) => blend(x, image.width, width),
  );
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = blend(y, image.height, height);
    for (let x = 0; x < width; x++) {
      const { first, second, weight } = columns[x];
      const across = (row: number) =>
        image.data[row * image.width + first] * (256 - weight) +
        image.data[row * image.width + second] * weight;
      data[y * width + x] = (across(row.first) * (256 - row.weight) +
        across(row.second) * row.weight + 32768) >> 16;
    }
  }
  return { width, height, data };
}

/** Which two source pixels make a pixel of a row or column: `weight` / 256 of the second. */
export function blend(
  pixel: number,
  source: number,
  target: number,
): { first: number; second: number; weight: number } {
  const scale = 1 / (target / source);
  const place = scale * (pixel + 0.5) - 0.5;
  const first = Math.floor(place), last = source - 1;
  if (first < 0) return { first: 0, second: 0, weight: 0 };
  if (first >= last) return { first: last, second: last, weight: 0 };
  const weight = roundHalfEven((place - first) * 256);
  return { first, second: first + 1, weight };
}
