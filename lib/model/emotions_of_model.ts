// What a model's numbers mean: the names of its classes and the scale of its input. Both are in the
// model's metadata, and so are saved and loaded with it (`userDefinedMetadata` in model.json).
import type * as tf from "@tensorflow/tfjs";
import { complaintAbout, numbersFor } from "../emotions.ts";
import { OWN_SCALE, type Scale } from "../network/input.ts";
import { UserError } from "../user_error.ts";

/** What a model's numbers mean. */
export interface ModelMeaning {
  /** One name per class; numbers if the model has no names. */
  emotions: readonly string[];
  /** Whether the model has class names. */
  named: boolean;
  /** What black and white become in its input. */
  scale: Scale;
}

/** Class names or a scale that do not fit a model. */
export class MeaningError extends UserError {
  override readonly name = "MeaningError";
}

/** The number of classes of a model, its last dimension. */
function classesOf(model: tf.LayersModel): number {
  return model.outputs[0].shape.at(-1) as number;
}

/**
 * The names of a model's classes and the scale of its input.
 *
 * @throws {MeaningError} when its metadata does not fit its output
 *
 * @example
 * ```ts
 * import { meaningOf, nameEmotions } from "mien/model/emotions_of_model.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const model = buildMiniXception({ classes: 2 });
 * console.log(meaningOf(model).emotions); // [ "0", "1" ]
 * nameEmotions(model, ["happy", "other"]);
 * console.log(meaningOf(model).emotions); // [ "happy", "other" ]
 * ```
 */
export function meaningOf(model: tf.LayersModel): ModelMeaning {
  const known = metadataOf(model);
  const emotions = known.emotions as string[] | undefined;
  const scale = known.scale as Scale | undefined;
  if (emotions !== undefined) checkNames(model, emotions);
  if (scale !== undefined) checkScale(scale);
  return {
    emotions: emotions ?? numbersFor(classesOf(model)),
    named: emotions !== undefined,
    scale: scale ?? OWN_SCALE,
  };
}

/**
 * Writes the names of a model's classes to its metadata.
 *
 * @throws {MeaningError} for more or fewer names than classes, or text that cannot be a name
 */
export function nameEmotions(
  model: tf.LayersModel,
  emotions: readonly string[],
): void {
  checkNames(model, emotions);
  const known = metadataOf(model);
  model.setUserDefinedMetadata({ ...known, emotions: [...emotions] });
}

/**
 * Applies what the user declares about another project's model: `--emotions a,b,c`, `--scale 0..1`.
 *
 * @throws {MeaningError} for text that is not a list or range, or does not fit the model
 */
export function declareMeaning(
  model: tf.LayersModel,
  said: { emotions?: string; scale?: string },
): void {
  if (said.scale !== undefined) {
    const scale = parseScale(said.scale);
    model.setUserDefinedMetadata({ ...metadataOf(model), scale });
  }
  if (said.emotions === undefined) return;
  nameEmotions(model, said.emotions.split(",").map((name) => name.trim()));
}

function metadataOf(model: tf.LayersModel): Record<string, unknown> {
  return (model.getUserDefinedMetadata() ?? {}) as Record<string, unknown>;
}

function parseScale(text: string): Scale {
  const ends = text.split("..").map((end) => end.trim() === "" ? NaN : +end);
  checkScale(ends as unknown as Scale, text);
  return ends as unknown as Scale;
}

function checkScale(scale: Scale, said = JSON.stringify(scale)): void {
  const [black, white] = scale;
  const fits = scale.length === 2 && scale.every(Number.isFinite) &&
    black !== white;
  if (fits) return;
  throw new MeaningError(
    `the scale must be the values for black and white, such as 0..1, -1..1 or 0..255, not ${said}`,
  );
}

function checkNames(model: tf.LayersModel, emotions: readonly string[]): void {
  const classes = classesOf(model);
  const complaint = Array.isArray(emotions)
    ? complaintAbout(emotions)
    : "they are not a list of names";
  if (complaint) {
    throw new MeaningError(`the model's emotions: ${complaint}`);
  }
  if (emotions.length === classes) return;
  throw new MeaningError(
    `the model has ${classes} classes, but ${emotions.length} names: ${
      emotions.join(", ")
    }`,
  );
}
