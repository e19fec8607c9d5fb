/**
 * Every value between a picture and its probabilities, and checks that they are
 * what the network was trained on. Notebook 7 shows them one by one.
 *
 * The pipeline itself is `recognizer.ts`. This repeats its upright search with
 * the default cascade, twice, to keep the raw candidates too.
 *
 * @module
 */
import { cropFace, cropRegion } from "./crop.ts";
import { indexOfLargest } from "../emotions.ts";
import { facePixels, type Faces } from "../data/faces.ts";
import { type ColorImage, type GrayImage, toGray } from "../image/gray.ts";
import { detectFaces, type Detection } from "../haar/detector.ts";
import type { Box } from "../image/box.ts";
import { OWN_SCALE, scalePixels } from "../network/input.ts";
import { detectorOptions } from "./face_finder.ts";
import { PHOTO_SEARCH, type Recognizer } from "./recognizer.ts";
import { UserError } from "../user_error.ts";

/** Something between picture and answer differs from training. */
export class PipelineError extends UserError {
  override readonly name = "PipelineError";
}

/** Everything between a picture and the answer for its clearest face. */
export interface Xray {
  /** The whole picture in gray. */
  readonly gray: GrayImage;
  /** Every window that passed the cascade, before grouping. */
  readonly candidates: readonly Box[];
  /** The faces: groups of similar candidates. */
  readonly faces: readonly Detection[];
  /** The face that is followed from here on, the one with the most candidates. */
  readonly face: Detection;
  /** What the crop covers of the gray picture, at its original size. */
  readonly cutout: GrayImage;
  /** 48 x 48 gray values, 0 to 255. */
  readonly crop: Uint8Array;
  /** The same values as the network gets them, -1 to 1. */
  readonly tensor: Float32Array;
  /** The smallest and largest value of the tensor. */
  readonly range: readonly [number, number];
  /** In the order of the recognizer's `emotions`. */
  readonly probabilities: Float32Array;
}

/**
 * Follows a picture through the pipeline.
 *
 * @throws {PipelineError} when no face is found, or the tensor's values are
 * not scaled as in training
 */
export async function xray(
  image: ColorImage,
  recognizer: Recognizer,
): Promise<Xray> {
  const gray = toGray(image);
  const options = detectorOptions(PHOTO_SEARCH, image);
  const candidates = await detectFaces(gray, undefined, {
    ...options,
    minNeighbors: 0,
  });
  const faces = await detectFaces(gray, undefined, options);
  if (faces.length === 0) {
    throw new PipelineError(
      `No face was found: ${candidates.length} windows passed the cascade, ` +
        `but no ${options.minNeighbors + 1} of them agree`,
    );
  }
  const face = faces[indexOfLargest(faces.map((f) => f.neighbors))];
  const crop = cropFace(gray, face);
  const { scale } = recognizer;
  const tensor = scalePixels(crop, undefined, scale);
  if (scale[0] === OWN_SCALE[0] && scale[1] === OWN_SCALE[1]) {
    checkScale(tensor);
  }
  return {
    gray,
    candidates,
    faces,
    face,
    cutout: cutOut(gray, cropRegion(face)),
    crop,
    tensor,
    range: rangeOf(tensor),
    probabilities: recognizer.classify([crop])[0],
  };
}

/** Part of a picture; beyond its edges, the edge pixels repeat. */
function cutOut(image: GrayImage, region: Box): GrayImage {
  const left = Math.round(region.x), top = Math.round(region.y);
  const width = Math.round(region.width), height = Math.round(region.height);
  const data = new Uint8Array(width * height);
  const clamp = (value: number, limit: number) =>
    Math.max(0, Math.min(limit - 1, value));
  for (let y = 0, at = 0; y < height; y++) {
    const row = clamp(top + y, image.height) * image.width;
    for (let x = 0; x < width; x++) {
      data[at++] = image.data[row + clamp(left + x, image.width)];
    }
  }
  return { width, height, data };
}

function rangeOf(values: ArrayLike<number>): [number, number] {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return [low, high];
}

/**
 * Checks that the values of one or more faces are scaled to -1..1, as in
 * training: neither left at 0..255 nor scaled to 0..1.
 *
 * @throws {PipelineError} saying what the values look like instead
 *
 * @example
 * ```ts
 * import { checkScale } from "mien/recognition/xray.ts";
 * checkScale(Float32Array.of(-1, 0.3)); // passes
 * ```
 */
