/**
 * Recognizes emotions in pictures with the models on disk, in one call.
 *
 * Finding and classifying faces is in `recognizer.ts`, which also runs in
 * browsers; this adds reading files. Training is in `training/train.ts`.
 *
 * @module
 */
import { inProject } from "../project.ts";
import * as tf from "@tensorflow/tfjs";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { profileFaceCascade } from "../haar/profile_face.ts";
import { declareMeaning, meaningOf } from "../model/emotions_of_model.ts";
import { loadModel } from "../model/saved_model.ts";
import { type ColorImage, type GrayImage, toGray } from "../image/gray.ts";
import { readImage } from "../image/image.ts";
import { describeModel } from "../engine/describe_model.ts";
import { readWeights } from "../engine/weights.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { PHOTO_SEARCH, type RecognizedFace, Recognizer } from "./recognizer.ts";
import { UserError } from "../user_error.ts";

/** A model that cannot be used for recognition: names it and says why. */
export class InferenceError extends UserError {
  override readonly name = "InferenceError";
  constructor(readonly model: string, readonly reason: string) {
    super(`${model}: ${reason}`);
  }
}

const MODELS = inProject("models");

/** The contents of models/default.json. */
interface DefaultModel {
  /** The model's folder. */
  readonly folder: string;
  /** The confidence below which its answers are unsure, 0 to 1. */
  readonly threshold: number;
}

function readDefault(): DefaultModel {
  const file = resolve(MODELS, "default.json");
  if (!existsSync(file)) {
    throw new InferenceError(
      file,
      "there is no trained model yet: train one with deno task train, " +
        "or give the folder of another",
    );
  }
  const { model, threshold } = parseDefault(
    file,
    () => readFileSync(file, "utf8"),
  );
  return { folder: resolve(MODELS, model), threshold };
}

function parseDefault(file: string, read: () => string) {
  let said: { model?: unknown; threshold?: unknown };
  try {
    said = JSON.parse(read());
  } catch (error) {
    throw new InferenceError(file, `cannot be read (${error})`);
  }
  const { model, threshold = 0 } = said ?? {};
  if (typeof model !== "string") {
    throw new InferenceError(file, "its model is not the name of a folder");
  }
  if (!(typeof threshold === "number" && threshold >= 0 && threshold <= 1)) {
    throw new InferenceError(
      file,
      `its threshold is ${JSON.stringify(threshold)}, not a number from 0 to 1`,
    );
  }
  return { model, threshold };
}

/** The default model of a module that came over HTTP, from where that is. */
async function fetchDefault() {
  const models = new URL("../../models/", import.meta.url).href;
  const file = `${models}default.json`;
  try {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`status ${response.status}`);
    const text = await response.text();
    const { model, threshold } = parseDefault(file, () => text);
    const folder = models + model;
    const layers = await tf.loadLayersModel(`${folder}/model.json`);
    return { folder, layers, threshold };
  } catch (error) {
    if (error instanceof InferenceError) throw error;
    throw new InferenceError(
      file,
      `the default model cannot be fetched (${(error as Error).message}); ` +
        "pass recognize a recognizer: await loadRecognizer(MODEL_FOLDER)",
    );
  }
}

async function readModel(folder: string) {
  const layers = await loadModel(folder);
  return { folder, layers, threshold: thresholdOf(folder) };
}

/**
 * The folder of the model that is used if none is given: the one named in
 * models/default.json.
 *
 * @throws {InferenceError} when there is none
 */
export function defaultModel(): string {
  return readDefault().folder;
}

/**
 * A trained network as plain data, with its threshold: the default model's is
 * in models/default.json; others have none.
 *
 * @param model a folder with model.json and weights.bin (LayersModel format);
 * by default the default model, from where this module is, on disk or over HTTP
 * @param said what the user says about another project's model, see
 * `declareMeaning`
 * @throws {InferenceError} when it does not take 48 x 48 gray faces or does
 * not return probabilities
 * @throws {MeaningError} when its names do not match it
 * @throws {CheckpointError} when it cannot be read
 */
