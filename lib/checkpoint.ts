// Saved models and the state of a run: written whole or not at all.
//
// A model is a folder with model.json and weights.bin in TensorFlow.js' LayersModel format, which
// `tf.loadLayersModel` reads in a browser without this project. A run's state is one file with all
// that training needs to go on. What is in it is train.ts' business.
import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

/** A model or state that cannot be written or read: names the file and the reason. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  constructor(readonly file: string, reason: string, cause?: unknown) {
    super(`${file}: ${reason}`, { cause });
  }
}

/** What the operating system's error codes mean, for a person. */
function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full; make room and go on with --resume";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "may not be written; choose another folder or change its rights";
    case "ENOENT":
      return "does not exist";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way of a folder";
    default:
      return message;
  }
}

/** Runs `act` and turns its error into a {@linkcode CheckpointError} about `file`. */
function naming<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw new CheckpointError(file, explain(error), error);
  }
}

/** Makes what was written to a file or folder survive a power cut. */
function flush(name: string, flags: string): void {
  const handle = fs.openSync(name, flags);
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** A folder's entries are flushed too, where the system can (Windows cannot). */
function flushFolder(name: string): void {
  try {
    flush(name, "r");
  } catch {
    // The files themselves are flushed; nothing more can be done here.
  }
}

/**
 * Writes a file whole or not at all: a temporary one beside it is flushed and renamed. What was
 * there before stays until then.
 *
 * @throws {CheckpointError} for a full disk, missing rights and the like
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
  naming(file, () => {
    const partial = `${file}.partial`;
    try {
      fs.writeFileSync(partial, content);
      flush(partial, "r+");
      fs.renameSync(partial, file);
    } catch (error) {
      fs.rmSync(partial, { force: true });
      throw error;
    }
    flushFolder(path.dirname(file));
  });
}

/** Makes a folder and those above it. @throws {CheckpointError} */
export function makeFolder(folder: string): void {
  naming(folder, () => fs.mkdirSync(folder, { recursive: true }));
}

/**
 * Saves a model as `folder`/model.json and weights.bin, whole or not at all; a folder of that name
 * is replaced.
 *
 * @throws {CheckpointError} for a full disk, missing rights and the like
 *
 * @example
 * ```ts
 * import { saveModel } from "mien/checkpoint.ts";
 * import { buildMiniXception } from "mien/mini_xception.ts";
 * await saveModel(buildMiniXception(), "models/untrained");
 * ```
 */
export async function saveModel(
  model: tf.LayersModel,
  folder: string,
): Promise<void> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(tf.io.withSaveHandler((all) => {
    artifacts = all;
    return Promise.resolve({
      modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(all),
    });
  }));
  const { modelTopology, weightSpecs, weightData, format, generatedBy } =
    artifacts!;
  const json = {
    format,
    generatedBy,
    convertedBy: null,
    modelTopology,
    weightsManifest: [{ paths: ["weights.bin"], weights: weightSpecs }],
  };
  const bytes = tf.io.concatenateArrayBuffers([weightData as ArrayBuffer]);
  naming(folder, () => {
    const partial = `${folder}.partial`;
    try {
      for (const rest of [partial, `${folder}.old`]) {
        fs.rmSync(rest, { recursive: true, force: true });
      }
      fs.mkdirSync(partial, { recursive: true });
      writeWhole(path.join(partial, "model.json"), JSON.stringify(json));
      writeWhole(path.join(partial, "weights.bin"), new Uint8Array(bytes));
      if (fs.existsSync(folder)) fs.renameSync(folder, `${folder}.old`);
      fs.renameSync(partial, folder);
      fs.rmSync(`${folder}.old`, { recursive: true, force: true });
    } catch (error) {
      fs.rmSync(partial, { recursive: true, force: true });
      throw error;
    }
    flushFolder(path.dirname(folder));
  });
}

/**
 * Loads a model saved with {@linkcode saveModel}, or any other in this format: `place` is its folder
 * or its model.json.
 *
 * @throws {CheckpointError} naming the file and what is wrong with it
 *
 * @example
 * ```ts
 * import { loadModel } from "mien/checkpoint.ts";
 * const model = await loadModel("models/untrained");
 * ```
 */
export async function loadModel(place: string): Promise<tf.LayersModel> {
  const file = place.endsWith(".json") ? place : path.join(place, "model.json");
  const json = naming(file, () => {
    try {
      return JSON.parse(fs.readFileSync(file, "utf8"));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new CheckpointError(file, "is not JSON; is it a model.json?");
    }
  });
  if (!json?.modelTopology || !Array.isArray(json.weightsManifest)) {
    throw new CheckpointError(
      file,
      "is not a LayersModel: it lacks modelTopology or weightsManifest",
    );
  }
  const manifest = json.weightsManifest as tf.io.WeightsManifestConfig;
  const parts = manifest.flatMap(({ paths }) => paths).map((name) => {
    const part = path.join(path.dirname(file), name);
    const bytes = naming(part, () => fs.readFileSync(part));
    return Uint8Array.from(bytes).buffer;
  });
  try {
    return await tf.loadLayersModel(tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: manifest.flatMap(({ weights }) => weights),
      weightData: tf.io.concatenateArrayBuffers(parts),
    }));
  } catch (error) {
    throw new CheckpointError(
      file,
      `cannot be made into a model: ${(error as Error).message}`,
      error,
    );
  }
}

/** Numbers by name, beside anything that JSON can hold. */
export interface State<Notes> {
  notes: Notes;
  arrays: Record<string, Float32Array>;
}

const STATE_MARK = "mien-state-1";

/**
 * Writes a state, whole or not at all: one line of JSON, then the arrays' bytes.
 *
 * @throws {CheckpointError} for a full disk, missing rights and the like
 */
export function saveState<Notes>(file: string, state: State<Notes>): void {
  const arrays = Object.entries(state.arrays);
  const body = new Uint8Array(
    arrays.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
  );
  let at = 0;
  for (const [, { buffer, byteOffset, byteLength }] of arrays) {
    body.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const head = JSON.stringify({
    mark: STATE_MARK,
    arrays: arrays.map(([name, { length }]) => ({ name, length })),
    sha256: createHash("sha256").update(body).digest("hex"),
    notes: state.notes,
  });
  const line = new TextEncoder().encode(head + "\n");
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  writeWhole(file, bytes);
}

/**
 * Reads a state written with {@linkcode saveState}.
 *
 * @throws {CheckpointError} when it is missing, damaged or something else
 */
export function loadState<Notes>(file: string): State<Notes> {
  const bytes = naming(file, () => fs.readFileSync(file));
  const end = bytes.indexOf("\n");
  const damaged = (what: string) =>
    new CheckpointError(file, `is no state of a training run: ${what}`);
  let head;
  try {
    head = JSON.parse(bytes.subarray(0, Math.max(end, 0)).toString());
  } catch {
    throw damaged("its first line is not JSON");
  }
  if (head?.mark !== STATE_MARK) throw damaged(`it lacks ${STATE_MARK}`);
  const body = Uint8Array.from(bytes.subarray(end + 1));
  if (createHash("sha256").update(body).digest("hex") !== head.sha256) {
    throw damaged("its bytes are damaged");
  }
  const arrays: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, length } of head.arrays) {
    arrays[name] = new Float32Array(body.buffer, at, length);
    at += length * 4;
  }
  return { notes: head.notes, arrays };
}