export function checkScale(tensor: Float32Array): void {
  const [low, high] = rangeOf(tensor);
  const seen = `values from ${low.toFixed(2)} to ${high.toFixed(2)}`;
  if (!(low >= -1e9 && high <= 1e9)) {
    throw new PipelineError("The tensor has values that are not numbers");
  }
  if (high > 1.001 || low < -1.001) {
    throw new PipelineError(
      `The tensor has ${seen}, but the network was trained on -1 to 1: the gray ` +
        "values were not scaled (gray / 127.5 - 1)",
    );
  }
  if (low >= 0) {
    throw new PipelineError(
      `The tensor has ${seen} and none below 0, but the network was trained on ` +
        "-1 to 1: it looks scaled to 0..1, or the face is blank",
    );
  }
}

/** How well answers match labels, in their own order and in the best one. */
export interface LabelOrder {
  /** The share of the faces that are answered correctly, 0 to 1. */
  readonly accuracy: number;
  /** The best order: output i would be `faces.emotions[order[i]]`. */
  readonly order: readonly number[];
}

/**
 * Classifies faces whose emotion is known and checks that the outputs are in
 * the order of the faces' classes: that no other order fits clearly better.
 * With more than eight classes, only swaps of two are tried.
 *
 * @param faces a few hundred, of a kind the network was trained on
 * @param recognizer anything that returns one probability per class for each crop
 * @throws {PipelineError} naming the outputs that look swapped, or when the
 * network does no better than guessing
 */
export function checkLabelOrder(
  faces: Faces,
  recognizer: Pick<Recognizer, "classify">,
): LabelOrder {
  const crops = Array.from(
    { length: faces.length },
    (_, i) => facePixels(faces, i),
  );
  const { emotions } = faces, size = emotions.length;
  const counts = Array.from({ length: size }, () => new Array(size).fill(0));
  for (const [i, answer] of recognizer.classify(crops).entries()) {
    counts[indexOfLargest(answer)][faces.labels[i]]++;
  }
  const right = (order: readonly number[]) =>
    order.reduce((sum, label, output) => sum + counts[output][label], 0);
  const identity = Array.from({ length: size }, (_, i) => i);
  let order = identity;
  const others = size <= 8 ? permutations(identity) : exchanges(identity);
  for (const other of others) {
    if (right(other) > right(order)) order = other;
  }
  const accuracy = right(identity) / faces.length;
  const best = right(order) / faces.length;
  // Chance alone makes another order look better by a few faces.
  if (best - accuracy > 0.1) {
    const exchanged = identity.filter((i) => order[i] !== i)
      .map((i) => `output ${i} (${emotions[i]}) is ${emotions[order[i]]}`);
    throw new PipelineError(
      `The labels look swapped: ${percent(accuracy)} of ${faces.length} ` +
        `faces are right, but ${percent(best)} would be if ` +
        exchanged.join(", "),
    );
  }
  const largestClass = Math.max(
    ...identity.map((label) =>
      counts.reduce((sum, row) => sum + row[label], 0)
    ),
  );
  if (right(identity) <= largestClass * 1.1) {
    throw new PipelineError(
      `Only ${percent(accuracy)} of ${faces.length} faces are right, no ` +
        "better than always naming the same emotion: wrong network, wrong " +
        "faces, or wrong preprocessing",
    );
  }
  return { accuracy, order };
}

const percent = (part: number) => `${(100 * part).toFixed(1)} %`;

/** Every order with two swapped. */
function* exchanges(values: number[]): Generator<number[]> {
  for (const i of values.keys()) {
    for (let k = i + 1; k < values.length; k++) {
      yield values.with(i, values[k]).with(k, values[i]);
    }
  }
}

/** All orders of some numbers: 5,040 for seven. */
function* permutations(values: number[]): Generator<number[]> {
  if (values.length <= 1) yield values;
  for (const [i, first] of values.entries()) {
    const rest = values.filter((_, k) => k !== i);
    if (rest.length === 0) return;
    for (const others of permutations(rest)) yield [first, ...others];
  }
}
