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
import {
  EMOTIONS,
  FACE_PIXELS,
  indexOfLargest,
  numbersFor,
} from "../emotions.ts";
import { frontalFaceCascade } from "../haar/frontal_face.ts";
import { CascadeDetector } from "../haar/detector.ts";
import type { Box } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { Engine } from "../engine/engine.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { OWN_SCALE, type Scale, scalePixels } from "../network/input.ts";

/** A face and what it shows. */
export interface RecognizedFace {
  /** Where it is, in pixels of the picture. */
  readonly box: Box;
  /** How many of the detector's raw candidates agree on it. */
  readonly neighbours: number;
  /** The most probable emotion. */
  readonly emotion: string;
  /** The probability of that emotion, 0 to 1. */
  readonly confidence: number;
  /** One probability a class, in the order of the recognizer's `emotions`; they sum to 1. */
  readonly probabilities: Float32Array;
  /** What the network saw: 48 x 48 gray values, 0 to 255, row by row. */
  readonly crop: Uint8Array;
}

/** A trained network as plain data, so that it can go to a worker or page. */
export interface TrainedNetwork {
  readonly graph: NetworkGraph;
  /** All trained weights, flat, in the graph's order. */
  readonly parameters: Float32Array;
  /** Means and variances of batch normalization, flat. */
  readonly statistics: Float32Array;
  /** The names of the classes; without them the seven, or numbers where there are not seven. */
  readonly emotions?: readonly string[];
  /** What black and white become in the input; this project's scale. */
  readonly scale?: Scale;
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
    private readonly network: Engine,
    /** The names of the classes, in the order of the probabilities. */
    readonly emotions: readonly string[],
    /** What black and white become in the network's input. */
    readonly scale: Scale,
  ) {}

  /** Compiles the WebAssembly modules and allocates their memory. */
  static async create(
    trained: TrainedNetwork,
    cascade: Cascade = frontalFaceCascade(),
  ): Promise<Recognizer> {
    const options = { batch: BATCH, training: false };
    const network = await createEngine(trained.graph, options);
    network.parameters.set(trained.parameters);
    network.statistics.set(trained.statistics);
    const { outputSize } = trained.graph;
    const usual = outputSize === EMOTIONS.length
      ? EMOTIONS
      : numbersFor(outputSize);
    return new Recognizer(
      await CascadeDetector.create(cascade),
      network,
      trained.emotions ?? usual,
      trained.scale ?? OWN_SCALE,
    );
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
        emotion: this.emotions[best],
        confidence: probabilities[i][best],
        probabilities: probabilities[i],
        crop: crops[i],
      };
    });
  }

  /** The probabilities of faces that are cropped already. */
  classify(crops: readonly Uint8Array[]): Float32Array[] {
    const { network, scale } = this, classes = this.emotions.length;
    const all: Float32Array[] = [];
    for (let from = 0; from < crops.length; from += BATCH) {
      const batch = crops.slice(from, from + BATCH);
      for (const [i, crop] of batch.entries()) {
        const at = i * FACE_PIXELS;
        scalePixels(
          crop,
          network.input.subarray(at, at + FACE_PIXELS),
          scale,
        );
      }
      network.predict(batch.length);
      for (const i of batch.keys()) {
        all.push(network.outputs.slice(i * classes, (i + 1) * classes));
      }
    }
    return all;
  }
}