export async function loadTrained(
  model?: string,
  said: { emotions?: string; scale?: string } = {},
): Promise<TrainedNetwork> {
  const { folder, layers, threshold } = model || import.meta.dirname
    ? await readModel(model ?? defaultModel())
    : await fetchDefault();
  const input = JSON.stringify(layers.inputs[0].shape.slice(1));
  const output = layers.outputs[0].shape.slice(1) as number[];
  if (input !== "[48,48,1]" || output.length !== 1 || !(output[0] > 1)) {
    throw new InferenceError(
      folder,
      `takes ${input} and returns ${
        JSON.stringify(output)
      }, not [48,48,1] and ` +
        "one probability per class: it is not a network for these faces",
    );
  }
  declareMeaning(layers, said);
  const { emotions, named, scale } = meaningOf(layers);
  if (!named) {
    console.error(
      `${folder} has no class names: showing numbers (--emotions gives names)`,
    );
  }
  const graph = describeModel(layers);
  const weights = readWeights(graph, layers);
  layers.dispose();
  return { graph, ...weights, emotions, scale, threshold };
}

/**
 * The confidence below which a model's answers are unsure: for the default
 * model, the threshold in models/default.json; 0, none, for others.
 *
 * @param model its folder
 */
export function thresholdOf(model: string): number {
  if (!existsSync(resolve(MODELS, "default.json"))) return 0;
  const { folder, threshold } = readDefault();
  return resolve(model) === folder ? threshold : 0;
}

/** What can be chosen besides the model. */
export interface RecognizeOptions {
  /**
   * Also searches the picture rotated by 20 degrees both ways and with the
   * profile cascade: slower, but finds tilted and turned faces.
   */
  readonly thorough?: boolean;
  /** The confidence below which a face is unsure; by default the model's. */
  readonly threshold?: number;
  /** The names of a model's classes, if it has none; see `declareMeaning`. */
  readonly emotions?: string;
  /** The values a model expects for black and white; see `declareMeaning`. */
  readonly scale?: string;
}

/**
 * A recognizer for many pictures.
 *
 * @param model see {@linkcode loadTrained}
 */
export async function loadRecognizer(
  model?: string,
  options: RecognizeOptions = {},
): Promise<Recognizer> {
  const trained = await loadTrained(model, options);
  const { threshold = trained.threshold, thorough = false } = options;
  return await Recognizer.create(
    { ...trained, threshold },
    undefined,
    thorough ? profileFaceCascade() : undefined,
  );
}

/**
 * Finds the faces in a picture and classifies their emotions. Faces cut off by
 * the picture's edge are found too; their boxes extend beyond it.
 *
 * @param image a picture, or the path of one
 * @param recognizer by default the default model's, loaded at the first call
 * @param options for the default recognizer only; others have their own
 * @throws {ImageError} when the file is not a picture that can be read
 *
 * @example
 * ```ts
 * import { recognize } from "mien/recognition/recognize.ts";
 * const data = new Uint8Array(320 * 240); // nobody is in a black picture
 * await recognize({ width: 320, height: 240, data }); // []
 * ```
 */
export async function recognize(
  image: ColorImage | GrayImage | string,
  recognizer?: Recognizer,
  options: RecognizeOptions = {},
): Promise<RecognizedFace[]> {
  const picture = typeof image === "string" ? await readImage(image) : image;
  const gray = picture.data.length === picture.width * picture.height
    ? picture as GrayImage
    : toGray(picture as ColorImage);
  const worker = recognizer ?? await sharedRecognizer(options);
  return worker.recognize(gray, PHOTO_SEARCH);
}

/** The default model's recognizer with these options, loaded only once. */
function sharedRecognizer(options: RecognizeOptions): Promise<Recognizer> {
  const { thorough = false, threshold } = options;
  const key = `${thorough} ${threshold}`;
  let recognizer = shared.get(key);
  if (!recognizer) {
    recognizer = loadRecognizer(undefined, options);
    shared.set(key, recognizer);
    recognizer.catch(() => shared.delete(key));
  }
  return recognizer;
}
const shared = new Map<string, Promise<Recognizer>>();
