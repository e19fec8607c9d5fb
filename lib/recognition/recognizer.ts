/**
 * Finds faces and classifies their emotions in one call: the part that runs
 * everywhere, in Deno, in its workers and in browsers.
 *
 * A picture's faces go through the network together, in one batch. Reading
 * files and finding a model on disk is in `recognize.ts`.
 *
 * @module
 */
import type { Cascade } from "../haar/cascade.ts";
import { cropFace } from "./crop.ts";
import {
  EMOTIONS,
  FACE_PIXELS,
  indexOfLargest,
  numbersFor,
} from "../emotions.ts";
import { FaceFinder, type FaceSearch } from "./face_finder.ts";
import type { Box } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { Engine } from "../engine/engine.ts";
import { OWN_SCALE, type Scale } from "../network/input.ts";
import { predictFaces, type Predictor } from "../network/predict.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { checkProbabilities, isUnsure } from "./probabilities.ts";

/** A face and what it shows. */
export interface RecognizedFace {
  /** Where it is, in pixels of the picture; it may extend beyond the edges. */
  readonly box: Box;
  /** Its tilt, clockwise in degrees, as far as is known; 0 is upright. */
  readonly turn: number;
  /** How many of the detector's raw candidates agree on it. */
  readonly neighbours: number;
  /** The most likely emotion. */
  readonly emotion: string;
  /** The probability of that emotion, 0 to 1. */
  readonly confidence: number;
  /** Whether the confidence is below the model's threshold. */
  readonly unsure: boolean;
  /** One probability per class, in the order of the recognizer's `emotions`; they sum to 1. */
  readonly probabilities: Float32Array;
  /** What the network saw: 48 x 48 gray values, 0 to 255, row by row. */
  readonly crop: Uint8Array;
}

/** For single pictures: thorough, and down to small faces. */
export const PHOTO_SEARCH: FaceSearch = {
  scaleFactor: 1.1,
  minNeighbors: 5,
  smallestFace: 0.05,
};

/** For videos and the webcam: faces at least a tenth of the picture's size. */
export const VIDEO_SEARCH: FaceSearch = {
  scaleFactor: 1.2,
  minNeighbors: 5,
  smallestFace: 0.1,
};

/** The number of faces that go through the network at once. */
const BATCH = 8;

/**
 * A detector and a network, ready for one picture after another.
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
    private readonly finder: FaceFinder,
    private readonly network: Engine,
    /** The confidence below which an answer is unsure; 0 for none. */
    readonly threshold: number,
    /** The names of the classes, in the order of the probabilities. */
    readonly emotions: readonly string[],
    /** What black and white become in the network's input. */
    readonly scale: Scale,
  ) {}

  /**
   * Compiles the WebAssembly modules and allocates their memory.
   *
   * @param cascade frontal faces by default
   * @param profile makes every search thorough, see `face_finder.ts`
   */
  static async create(
    trained: TrainedNetwork,
    cascade?: Cascade,
    profile?: Cascade,
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
      await FaceFinder.create(cascade, profile),
      network,
      trained.threshold ?? 0,
      trained.emotions ?? usual,
      trained.scale ?? OWN_SCALE,
    );
  }

  /** Finds the faces in a picture and classifies them. */
  recognize(
    image: GrayImage,
    search: FaceSearch = PHOTO_SEARCH,
  ): RecognizedFace[] {
    const found = this.finder.find(image, search);
    const crops = found.map(({ upright }) =>
      cropFace(upright.image, upright.box)
    );
    const probabilities = this.classify(crops);
    return found.map(({ box, turn, neighbors }, i) => {
      const best = indexOfLargest(probabilities[i]);
      return {
        box,
        turn,
        neighbours: neighbors,
        emotion: this.emotions[best],
        confidence: probabilities[i][best],
        unsure: isUnsure(probabilities[i], this.threshold),
        probabilities: probabilities[i],
        crop: crops[i],
      };
    });
  }

  /**
   * The probabilities for faces that are already cropped.
   *
   * @throws {RangeError} when the network does not return probabilities
   */
  classify(crops: readonly Uint8Array[]): Float32Array[] {
    const answers = classifyFaces(this.network, crops, this.scale);
    for (const answer of answers) checkProbabilities(answer);
    return answers;
  }
}

/** A network's output for each of some faces of 48 x 48 gray values. */
export function classifyFaces(
  network: Predictor,
  faces: readonly Uint8Array[],
  scale?: Scale,
): Float32Array[] {
  const classes = network.outputs.length * FACE_PIXELS / network.input.length;
  const pixels = new Uint8Array(faces.length * FACE_PIXELS);
  faces.forEach((face, i) => pixels.set(face, i * FACE_PIXELS));
  const output = new Float32Array(faces.length * classes);
  predictFaces(network, { pixels, from: 0, to: faces.length, scale, output });
  return faces.map((_, i) => output.slice(i * classes, (i + 1) * classes));
}
