// The faces in a picture and their probabilities, with a network for any classes. Outside of pages,
// for networks with seven emotions, recognition/recognizer.ts does this.

import type { CascadeDetector } from "../../haar/detector.ts";
import type { Box } from "../../image/box.ts";
import type { GrayImage } from "../../image/gray.ts";
import { cropFace } from "../../recognition/crop.ts";
import type { FaceSearch } from "../../recognition/face_finder.ts";
import type { PageNetwork } from "./networks.ts";

/** A face, what the network saw of it, and its probabilities. */
export interface PageFace {
  readonly box: Box;
  readonly crop: Uint8Array;
  readonly probabilities: Float32Array;
}

/** Finds and classifies the faces of a picture. */
export function findFaces(
  detector: CascadeDetector,
  network: PageNetwork,
  image: GrayImage,
  { scaleFactor, minNeighbors, smallestFace }: FaceSearch,
): PageFace[] {
  const side = Math.round(smallestFace * Math.min(image.width, image.height));
  const found = detector.detect(image, {
    scaleFactor,
    minNeighbors,
    minSize: { width: side, height: side },
  });
  const crops = found.map((box) => cropFace(image, box));
  const answers = network.classify(crops);
  return found.map(({ x, y, width, height }, i) => ({
    box: { x, y, width, height },
    crop: crops[i],
    probabilities: answers[i],
  }));
}
