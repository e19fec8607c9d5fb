// Augmentation: every face looks slightly different in every epoch, so that a network learns faces, not
// files.
//
// One pass turns a face's gray pixels into the network's input: one affine warp (mirror, rotation, zoom,
// shift) with bilinear interpolation, then contrast and brightness. Beyond its borders, a face continues
// with its edge pixels. A change depends only on the seed, the epoch and the face's number, so it is the
// same in any order and for any number of workers. Left out: mixing faces.
import { FACE_PIXELS, FACE_SIZE } from "../emotions.ts";
import { scaledPixels } from "../network/input.ts";
import { createRandom } from "../random.ts";

/** How far a face may change; not at all if all are zero and `mirror` is false. */
export interface Augmentation {
  /** Mirror left and right, half of the time. */
  mirror: boolean;
  /** Largest rotation in either direction, in degrees. */
  rotation: number;
  /** Largest shift in any direction, as a fraction of the face's size. */
  shift: number;
  /** Largest scaling, separately for each axis: 0.1 is 0.9 to 1.1. */
  zoom: number;
  /** Largest scaling of both axes together, because a detector's box may be too large or too small. */
  scale: number;
  /** Largest blur: the fraction of a pixel, 0 to 0.33, that goes to each neighbor, across and down. */
  blur: number;
  /** Largest change of brightness, as a fraction of the whole gray range. */
  brightness: number;
  /** Largest change of contrast around middle gray: 0.2 is 0.8 to 1.2. */
  contrast: number;
}

/** Unchanged faces. */
export const noAugmentation: Augmentation = {
  mirror: false,
  rotation: 0,
  shift: 0,
  zoom: 0,
  scale: 0,
  blur: 0,
  brightness: 0,
  contrast: 0,
};

/**
 * The augmentation with which Arriaga et al. train mini-Xception: Keras's
 * `ImageDataGenerator(rotation_range=10, width_shift_range=0.1, height_shift_range=0.1,
 * zoom_range=0.1, horizontal_flip=True)`, which also continues faces with their edge pixels.
 */
export const referenceAugmentation: Augmentation = {
  ...noAugmentation,
  mirror: true,
  rotation: 10,
  shift: 0.1,
  zoom: 0.1,
};

/**
 * One random change. With coordinates relative to the face's center, the pixel at (x, y) of the result
 * is the face's at (a x + b y + c, d x + e y + f); its value v, -1..1, becomes
 * v * contrast + brightness, clipped to -1..1.
 */
export interface Change {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
  contrast: number;
  brightness: number;
  /** The fraction of a pixel that goes to each neighbor, across, then down. */
  blur: number;
}

const AUGMENTATION_STREAM = 2;

/** The change of one face in one epoch. */
function drawChange(
  { augmentation, seed, epoch, face }: FaceToAugment,
): Change {
  const random = createRandom(seed, AUGMENTATION_STREAM, epoch, face);
  const around = (range: number) => (2 * random.next() - 1) * range;
  const angle = around(augmentation.rotation) * Math.PI / 180;
  const c = around(augmentation.shift) * FACE_SIZE;
  const f = around(augmentation.shift) * FACE_SIZE;
  const zoomX = 1 + around(augmentation.zoom);
  const zoomY = 1 + around(augmentation.zoom);
  const side = augmentation.mirror && random.next() < 0.5 ? -1 : 1;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const brightness = 2 * around(augmentation.brightness);
  const contrast = 1 + around(augmentation.contrast);
  // Drawn last, so that older runs, which lack them, still draw the same numbers.
  const scale = augmentation.scale > 0 ? 1 + around(augmentation.scale) : 1;
  const blur = augmentation.blur > 0 ? random.next() * augmentation.blur : 0;
  return {
    a: side * cos * zoomX * scale,
    b: -sin * zoomY * scale,
    c,
    d: side * sin * zoomX * scale,
    e: cos * zoomY * scale,
    f,
    brightness,
    contrast,
    blur,
  };
}

// Positions are whole numbers of 1/65536 pixel, which is cheaper than floor() for every pixel.
const ONE = 65536;
const PART = 1 / ONE;

