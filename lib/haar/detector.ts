// Face detection with Haar cascades (Viola and Jones, 2001): the rectangles
// that OpenCV's CascadeClassifier gives, to the pixel, from a WebAssembly core
// in lib/haar/wasm. Runs in Deno, in workers and in browsers, each with its
// own detector. The readable version is search.ts. LBP cascades and color are
// left out.
import { type Box, MAX_PIXELS, type Size } from "../image/box.ts";
import type { Cascade } from "./cascade.ts";
import { frontalFaceCascade } from "./frontal_face.ts";
import type { GrayImage } from "../image/gray.ts";
import { type HaarExports, HaarMemory, type HaarPlan } from "./fast/memory.ts";
import { pyramidLayers, type PyramidOptions, scaled } from "./pyramid.ts";
import { RectangleGrouper } from "./fast/grouping.ts";
import { loadModule } from "../load_wasm.ts";

/** What to search for; names, meaning and defaults are OpenCV's. */
export interface DetectOptions {
  /** How much larger the window is from layer to layer; default 1.1. */
  readonly scaleFactor?: number;
  /** How many similar rectangles a face needs besides one; default 3; 0: raw. */
  readonly minNeighbors?: number;
  /** Smallest face in pixels; default 0x0, no limit. */
  readonly minSize?: Size;
  /** Largest face in pixels; default 0x0; a side of 0 sets no limit. */
  readonly maxSize?: Size;
}

/** A face, in pixels of the image. */
export interface Detection extends Box {
  /** How many raw rectangles it averages; more of them make it more certain. */
  readonly neighbors: number;
  /** The largest sum of votes in the last stage among these. */
  readonly score: number;
}

/** The defaults, OpenCV's. */
export const DETECT_DEFAULTS = {
  scaleFactor: 1.1,
  minNeighbors: 3,
  minSize: { width: 0, height: 0 },
  maxSize: { width: 0, height: 0 },
};

const EMPTY = new Int32Array(0);

/**
 * Searches image after image with one cascade. Images of the same size with the
 * same options share all preparations, so that only the answer is allocated.
 *
 * @example
 * ```ts
 * import { drawScene } from "mien/drawn/scene.ts";
 * import { CascadeDetector } from "mien/haar/detector.ts";
 *
 * const detector = await CascadeDetector.create();
 * for (const seed of [1, 2, 3]) {
 *   const { image } = drawScene({ width: 320, height: 240, faces: 2, seed });
 *   console.log(detector.detect(image));
 * }
 * ```
 */
export class CascadeDetector {
  readonly cascade: Cascade;
  readonly #memory: HaarMemory;
  readonly #exports: HaarExports;
  readonly #grouper = new RectangleGrouper();
  #plan: HaarPlan | undefined;
  #planned = { width: 0, height: 0, ...DETECT_DEFAULTS };
  #capacity = 4096;
  #raw = EMPTY;
  #rawScores = new Float64Array(0);

  private constructor(
    cascade: Cascade,
    memory: WebAssembly.Memory,
    exports: HaarExports,
  ) {
    this.cascade = cascade;
    this.#memory = new HaarMemory(cascade, memory, exports);
    this.#exports = exports;
  }

  /**
   * Loads the compiled core.
   *
   * @param cascade what to look for; frontal faces by default
   * @param wasm the folder of `haar.wasm` and `haar_simd.wasm`, if they are not
   *   beside this module, as in a bundled page
   * @throws {Error} if the core cannot be read or the engine has no SIMD
   */
  static async create(
    cascade: Cascade = frontalFaceCascade(),
    wasm: string | URL = new URL("./wasm/", import.meta.url),
  ): Promise<CascadeDetector> {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const exports = await loadModule<HaarExports>(wasm, "haar", memory);
    return new CascadeDetector(cascade, memory, exports);
  }

  /**
   * Finds objects in a gray image.
   *
   * @returns the objects, grouped, in the order of the windows that found them
   * @throws {RangeError} naming a bad option or image size
   */
  detect(image: GrayImage, options: DetectOptions = {}): Detection[] {
    checkImage(image);
    checkOptions(options);
    const count = this.#group(image, options, this.#search(image, options));
    const { boxes, neighbors, scores } = this.#grouper;
    const found: Detection[] = [];
    for (let i = 0; i < count; i++) {
      found.push({
        x: boxes[4 * i],
        y: boxes[4 * i + 1],
        width: boxes[4 * i + 2],
        height: boxes[4 * i + 3],
        neighbors: neighbors[i],
        score: scores[i],
      });
    }
    return found;
  }

