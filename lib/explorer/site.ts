/**
 * The explorer's files by address: the page, its bundle, the compiled modules,
 * the networks. `server.ts` serves them; `writeSite` writes them to a folder
 * for any static web server.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { inProject } from "../project.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { UserError } from "../user_error.ts";
import { writeWhole } from "../write_whole.ts";
import {
  findModels,
  type FoundModel,
  type NetworkFile,
  readNetwork,
} from "./models.ts";
import type { Faces } from "../data/faces.ts";
import { findVotes } from "../data/ferplus.ts";
import { drawFaces } from "../drawn/faces.ts";
import { DRAWN_SEED } from "./drawn_seed.ts";
import { listOwnFaces, loadOwnFaces } from "./own_faces.ts";

/** The explorer cannot be written or served: says why and what to do. */
export class ExplorerError extends UserError {
  override readonly name = "ExplorerError";
}

/** A file of the site. */
export interface SiteFile {
  readonly type: string;
  readonly content: Uint8Array;
}

/** What a site shows. */
export interface SiteOptions {
  /** The folder of the model that is opened first; the default one if left out. */
  readonly model?: string;
}

const PAGE = inProject("lib", "explorer", "page");
const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
  bin: "application/octet-stream",
};

/** One label per face, then 48 x 48 gray values per face. */
const bytesOfFaces = ({ labels, pixels }: Faces) =>
  new Uint8Array(Buffer.concat([labels, pixels]));
const encode = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value));
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength).slice();

/** The explorer's files. */
export class Site {
  readonly #model: string | undefined;
  readonly #fixed = new Map<string, string>();
  readonly #networks = new Map<string, Promise<TrainedNetwork & NetworkFile>>();

  /** @throws {InferenceError} when there is no model at all */
  constructor({ model }: SiteOptions = {}) {
    this.#model = model;
    this.models();
    this.#fixed.set("index.html", join(PAGE, "index.html"));
    this.#fixed.set("style.css", join(PAGE, "style.css"));
    this.#fixed.set("page.js", inProject("lib", "explorer", "bundle.js"));
    for (const name of ["haar", "network"]) {
      const folder = inProject("lib", name, "wasm");
      for (const file of readdirSync(folder)) {
        if (file.endsWith(".wasm")) {
          this.#fixed.set(`wasm/${file}`, join(folder, file));
        }
      }
    }
  }

  /** The models that are there now, starting with the one that is opened first. */
  models(): FoundModel[] {
    return findModels(this.#model);
  }

  /** The addresses of the files that are always there. */
  get names(): string[] {
    return [...this.#fixed.keys(), "drawn.bin", "models.json", "faces.json"];
  }

  /**
   * A file by its address without the first slash; nothing if there is none.
   *
   * @throws {UserError} when a model or the user's data cannot be read
   */
  async read(path: string): Promise<SiteFile | undefined> {
    const name = path === "" ? "index.html" : path;
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
    const content = await this.#contentOf(name);
    return content && { type, content };
  }

  async #contentOf(name: string): Promise<Uint8Array | undefined> {
    const file = this.#fixed.get(name);
    if (file) return new Uint8Array(readFileSync(file));
    switch (name) {
      case "models.json":
        return encode(this.models().map(({ folder: _, ...listed }) => listed));
      case "faces.json":
        return encode(listOwnFaces());
      case "drawn.bin":
        return drawn ??= bytesOfFaces(
          drawFaces({ count: 70, seed: DRAWN_SEED }),
        );
      case "faces/PublicTest.bin":
        return listOwnFaces().length
          ? bytesOfFaces(await loadOwnFaces())
          : undefined;
      case "faces/PublicTest.votes.bin":
        return listOwnFaces()[0]?.answers
          ? (await findVotes(await loadOwnFaces())).votes
          : undefined;
    }
    const [, id, part] = /^models\/(.+)\/([a-z]+\.[a-z]+)$/.exec(name) ?? [];
    const model = this.models().find((each) => each.id === id);
    return model && await this.#modelFile(model, part);
  }

  async #modelFile({ id, folder }: FoundModel, part: string) {
    if (part === "topology.json") {
      const text = readFileSync(join(folder, "model.json"), "utf8");
      return encode(JSON.parse(text).modelTopology);
    }
    const network = await this.#networkOf(id, folder);
    switch (part) {
      case "network.json": {
        const { graph, names, scale, threshold } = network;
        const file: NetworkFile = { graph, names, scale, threshold };
        return encode(file);
      }
      case "parameters.bin":
        return bytesOf(network.parameters);
      case "statistics.bin":
        return bytesOf(network.statistics);
    }
  }

  #networkOf(id: string, folder: string) {
    // A run that is still in progress may rewrite its epochs.
    const saved = statSync(join(folder, "model.json")).mtimeMs;
    const key = `${id} ${saved}`;
    let network = this.#networks.get(key);
    if (!network) {
      network = readNetwork(folder);
      this.#networks.set(key, network);
      network.catch(() => this.#networks.delete(key));
    }
    return network;
  }
}

/** The faces that a page shows first. */
let drawn: Uint8Array | undefined;

/** How many of a run's saved epochs an exported site contains. */
const EXPORTED_EPOCHS = 2;

/**
 * Writes the explorer to a folder, for any static web server: the page, the
 * first model and two of its run's saved epochs, but none of the user's data.
 *
 * @param folder one that does not exist, is empty, or contains an explorer
 * @returns the number of bytes in all files
 * @throws {ExplorerError} when the folder contains something else
 * @throws {FileError} when it cannot be written
 */
export async function writeSite(
  folder: string,
  options: SiteOptions = {},
): Promise<number> {
  const site = new Site(options);
  if (
    existsSync(folder) && readdirSync(folder).length > 0 &&
    !existsSync(join(folder, "models.json"))
  ) {
    throw new ExplorerError(
      `${folder} is not empty and contains no explorer: choose another folder`,
    );
  }
  const models = chooseModels(site.models());
  const files = new Map<string, Uint8Array>([
    ["faces.json", encode([])],
    ["models.json", encode(models.map(({ folder: _, ...listed }) => listed))],
  ]);
  const parts = [
    "network.json",
    "parameters.bin",
    "statistics.bin",
    "topology.json",
  ];
  const wanted = [
    ...site.names,
    ...models.flatMap(({ id }) => parts.map((part) => `models/${id}/${part}`)),
  ];
  for (const name of wanted) {
    const file = files.has(name) ? undefined : await site.read(name);
    if (file) files.set(name, file.content);
  }
  let bytes = 0;
  for (const [name, content] of files) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(path, content);
    bytes += content.length;
  }
  return bytes;
}

function chooseModels([first, ...others]: readonly FoundModel[]): FoundModel[] {
  const epochs = others
    .filter(({ run, epoch }) => run === first.run && epoch !== undefined);
  const last = epochs.length - 1;
  const places = Array.from(
    { length: EXPORTED_EPOCHS },
    (_, i) => Math.round(last * i / (EXPORTED_EPOCHS - 1)),
  );
  const chosen = [...new Set(places)].filter((i) => i >= 0);
  return [first, ...chosen.map((i) => epochs[i])];
}
