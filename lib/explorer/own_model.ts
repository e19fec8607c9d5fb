/**
 * A network for the user's own classes as a file: a zip that the page can
 * reopen and that, unpacked, is a model folder for all tasks. fflate packs it,
 * because yauzl, which reads data sets, does not run in browsers.
 *
 * @module
 */
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { NetworkError } from "../network/graph.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { weightOf } from "./forward.ts";
import type { NetworkFile } from "./models.ts";

const FOLDER = "my_model";

type Layer = { config: Record<string, unknown> & { name: string } };

/**
 * Packs a network whose last layer was replaced.
 *
 * @param topology the original model's, as in its model.json
 * @throws {NetworkError} if the last layer is not in the topology
 */
export function packModel(
  network: TrainedNetwork,
  names: readonly string[],
  topology: Record<string, unknown>,
): Uint8Array {
  const { graph, scale } = network;
  const last = graph.weights.findLast(({ kind }) => kind === "parameter")!;
  const layerName = last.name.split("/")[0];
  const changed = structuredClone(topology);
  const config = (changed.model_config as typeof topology | undefined) ??
    changed;
  const { layers } = config.config as { layers: Layer[] };
  const layer = layers.find(({ config }) => config.name === layerName);
  const size = layer && ["units", "filters"].find((key) => key in layer.config);
  if (!layer || !size) {
    throw new NetworkError(`the model has no layer ${layerName} to change`);
  }
  layer.config[size] = names.length;
  const values = Float32Array.from(
    graph.weights.flatMap((_, index) => [...weightOf(network, index)]),
  );
  const model = {
    format: "layers-model",
    generatedBy: "mien explorer",
    convertedBy: null,
    modelTopology: changed,
    weightsManifest: [{
      paths: ["weights.bin"],
      weights: graph.weights.map(({ name, shape }) => ({
        name,
        shape,
        dtype: "float32",
      })),
    }],
    userDefinedMetadata: { emotions: names, scale },
  };
  const page: NetworkFile = { graph, names, scale };
  return zipSync({
    [FOLDER]: {
      "model.json": strToU8(JSON.stringify(model)),
      "weights.bin": new Uint8Array(values.buffer),
      "network.json": strToU8(JSON.stringify(page)),
    },
  });
}

function readPage(bytes: Uint8Array, fail: (reason: string) => never) {
  let file: Partial<NetworkFile> | null = null;
  try {
    file = JSON.parse(strFromU8(bytes));
  } catch {
    fail("has a network.json that is not JSON");
  }
  const { graph, names, scale } = file ?? {};
  const whole = graph && Array.isArray(graph.weights) &&
    Array.isArray(graph.nodes) && Array.isArray(names) &&
    names.length === graph.outputSize &&
    (scale === undefined || Array.isArray(scale));
  return whole ? { graph, names, scale } : fail("does not describe a network");
}

/**
 * Opens what {@linkcode packModel} made.
 *
 * @param name the file's name, for errors
 * @throws {NetworkError} naming the file and what is wrong with it
 */
export function openModel(
  zip: Uint8Array,
  name: string,
): { trained: TrainedNetwork; names: readonly string[] } {
  const fail = (reason: string): never => {
    throw new NetworkError(`${name} ${reason}`);
  };
  let files: Record<string, Uint8Array> = {};
  try {
    files = unzipSync(zip, {
      // A model has a quarter of a megabyte; nothing much larger is unpacked.
      filter: ({ originalSize }) => originalSize < 64e6,
    });
  } catch {
    fail("is not a zip, or is damaged");
  }
  const page = files[`${FOLDER}/network.json`];
  const bytes = files[`${FOLDER}/weights.bin`];
  if (!page || !bytes) fail("was not saved by this page");
  const { graph, names, scale } = readPage(page, fail);
  const { parameters, statistics } = graph;
  if (bytes.length !== 4 * (parameters + statistics)) {
    fail(
      `has ${bytes.length} bytes of weights, not ${
        4 * (parameters + statistics)
      }`,
    );
  }
  const trained = {
    graph,
    scale,
    parameters: new Float32Array(parameters),
    statistics: new Float32Array(statistics),
  };
  const all = new Float32Array(bytes.slice().buffer);
  let at = 0;
  for (const [index] of graph.weights.entries()) {
    const target = weightOf(trained, index);
    target.set(all.subarray(at, at + target.length));
    at += target.length;
  }
  if (!all.every(Number.isFinite)) fail("has weights that are not numbers");
  return { trained, names };
}