/**
 * Writes a changed face into `output`, starting at `at`, as the network's input, -1..1.
 *
 * @param pixels gray, 0..255, row-major; the face starts at `start`
 * @param size the face's width and height in pixels
 */
export function warpFace(
  pixels: Uint8Array,
  start: number,
  size: number,
  change: Change,
  output: Float32Array,
  at: number,
): void {
  const middle = (size - 1) / 2;
  const last = size - 1;
  const { a, b, c, d, e, f } = change;
  const gain = change.contrast / 127.5;
  const offset = change.brightness - change.contrast;
  const stepX = Math.round(a * ONE), stepY = Math.round(d * ONE);
  for (let row = 0; row < size; row++) {
    const y = row - middle;
    let placeX = Math.round((-a * middle + b * y + c + middle) * ONE);
    let placeY = Math.round((-d * middle + e * y + f + middle) * ONE);
    for (let column = 0; column < size; column++) {
      let left = placeX >> 16, top = placeY >> 16;
      let right = left + 1, bottom = top + 1;
      if (left < 0 || right > last || top < 0 || bottom > last) {
        left = left < 0 ? 0 : left > last ? last : left;
        right = right < 0 ? 0 : right > last ? last : right;
        top = top < 0 ? 0 : top > last ? last : top;
        bottom = bottom < 0 ? 0 : bottom > last ? last : bottom;
      }
      const partX = (placeX & 0xffff) * PART, partY = (placeY & 0xffff) * PART;
      const upper = start + top * size, lower = start + bottom * size;
      const above = pixels[upper + left];
      const below = pixels[lower + left];
      const high = above + (pixels[upper + right] - above) * partX;
      const low = below + (pixels[lower + right] - below) * partX;
      const value = (high + (low - high) * partY) * gain + offset;
      output[at++] = value < -1 ? -1 : value > 1 ? 1 : value;
      placeX += stepX;
      placeY += stepY;
    }
  }
  if (change.blur > 0) {
    const first = at - size * size;
    for (let i = 0; i < size; i++) {
      blurLine(output, first + i * size, 1, size, change.blur);
    }
    for (let i = 0; i < size; i++) {
      blurLine(output, first + i, size, size, change.blur);
    }
  }
}

/** Moves `part` of each value of a line to each neighbor, or to itself at the ends. */
function blurLine(
  values: Float32Array,
  first: number,
  step: number,
  length: number,
  part: number,
): void {
  let before = values[first];
  for (let i = 0, at = first; i < length; i++, at += step) {
    const here = values[at];
    const after = i + 1 < length ? values[at + step] : here;
    values[at] = here + part * (before - 2 * here + after);
    before = here;
  }
}

/** Whether an augmentation leaves every face as it is. */
function changesNothing(augmentation: Augmentation): boolean {
  return Object.values(augmentation).every((range) => !range);
}

/** Which face changes how, and where it is written. */
export interface FaceToAugment {
  /** Gray pixels of faces, 0..255, row-major, face after face. */
  pixels: Uint8Array;
  /** The face's number among them. */
  face: number;
  augmentation: Augmentation;
  seed: number;
  epoch: number;
  /** Receives the network's input, -1..1. */
  output: Float32Array;
  /** The index of its first value; default 0. */
  at?: number;
}

/**
 * Writes a face, with its change for the epoch, as the network's input.
 *
 * @example
 * ```ts
 * import { augmentFace, referenceAugmentation } from "mien/training/augment.ts";
 * import { drawFaces } from "mien/drawn/faces.ts";
 *
 * const { pixels } = drawFaces({ count: 70, seed: 1 });
 * const augmentation = referenceAugmentation;
 * const output = new Float32Array(48 * 48);
 * augmentFace({ pixels, face: 3, augmentation, seed: 1, epoch: 0, output });
 * ```
 */
export function augmentFace(request: FaceToAugment): void {
  const { pixels, face, augmentation, output, at = 0 } = request;
  const start = face * FACE_PIXELS;
  if (changesNothing(augmentation)) {
    for (let i = 0; i < FACE_PIXELS; i++) {
      output[at + i] = scaledPixels[pixels[start + i]];
    }
    return;
  }
  warpFace(pixels, start, FACE_SIZE, drawChange(request), output, at);
}
