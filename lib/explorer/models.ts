/**
 * The networks that the explorer can open: every model in models/ that takes
 * a face, with the saved epochs of its run, as plain data for a page.
 *
 * @module
 */
import type * as tf from "@tensorflow/tfjs";
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { EMOTIONS, FACE_PIXELS } from "../emotions.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import { loadModel } from "../model/saved_model.ts";
import { COMPILED_LAYERS } from "../network/compiled_layers.ts";
import { describeNetwork } from "../network/describe_network.ts";
import { NetworkError, type NetworkGraph } from "../network/graph.ts";
import { readWeights } from "../network/weights.ts";
import { inProject } from "../project.ts";
import { defaultModel, thresholdOf } from "../recognition/recognize.ts";
import type { TrainedNetwork } from "../network/trained.ts";

/** A model in the explorer's list. */
export interface ListedModel {
  /** Its address below models/ on the page's server. */
  readonly id: string;
  /** Its title: a run and, for one of its epochs, the number. */
  readonly title: string;
  /** The run it belongs to. */
  readonly run: string;
  /** For a saved epoch, its number and, if its name gives it, its accuracy. */
  readonly epoch?: number;
  readonly accuracy?: number;
}

/** What a page needs of a network, besides its weights. */
export interface NetworkFile
  extends Pick<TrainedNetwork, "graph" | "scale" | "threshold"> {
  /** The names of its classes, in the order of its outputs. */
  readonly names: readonly string[];
}

/** A listed model and the folder it is in. */
export interface FoundModel extends ListedModel {
  readonly folder: string;
}

/** A saved epoch's folder: the network's name, the epoch, the accuracy. */
const EPOCH = /\.(\d+)-(\d*\.?\d+)$/;

function holdsModel(folder: string): boolean {
  return existsSync(join(folder, "model.json"));
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
}

function describeFolder(folder: string, root: string): FoundModel {
  const id = relative(root, folder).replaceAll("\\", "/");
  const run = dirname(id) === "." ? id : dirname(id);
  const name = basename(id);
  const saved = EPOCH.exec(name);
  if (!saved) {
    const title = run === id ? name : `${run}, ${name}`;
    return { id, title, run, folder };
  }
  const epoch = Number(saved[1]), accuracy = Number(saved[2]);
  const title = `${run}, epoch ${epoch}`;
  return { id, title, run, epoch, accuracy, folder };
}

/**
 * The models in models/, the default one first; the epochs of a run in
 * order.
 *
 * @param model the folder of another model, which then comes first
 */
export function findModels(
  model?: string,
): FoundModel[] {
  const root = inProject("models");
  const found = foldersIn(root).flatMap((name) => {
    const folder = join(root, name);
    return [folder, ...foldersIn(folder).map((inner) => join(folder, inner))];
  }).filter(holdsModel).map((folder) => describeFolder(folder, root));
  found.sort((a, b) =>
    a.run < b.run ? -1 : a.run > b.run ? 1 : (a.epoch ?? 0) - (b.epoch ?? 0)
  );
  const first = resolve(model ?? firstModel(found));
  const known = found.find(({ folder }) => resolve(folder) === first);
  if (known) return [known, ...found.filter((each) => each !== known)];
  return [...givenModel(first), ...found];
}

function firstModel(found: FoundModel[]): string {
  try {
    return defaultModel();
  } catch (error) {
    if (found.length === 0) throw error;
    return found[0].folder;
  }
}

/** A model from elsewhere, with the saved epochs next to it. */
function givenModel(folder: string): FoundModel[] {
  const place = folder.endsWith(".json") ? dirname(folder) : folder;
  const run = basename(dirname(place));
  const own = { id: "given", title: basename(place), run, folder: place };
  const epochs = foldersIn(dirname(place))
    .map((name) => join(dirname(place), name))
    .filter((folder) => holdsModel(folder) && folder !== place)
    .map((folder) => describeFolder(folder, dirname(dirname(place))))
    .filter(({ epoch }) => epoch !== undefined)
    .sort((a, b) => a.epoch! - b.epoch!)
    .map((model) => ({ ...model, id: `given/${basename(model.folder)}` }));
  return [own, ...epochs];
}

/**
 * Reads a model with any number of classes for a page.
 *
 * @throws {CheckpointError} when it cannot be read
 * @throws {NetworkError} when it does not take 48 x 48 gray faces, or has a
 * layer that is not compiled
 * @throws {MeaningError} when its names or its scale do not match it
 */
export async function readNetwork(
  folder: string,
): Promise<TrainedNetwork & NetworkFile> {
  const model = await loadModel(folder);
  try {
    const graph = describeForPage(model);
    if (graph.inputSize !== FACE_PIXELS) {
      throw new NetworkError(`${folder} does not take 48 x 48 gray faces`);
    }
    const weights = readWeights(graph, model);
    const saved = new Map(model.weights.map((weight) => {
      const variable = weight as tf.LayerVariable & { originalName: string };
      return [variable.name, variable.originalName];
    }));
    for (const weight of graph.weights) {
      weight.name = saved.get(weight.name) ?? weight.name;
    }
    const { emotions, named, scale } = meaningOf(model);
    const seven = !named && emotions.length === EMOTIONS.length;
    const names = seven ? EMOTIONS : emotions;
    return { graph, ...weights, names, scale, threshold: thresholdOf(folder) };
  } finally {
    model.dispose();
  }
}

function describeForPage(model: tf.LayersModel): NetworkGraph {
  try {
    return describeNetwork(model);
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new NetworkError(
      `${error.message}: the explorer shows networks of ${
        Object.keys(COMPILED_LAYERS).join(", ")
      }. Replace the layer, or use deno task evaluate, classify or video, which take any network`,
    );
  }
}
