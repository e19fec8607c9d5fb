// The networks that a page can open: their list, and each with its weights, compiled.

import { scalePixels } from "../../network/input.ts";
import type { Network } from "../../network/network.ts";
import { createTrained, type TrainedNetwork } from "../../network/trained.ts";
import { classifyFaces } from "../../recognition/recognizer.ts";
import { traceLayers } from "../forward.ts";
import type { ListedModel, NetworkFile } from "../models.ts";

/** The number of faces that go through a network at once. */
const BATCH = 32;

/** A network that is ready to predict. */
export class PageNetwork {
  private constructor(
    readonly id: string,
    readonly title: string,
    readonly trained: TrainedNetwork,
    readonly names: readonly string[],
    private readonly compiled: Network,
  ) {}

  static async create(
    id: string,
    title: string,
    trained: TrainedNetwork,
    names: readonly string[],
  ): Promise<PageNetwork> {
    const options = { batch: BATCH, training: false };
    const compiled = await createTrained(trained, options);
    return new PageNetwork(id, title, trained, names, compiled);
  }

  /** The probabilities for faces of 48 x 48 gray values. */
  classify(faces: readonly Uint8Array[]): Float32Array[] {
    return classifyFaces(this.compiled, faces, this.trained.scale);
  }

  /** The values of every layer for a face, as `traceLayers` returns them. */
  trace(face: Uint8Array): Float32Array[] {
    const { trained } = this;
    return traceLayers(trained, scalePixels(face, undefined, trained.scale));
  }
}

async function load(path: string): Promise<Response> {
  const response = await fetch(path).catch(() => {
    throw new Error(
      `${path} cannot be loaded: is the server of this page still running?`,
    );
  });
  if (response.ok) return response;
  const words = response.status === 500 ? await response.text() : "";
  throw new Error(words || `${path} was not found (${response.status})`);
}

/** A file from the page's server, as JSON. */
export async function loadJson<T>(path: string): Promise<T> {
  return await (await load(path)).json();
}

/** A file from the page's server, as bytes. */
export async function loadBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await load(path)).arrayBuffer());
}

/** All networks, loaded on demand. */
export class Networks {
  readonly #loaded = new Map<string, Promise<PageNetwork>>();

  constructor(readonly list: readonly ListedModel[]) {}

  /** @throws Error if it is not in the list or cannot be loaded */
  open(id: string): Promise<PageNetwork> {
    let network = this.#loaded.get(id);
    if (!network) {
      network = this.#load(id);
      this.#loaded.set(id, network);
      network.catch(() => this.#loaded.delete(id));
    }
    return network;
  }

  async #load(id: string): Promise<PageNetwork> {
    const listed = this.list.find((each) => each.id === id);
    if (!listed) throw new Error(`There is no model "${id}" here`);
    const folder = `models/${id}`;
    const [file, parameters, statistics] = await Promise.all([
      loadJson<NetworkFile>(`${folder}/network.json`),
      loadBytes(`${folder}/parameters.bin`),
      loadBytes(`${folder}/statistics.bin`),
    ]);
    const trained = {
      graph: file.graph,
      scale: file.scale,
      threshold: file.threshold,
      parameters: new Float32Array(parameters.buffer),
      statistics: new Float32Array(statistics.buffer),
    };
    return await PageNetwork.create(id, listed.title, trained, file.names);
  }
}
