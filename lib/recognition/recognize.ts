/**
 * Recognizing emotions in pictures with the models on disk: one call.
 *
 * Finding faces and classifying them is in `recognizer.ts`, which also runs
 * in browsers; this adds what is read from files. Training is in `training/train.ts`.
 *
 * @module
 */
import { inProject } from "../project.ts";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { loadModel } from "../model/saved_model.ts";
import { toGray } from "../image/gray.ts";
import type { ColorImage, GrayImage } from "../image/gray.ts";
import { readImage } from "../image/image.ts";
import { readTrained, type TrainedNetwork } from "../network/trained.ts";
import { PHOTO_SEARCH, type RecognizedFace, Recognizer } from "./recognizer.ts";
import { UserError } from "../user_error.ts";

/** A model that cannot be used to recognize: names it and says why. */
export class InferenceError extends UserError {
  override readonly name = "InferenceError";
  constructor(readonly model: string, readonly reason: string) {
    super(`${model}: ${reason}`);
  }
}

const MODELS = inProject("models");

/**
 * The folder of the model that is used where none is named: the one that
 * models/default.json names.
 *
 * @throws {InferenceError} when there is none
 */
export function defaultModel(): string {
  const file = resolve(MODELS, "default.json");
  if (!existsSync(file)) {
    throw new InferenceError(
      file,
      "there is no trained model yet: train one with deno task train, " +
        "or name the folder of another",
    );
  }
  try {
    return resolve(
      MODELS,
      String(JSON.parse(readFileSync(file, "utf8")).model),
    );
  } catch (error) {
    throw new InferenceError(file, `cannot be read (${error})`);
  }
}

/**
 * A trained network as plain data.
 *
 * @param model a folder with model.json and weights.bin (LayersModel format)
 * @throws {InferenceError} when it does not take 48 x 48 gray faces or does
 * not give seven probabilities
 * @throws {CheckpointError} when it cannot be read
 */
export async function loadTrained(
  model: string = defaultModel(),
): Promise<TrainedNetwork> {
  const layers = await loadModel(model);
  const input = JSON.stringify(layers.inputs[0].shape.slice(1));
  const output = JSON.stringify(layers.outputs[0].shape.slice(1));
  if (input !== "[48,48,1]" || output !== "[7]") {
    throw new InferenceError(
      model,
      `takes ${input} and gives ${output}, not [48,48,1] and [7]: ` +
        "it is not a network for these faces",
    );
  }
  const trained = readTrained(layers);
  layers.dispose();
  return trained;
}

/**
 * A recognizer for many pictures.
 *
 * @param model see {@linkcode loadTrained}
 */
export async function loadRecognizer(model?: string): Promise<Recognizer> {
  return await Recognizer.create(await loadTrained(model));
}

/**
 * Finds the faces of a picture and classifies their emotions.
 *
 * @param image a picture, or the path of one
 * @param recognizer one with another model; by default the default model's,
 * loaded at the first call
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
): Promise<RecognizedFace[]> {
  const picture = typeof image === "string" ? await readImage(image) : image;
  const gray = picture.data.length === picture.width * picture.height
    ? picture as GrayImage
    : toGray(picture as ColorImage);
  const worker = recognizer ?? await (shared ??= loadRecognizer().catch(
    (error) => {
      shared = undefined;
      throw error;
    },
  ));
  return worker.recognize(gray, PHOTO_SEARCH);
}
let shared: Promise<Recognizer> | undefined;
