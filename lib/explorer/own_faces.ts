/**
 * The user's FER-2013 for the explorer's page, from their disk: a split as
 * bytes, and FER+'s votes if they have them. Never part of what is exported.
 *
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { DatasetError, type Faces, selectSplit } from "../data/faces.ts";
import { DATA_FOLDER, KNOWN_NAMES, loadFaces } from "../data/fer2013.ts";
import { ANSWERS, findVotes, VOTES_NAME } from "../data/ferplus.ts";

/** What the page is told about a split. */
export interface ListedFaces {
  readonly name: string;
  readonly split: "PublicTest";
  /** The possible answers of the ten people, if their votes are there. */
  readonly answers?: readonly string[];
}

/** Where the user's FER-2013 is: the path in FER2013, or what is in data/. */
function findOwnFaces(): string | undefined {
  if (process.env.FER2013) return process.env.FER2013;
  if (!existsSync(DATA_FOLDER)) return undefined;
  const lying = readdirSync(DATA_FOLDER);
  return KNOWN_NAMES.some((name) => lying.includes(name))
    ? DATA_FOLDER
    : undefined;
}

/** Describes what is there, without reading it. */
export function listOwnFaces(): ListedFaces[] {
  const place = findOwnFaces();
  if (!place) return [];
  const voted = [dirname(place), DATA_FOLDER]
    .some((folder) => existsSync(join(folder, VOTES_NAME)));
  return [{
    name: place === DATA_FOLDER ? "FER-2013" : basename(place),
    split: "PublicTest",
    answers: voted ? ANSWERS : undefined,
  }];
}

let loaded: Promise<Faces> | undefined;

async function loadSplit(): Promise<Faces> {
  const place = findOwnFaces();
  if (!place) throw new DatasetError("FER-2013", "not found");
  loaded ??= loadFaces(place).then((all) => selectSplit(all, "PublicTest"));
  loaded.catch(() => loaded = undefined);
  return await loaded;
}

/**
 * PublicTest as bytes: one label per face, then 48 x 48 gray values per face.
 *
 * @throws {DatasetError} when the data cannot be used
 */
export async function readOwnFaces(): Promise<Uint8Array> {
  const { labels, pixels } = await loadSplit();
  const bytes = new Uint8Array(labels.length + pixels.length);
  bytes.set(labels);
  bytes.set(pixels, labels.length);
  return bytes;
}

/**
 * The votes on PublicTest's faces: for each face, a number for each of `ANSWERS`.
 *
 * @throws {DatasetError} when there are none, or they are for other faces
 */
export async function readOwnVotes(): Promise<Uint8Array> {
  return (await findVotes(await loadSplit())).votes!;
}
