/**
 * Faces found and their emotions classified, in one call: the part that runs
 * everywhere, in Deno, in its workers and in browsers.
 *
 * A picture's faces go through the network together, in one batch. Reading
 * files and finding a model on disk is in `recognize.ts`.
 *
 * @module
 */
import type { Cascade } from "../haar/cascade.ts";
import { CROP_MARGIN, cropFace } from "./crop.ts";
import { indexOfLargest } from "../emotions.ts";
import { type Emotion, EMOTIONS, FACE_PIXELS } from "../emotions.ts";
import { frontalFaceCascade } from "../haar/frontal_face.ts";
import { CascadeDetector } from "../haar/detector.ts";
import type { Box } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import type { Network } from "../network/network.ts";
import { predictFaces } from "../network/predict.ts";
import { createTrained, type TrainedNetwork } from "../network/trained.ts";

/** A face and what it shows. */
export interface RecognizedFace {
  /** Where it is, in pixels of the picture. */
  readonly box: Box;
  /** How many of the detector's raw candidates agree on it. */
  readonly neighbours: number;
  /** The most probable emotion. */
  readonly emotion: Emotion;
  /** The probability of that emotion, 0 to 1. */
  readonly confidence: number;
  /** Seven probabilities in the order of `EMOTIONS`; they sum to 1. */
  readonly probabilities: Float32Array;
  /** What the network saw: 48 x 48 gray values, 0 to 255, row by row. */
  readonly crop: Uint8Array;
}

/** How faces are looked for. */
export interface FaceSearch {
  /** Ratio of one window size to the next. */
  readonly scaleFactor: number;
  /** Raw candidates a face needs beyond the first. */
  readonly minNeighbors: number;
  /** The smallest face, as a fraction of the picture's shorter side. */
  readonly smallestFace: number;
}

/** For single pictures: thorough, and down to small faces. */
export const PHOTO_SEARCH: FaceSearch = {
  scaleFactor: 1.1,
  minNeighbors: 5,
  smallestFace: 0.05,
};

/** For videos and the webcam: faces of a tenth of the picture or more. */
export const VIDEO_SEARCH: FaceSearch = {
  scaleFactor: 1.2,
  minNeighbors: 5,
  smallestFace: 0.1,
};

/** Faces that go through the network at once. */
const BATCH = 8;

/**
 * A detector and a network that are ready to work, for picture after picture.
 *
 * @example
 * ```ts
 * import { loadRecognizer } from "mien/recognition/recognize.ts";
 * const recognizer = await loadRecognizer();
 * const data = new Uint8Array(320 * 240); // nobody is in a black picture
 * recognizer.recognize({ width: 320, height: 240, data }).length; // 0
 * ```
 */
export class Recognizer {
  private constructor(
    private readonly detector: CascadeDetector,
    private readonly network: Network,
  ) {}

  /** Compiles the WebAssembly modules and allocates their memory. */
  static async create(
    trained: TrainedNetwork,
    cascade: Cascade = frontalFaceCascade(),
  ): Promise<Recognizer> {
    const options = { batch: BATCH, training: false };
    const network = await createTrained(trained, options);
    return new Recognizer(await CascadeDetector.create(cascade), network);
  }

  /**
   * Finds the faces of a picture and classifies them.
   *
   * @param margin how far crops reach beyond the boxes, see `CROP_MARGIN`
   */
  recognize(
    image: GrayImage,
    search: FaceSearch = PHOTO_SEARCH,
    margin: number = CROP_MARGIN,
  ): RecognizedFace[] {
    const smallest = Math.round(
      search.smallestFace * Math.min(image.width, image.height),
    );
    const found = this.detector.detect(image, {
      scaleFactor: search.scaleFactor,
      minNeighbors: search.minNeighbors,
      minSize: { width: smallest, height: smallest },
    });
    const crops = found.map((box) => cropFace(image, box, margin));
    const probabilities = this.classify(crops);
    return found.map(({ x, y, width, height, neighbors }, i) => {
      const best = indexOfLargest(probabilities[i]);
      return {
        box: { x, y, width, height },
        neighbours: neighbors,
        emotion: EMOTIONS[best],
        confidence: probabilities[i][best],
        probabilities: probabilities[i],
        crop: crops[i],
      };
    });
  }

  /** The seven probabilities of faces that are cropped already. */
  classify(crops: readonly Uint8Array[]): Float32Array[] {
    const classes = EMOTIONS.length;
    const pixels = new Uint8Array(crops.length * FACE_PIXELS);
    crops.forEach((crop, i) => pixels.set(crop, i * FACE_PIXELS));
    const output = new Float32Array(crops.length * classes);
    const range = { pixels, from: 0, to: crops.length, output };
    predictFaces(this.network, range);
    return crops.map((_, i) => output.slice(i * classes, (i + 1) * classes));
  }
}
