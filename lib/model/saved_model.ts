// Saves and loads models. A model is a folder with model.json and weights.bin in TensorFlow.js's
// LayersModel format, which `tf.loadLayersModel` reads in a browser without this project.
// model_file.ts reads and checks the files.
import "./quiet_tfjs.ts";
import { makeFolder, naming, writeWhole } from "../write_whole.ts";
import {
  asCheckpoint,
  CheckpointError,
  checkWeights,
  readModelFile,
} from "./model_file.ts";
import * as tf from "@tensorflow/tfjs";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * Saves a model as model.json and weights.bin in `folder`, completely or not at all: a folder without
 * model.json has no model. An existing model is replaced; other files in the folder stay.
 *
 * @throws {CheckpointError} for a full disk, missing permissions and the like
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
  const description = JSON.stringify(json);
  const file = path.join(folder, "model.json");
  asCheckpoint(() => {
    makeFolder(folder);
    naming(folder, () => {
      // This description must never be next to another network's weights.
      const same = fs.existsSync(file) &&
        fs.readFileSync(file, "utf8") === description;
      if (!same) fs.rmSync(file, { force: true });
    });
    writeWhole(path.join(folder, "weights.bin"), new Uint8Array(bytes));
    writeWhole(file, description);
  });
}

/**
 * Loads a model saved with {@linkcode saveModel}, or any other in this format, from its folder or its
 * model.json.
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
  const artifacts = readModelFile(file);
  let model: tf.LayersModel | undefined;
  try {
    model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
    checkWeights(file, model);
    return model;
  } catch (error) {
    model?.dispose();
    if (error instanceof CheckpointError) throw error;
    const [reason] = String((error as Error).message).split("\n");
    throw new CheckpointError(
      file,
      `cannot be turned into a model: ${
        reason.length > 300 ? `${reason.slice(0, 300)}…` : reason
      }`,
      error,
    );
  }
}
