// Face detection with Haar cascades: the rectangles that OpenCV's
// CascadeClassifier gives, to the pixel.
import type { Cascade } from "./cascade.ts";
import { frontalFaceCascade } from "./frontal_face.ts";
import type { GrayImage } from "./gray.ts";
import {
  clipRectangle,
  groupRectangles,
  type Rectangle,
} from "./group_rectangles.ts";
import { searchInSteps } from "./haar_cascade.ts";
import type { Size } from "./pyramid.ts";

/** What to search; names, meaning and defaults are OpenCV's. */
export interface DetectOptions {
  /** How much larger the window is from layer to layer; default 1.1. */
  readonly scaleFactor?: number;
  /** Rectangles a face must have besides the first; default 3, 0: raw. */
  readonly minNeighbors?: number;
  /** Smallest face in pixels; default no limit. */
  readonly minSize?: Size;
  /** Largest face in pixels; a zero side is no limit. */
  readonly maxSize?: Size;
}

/** A face, in pixels of the image. */
export interface Detection extends Rectangle {
  /** How many raw rectangles it is the average of. */
  readonly neighbors: number;
  /** The largest sum of votes in the last stage among these. */
  readonly score?: number;
}

/** Finds faces in a gray image. */
export function detectFaces(
  image: GrayImage,
  cascade: Cascade = frontalFaceCascade(),
  options: DetectOptions = {},
): Promise<Detection[]> {
  const none = { width: 0, height: 0 };
  const { scaleFactor = 1.1, minNeighbors = 3 } = options;
  const { minSize = none, maxSize = none } = options;
  const candidates = searchInSteps(image, cascade, {
    ...{ scaleFactor, minSize, maxSize },
  }).flatMap((report) => report.candidates);
  return Promise.resolve(
    groupRectangles(candidates, minNeighbors).map((group) => ({
      ...clipRectangle(group, image),
      neighbors: group.neighbors,
      score: Math.max(...group.members.map((i) => candidates[i].score)),
    })),
  );
}
