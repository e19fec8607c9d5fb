/**
 * The user's FER-2013 for the explorer's page, from their disk: a split, and
 * whether FER+'s votes are there. Never part of what is exported.
 *
 * @module
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { DatasetError, type Faces, selectSplit } from "../data/faces.ts";
import { DATA_FOLDER, KNOWN_NAMES, loadFaces } from "../data/fer2013.ts";
import { ANSWERS, VOTES_NAME } from "../data/ferplus.ts";

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

/**
 * The user's faces of PublicTest, read once.
 *
 * @throws {DatasetError} when the data cannot be used
 */
export async function loadOwnFaces(): Promise<Faces> {
  const place = findOwnFaces();
  if (!place) throw new DatasetError("FER-2013", "not found");
  loaded ??= loadFaces(place).then((all) => selectSplit(all, "PublicTest"));
  loaded.catch(() => loaded = undefined);
  return await loaded;
}