  /** Finds raw rectangles; returns their number. */
  #search(image: GrayImage, options: DetectOptions): number {
    let plan = this.#preparedFor(image, options);
    this.#run(plan, image);
    let count = this.#exports.countFound();
    if (count > plan.capacity) {
      this.#capacity = 2 * count;
      this.#plan = undefined;
      plan = this.#preparedFor(image, options);
      this.#run(plan, image);
      count = this.#exports.countFound();
    }
    this.#readFound(plan, count);
    return count;
  }

  /** Groups the first `count` raw rectangles and clips the groups to the image. */
  #group(image: Size, options: DetectOptions, count: number): number {
    const { minNeighbors = DETECT_DEFAULTS.minNeighbors } = options;
    const groups = this.#grouper
      .group(this.#raw, this.#rawScores, count, minNeighbors);
    const { boxes } = this.#grouper;
    for (let i = 0; i < 4 * groups; i += 4) {
      boxes[i + 2] = Math.min(boxes[i + 2], image.width - boxes[i]);
      boxes[i + 3] = Math.min(boxes[i + 3], image.height - boxes[i + 1]);
    }
    return groups;
  }

  #preparedFor(image: GrayImage, options: DetectOptions): HaarPlan {
    const {
      scaleFactor = DETECT_DEFAULTS.scaleFactor,
      minSize = DETECT_DEFAULTS.minSize,
      maxSize = DETECT_DEFAULTS.maxSize,
    } = options;
    const { width, height } = image;
    const last = this.#planned;
    const same = last.width === width && last.height === height &&
      last.scaleFactor === scaleFactor && isSame(last.minSize, minSize) &&
      isSame(last.maxSize, maxSize);
    if (this.#plan && same) return this.#plan;
    const wanted: PyramidOptions = {
      scaleFactor,
      minSize: { ...minSize },
      maxSize: { ...maxSize },
    };
    this.#planned = { ...DETECT_DEFAULTS, ...wanted, width, height };
    const layers = pyramidLayers(image, this.cascade, wanted);
    this.#plan = this.#memory.plan({ width, height }, layers, this.#capacity);
    return this.#plan;
  }

  #run(plan: HaarPlan, image: GrayImage): void {
    plan.image.set(image.data);
    this.#exports.restart();
    for (let i = 0; i < plan.layers.length; i++) {
      const layer = plan.layers[i];
      if (layer.rows === 0 || layer.columns === 0) continue;
      this.#exports.searchLayer(
        i,
        layer.width,
        layer.step,
        layer.columns,
        layer.rows,
        layer.columnBlends,
        layer.rowBlends,
      );
    }
  }

  #readFound(plan: HaarPlan, count: number): void {
    if (this.#rawScores.length < count) {
      const room = 2 ** Math.ceil(Math.log2(Math.max(count, 256)));
      this.#raw = new Int32Array(4 * room);
      this.#rawScores = new Float64Array(room);
    }
    const { found, scores, layers } = plan;
    const { width, height } = this.cascade;
    for (let i = 0; i < count; i++) {
      const { scale } = layers[found[6 * i]];
      this.#raw[4 * i] = scaled(found[6 * i + 1], scale);
      this.#raw[4 * i + 1] = scaled(found[6 * i + 2], scale);
      this.#raw[4 * i + 2] = scaled(width, scale);
      this.#raw[4 * i + 3] = scaled(height, scale);
      this.#rawScores[i] = scores[3 * i + 2];
    }
  }
}

function isSame(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

function checkImage({ width, height, data }: GrayImage): void {
  const sides = Number.isInteger(width) && Number.isInteger(height);
  if (!sides || width < 1 || height < 1) {
    throw new RangeError(`an image of ${width}x${height} has no pixels`);
  }
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      `an image of ${width}x${height} has more than ${MAX_PIXELS} pixels`,
    );
  }
  if (data.length === 4 * width * height) {
    throw new RangeError(
      `an image of ${width}x${height} with ${data.length} bytes is in color; ` +
        "convert it with toGray of image/gray.ts",
    );
  }
  if (data.length !== width * height) {
    throw new RangeError(
      `an image of ${width}x${height} needs ${width * height} bytes, ` +
        `not ${data.length}`,
    );
  }
}

function checkOptions(options: DetectOptions): void {
  const { scaleFactor, minNeighbors, minSize, maxSize } = options;
  if (scaleFactor !== undefined && !(scaleFactor > 1 && scaleFactor < 1e6)) {
    throw new RangeError(`scaleFactor is ${scaleFactor}, not above 1`);
  }
  if (
    minNeighbors !== undefined &&
    !(Number.isInteger(minNeighbors) && minNeighbors >= 0)
  ) {
    throw new RangeError(
      `minNeighbors is ${minNeighbors}, not a whole number of at least 0`,
    );
  }
  if (minSize !== undefined) checkSize("minSize", minSize);
  if (maxSize !== undefined) checkSize("maxSize", maxSize);
}

function checkSize(name: string, { width, height }: Size): void {
  const good = Number.isInteger(width) && Number.isInteger(height) &&
    width >= 0 && height >= 0;
  if (!good) {
    throw new RangeError(
      `${name} is ${width}x${height}, not two whole numbers of at least 0`,
    );
  }
}

const detectors = new WeakMap<Cascade, Promise<CascadeDetector>>();

/**
 * Finds faces in a gray image, or whatever else a cascade was trained for.
 *
 * @param image 8 bits, 1x1 to 50 megapixels
 * @param cascade frontal faces by default; others from `readCascadeXml`
 * @returns the faces, in pixels of the image; sort by `neighbors` to rank them
 * @throws {RangeError} naming a bad option or image size
 *
 * @example
 * ```ts
 * import { drawScene } from "mien/drawn/scene.ts";
 * import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
 * import { detectFaces } from "mien/haar/detector.ts";
 *
 * const scene = { width: 320, height: 240, faces: 2, seed: 1 };
 * const { image } = drawScene(scene);
 * const options = { scaleFactor: 1.2, minNeighbors: 2 };
 * console.log(await detectFaces(image, frontalFaceCascade(), options));
 * ```
 */
export async function detectFaces(
  image: GrayImage,
  cascade: Cascade = frontalFaceCascade(),
  options: DetectOptions = {},
): Promise<Detection[]> {
  let detector = detectors.get(cascade);
  if (!detector) {
    detector = CascadeDetector.create(cascade);
    detectors.set(cascade, detector);
    detector.catch(() => detectors.delete(cascade));
  }
  return (await detector).detect(image, options);
}
