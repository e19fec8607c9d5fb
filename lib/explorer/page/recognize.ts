// The faces in a camera's or a clip's frame and their probabilities, with any of the page's networks.
// Everywhere else, recognition/recognizer.ts does this.

import type { Box } from "../../image/box.ts";
import type { GrayImage } from "../../image/gray.ts";
import { cropFace } from "../../recognition/crop.ts";
import type { FaceFinder } from "../../recognition/face_finder.ts";
import { VIDEO_SEARCH } from "../../recognition/recognizer.ts";
import type { PageNetwork } from "./networks.ts";

/** A face, what the network saw of it, and its probabilities. */
export interface PageFace {
  readonly box: Box;
  readonly crop: Uint8Array;
  readonly probabilities: Float32Array;
}

/** Finds and classifies the faces of a frame. */
export function findFaces(
  finder: FaceFinder,
  network: PageNetwork,
  image: GrayImage,
): PageFace[] {
  const boxes = finder.find(image, VIDEO_SEARCH).map(({ box }) => box);
  const crops = boxes.map((box) => cropFace(image, box));
  const answers = network.classify(crops);
  return boxes.map((box, i) => ({
    box,
    crop: crops[i],
    probabilities: answers[i],
  }));
}
