// Reads and checks a model.json and its weight files before TensorFlow.js gets them: it would wait
// forever for a layer that does not exist, and accept any numbers. This module checks the format;
// network/graph.ts defines what a network may consist of.
import * as tf from "@tensorflow/tfjs";
import * as fs from "node:fs";
import * as path from "node:path";
import { FileError, naming } from "../write_whole.ts";
import { describe, isObject, type Json } from "./json.ts";
import { fromKeras3 } from "./keras3.ts";
import { checkLayers } from "./layer_graph.ts";

/** A model or state that is damaged or something else; the message names the file and the reason. */
export class CheckpointError extends FileError {
  override readonly name = "CheckpointError";
}

/** Runs `act`; a file that it cannot read or write becomes a {@linkcode CheckpointError}. */
export function asCheckpoint<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    const other = !(error instanceof FileError);
    if (other || error instanceof CheckpointError) throw error;
    throw new CheckpointError(error.file, error.reason, error.cause);
  }
}

/** The description of a model as TensorFlow.js expects it, with its weights. */
export interface ModelFile {
  modelTopology: Json;
  userDefinedMetadata?: Json;
  weightSpecs: tf.io.WeightsManifestEntry[];
  weightData: ArrayBuffer;
}

/** The most bytes of a description and of all weights, far more than any network for faces has. */
const MOST_DESCRIPTION = 64 * 2 ** 20;
const MOST_WEIGHTS = 1024 * 2 ** 20;

const BYTES: Record<string, number> = {
  float32: 4,
  int32: 4,
  float16: 2,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

/** The bytes of a regular file; devices and pipes, which may never end, are rejected. */
function readBytes(file: string, most: number): Uint8Array<ArrayBuffer> {
  return asCheckpoint(() =>
    naming(file, () => {
      const about = fs.statSync(file);
      if (!about.isFile()) {
        throw new CheckpointError(file, "is not a regular file");
      }
      if (about.size > most) {
        throw new CheckpointError(
          file,
          `has ${about.size} bytes; more than ${most} are not read`,
        );
      }
      return Uint8Array.from(fs.readFileSync(file));
    })
  );
}

/**
 * Reads and checks a model.json and the weights next to it.
 *
 * @throws {CheckpointError} naming the file, the field and what is wrong with it
 */
export function readModelFile(file: string): ModelFile {
  const json = readJson(file);
  const fail = (reason: string) => new CheckpointError(file, reason);
  const topology = json.modelTopology;
  if (json.format === "graph-model" || isObject(topology) && topology.node) {
    throw fail(
      "is a graph model, which has no layers; convert the original again as a layers model (tensorflowjs_converter --output_format=tfjs_layers_model)",
    );
  }
  if (!isObject(topology) || !Array.isArray(json.weightsManifest)) {
    throw fail(
      "is not a LayersModel: it lacks modelTopology or weightsManifest",
    );
  }
  const weights = readManifest(json.weightsManifest, path.dirname(file), fail);
  const modelTopology = fromKeras3(topology);
  checkLayers(modelTopology, weights.weightSpecs, fail);
  const { userDefinedMetadata } = json;
  return {
    modelTopology,
    userDefinedMetadata: isObject(userDefinedMetadata)
      ? userDefinedMetadata
      : undefined,
    ...weights,
  };
}

function readJson(file: string): Json {
  const bytes = readBytes(file, MOST_DESCRIPTION);
  let json;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new CheckpointError(file, "is not JSON; is it a model.json?");
  }
  if (isObject(json)) return json;
  throw new CheckpointError(
    file,
    `is not a LayersModel: it is ${describe(json)}, not an object`,
  );
}

type Fail = (reason: string) => CheckpointError;

/** All weights as one sequence of bytes, with a list of what they are. */
function readManifest(manifest: unknown[], folder: string, fail: Fail) {
  const weightSpecs: tf.io.WeightsManifestEntry[] = [];
  const parts: ArrayBuffer[] = [];
  for (const [index, group] of manifest.entries()) {
    const place = `weightsManifest[${index}]`;
    if (
      !isObject(group) || !Array.isArray(group.paths) ||
      !Array.isArray(group.weights)
    ) {
      throw fail(`${place} must have a list of paths and a list of weights`);
    }
    const specs = group.weights.map((entry: unknown, at: number) =>
      checkWeight(entry, `${place}.weights[${at}]`, fail)
    );
    const expected = specs.reduce((sum, { bytes }) => sum + bytes, 0);
    if (expected > MOST_WEIGHTS) {
      throw fail(
        `${place} has weights of ${expected} bytes; more than ${MOST_WEIGHTS} are not read`,
      );
    }
    const files = group.paths.map((name: unknown, at: number) =>
      weightsPath(name, folder, `${place}.paths[${at}]`, fail)
    );
    const read = files.map((file: string) =>
      readBytes(file, expected + 2 ** 20)
    );
    const found = read.reduce((sum: number, { length }) => sum + length, 0);
    if (found !== expected) {
      throw new CheckpointError(
        files.at(-1) ?? folder,
        `does not fit model.json: there are ${found} bytes of weights instead of ${expected}`,
      );
    }
    weightSpecs.push(...specs.map(({ spec }) => spec));
    parts.push(...read.map(({ buffer }) => buffer));
  }
  return { weightSpecs, weightData: tf.io.CompositeArrayBuffer.join(parts) };
}

/** One entry of a manifest and its number of bytes. */
function checkWeight(entry: unknown, place: string, fail: Fail) {
  if (!isObject(entry) || typeof entry.name !== "string") {
    throw fail(`${place} has no name: it is ${describe(entry)}`);
  }
  const { name, shape, dtype, quantization } = entry;
  const sizes = Array.isArray(shape) && shape.length <= 6 &&
    shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!sizes) {
    throw fail(`${place} (${name}): shape is ${describe(shape)}, not sizes`);
  }
  const stored = isObject(quantization) ? quantization.dtype : dtype;
  if (
    (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") ||
    typeof stored !== "string" || !Object.hasOwn(BYTES, stored)
  ) {
    throw fail(
      `${place} (${name}): dtype is ${
        describe(stored)
      }, not float32, int32 or bool`,
    );
  }
  const count = (shape as number[]).reduce((a, b) => a * b, 1);
  return {
    spec: entry as unknown as tf.io.WeightsManifestEntry,
    bytes: count * BYTES[stored],
  };
}

/** The file that a path in the manifest names; it must be in the model's folder or below. */
function weightsPath(
  name: unknown,
  folder: string,
  place: string,
  fail: Fail,
): string {
  const inside = typeof name === "string" && name !== "" &&
    !/^[/\\]|^[A-Za-z]+:|\\|\0/.test(name) && !name.split("/").includes("..");
  if (inside) return path.join(folder, name as string);
  throw fail(
    `${place} is ${describe(name)}; weights must be in the model's folder`,
  );
}

/** @throws {CheckpointError} naming the first weight that is not a number, or a negative variance */
export function checkWeights(file: string, model: tf.LayersModel): void {
  for (const variable of model.weights) {
    const name = (variable as { originalName?: string }).originalName ??
      variable.name;
    const values = variable.read().dataSync();
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      throw new CheckpointError(
        file,
        `the weight ${name} has ${
          values[wrong]
        } at index ${wrong}, so the network cannot give an answer: use another model`,
      );
    }
    if (/moving_variance/.test(name) && values.some((value) => value < 0)) {
      throw new CheckpointError(file, `${name} has a variance below zero`);
    }
  }
}
