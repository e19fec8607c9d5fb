// Saved models and the state of a run: written whole or not at all.
//
// A model is a folder with model.json and weights.bin in TensorFlow.js' LayersModel format, which
// `tf.loadLayersModel` reads in a browser without this project. A run's state is one file with all
// that training needs to go on. What is in it is training/train.ts' business.
import "./quiet_tfjs.ts";
import { FileError, flushFolder, naming, writeWhole } from "../write_whole.ts";
import * as tf from "@tensorflow/tfjs";
import * as fs from "node:fs";
import * as path from "node:path";

/** A model or a state that is not what it should be: names the file and the reason. */
export class CheckpointError extends FileError {
  override readonly name = "CheckpointError";
}

/**
 * Saves a model as `folder`/model.json and weights.bin, whole or not at all; a folder of that name
 * is replaced.
 *
 * @throws {CheckpointError} for a full disk, missing rights and the like
 *
 * @example
 * ```ts
 * import { saveModel } from "mien/model/saved_model.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
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
  const { userDefinedMetadata } = artifacts!;
  const json = {
    format,
    generatedBy,
    convertedBy: null,
    modelTopology,
    userDefinedMetadata,
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
 * import { loadModel } from "mien/model/saved_model.ts";
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
      userDefinedMetadata: json.userDefinedMetadata,
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
