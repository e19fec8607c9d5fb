/**
 * The user's FER-2013 for the explorer's page, from their disk: a split as
 * bytes, and the votes of FER+ where they have them. Never part of what is
 * exported.
 *
 * Source of the votes: Barsoum et al., "Training Deep Networks for Facial
 * Expression Recognition with Crowd-Sourced Label Distribution", 2016.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { DatasetError, type Faces, selectSplit } from "../data/faces.ts";
import { DATA_FOLDER, KNOWN_NAMES, loadFaces } from "../data/fer2013.ts";

/** What the page is told of a split. */
export interface ListedFaces {
  readonly name: string;
  readonly split: "PublicTest";
  readonly votes: boolean;
}

/** The bytes of one face's votes: the seven emotions, then all others. */
export const VOTE_BYTES = 8;

/** Where the user's FER-2013 is: what FER2013 names, or what lies in data/. */
export function findOwnFaces(): string | undefined {
  if (process.env.FER2013) return process.env.FER2013;
  if (!existsSync(DATA_FOLDER)) return undefined;
  const lying = readdirSync(DATA_FOLDER);
  return KNOWN_NAMES.some((name) => lying.includes(name))
    ? DATA_FOLDER
    : undefined;
}

function findVotes(): string | undefined {
  const place = process.env.FERPLUS ?? join(DATA_FOLDER, "fer2013new.csv");
  return existsSync(place) ? place : undefined;
}

/** Describes what there is; nothing is read yet. */
export function listOwnFaces(): ListedFaces[] {
  const place = findOwnFaces();
  if (!place) return [];
  const name = place === DATA_FOLDER ? "FER-2013" : basename(place);
  return [{ name, split: "PublicTest", votes: findVotes() !== undefined }];
}

let loaded: Promise<Faces> | undefined;

/**
 * PublicTest as bytes: a label a face, then 48 x 48 gray values a face.
 *
 * @throws {DatasetError} when the data cannot be used
 */
export async function readOwnFaces(): Promise<Uint8Array> {
  const place = findOwnFaces();
  if (!place) throw new DatasetError("FER-2013", "is not there");
  loaded ??= loadFaces(place).then((all) => selectSplit(all, "PublicTest"));
  loaded.catch(() => loaded = undefined);
  const { labels, pixels } = await loaded;
  const bytes = new Uint8Array(labels.length + pixels.length);
  bytes.set(labels);
  bytes.set(pixels, labels.length);
  return bytes;
}

/** The columns of FER+ in the order of `EMOTIONS`; the first two are usage and name. */
const COLUMNS = [
  "anger",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
  "neutral",
];

/**
 * The votes on PublicTest's faces, 8 numbers a face.
 *
 * @throws {DatasetError} when there are none, or not one row a face
 */
export async function readVotes(): Promise<Uint8Array> {
  const place = findVotes();
  if (!place) throw new DatasetError("fer2013new.csv", "is not there");
  const faces = (await readOwnFaces()).length / (48 * 48 + 1);
  const votes = parseVotes(readFileSync(place, "utf8"), place);
  if (votes.length !== faces * VOTE_BYTES) {
    throw new DatasetError(
      place,
      `has ${votes.length / VOTE_BYTES} rows for PublicTest, not ${faces}`,
    );
  }
  return votes;
}

/** Parses FER+'s table; exported for its test. */
export function parseVotes(table: string, place: string): Uint8Array {
  const [head, ...lines] = table.split(/\r?\n/).filter((line) => line !== "");
  const names = (head ?? "").split(",").map((name) =>
    name.trim().toLowerCase()
  );
  const columns = COLUMNS.map((name) => names.indexOf(name));
  if (columns.includes(-1)) {
    throw new DatasetError(place, "is not FER+'s table: columns are missing");
  }
  const rows = lines.filter((line) => line.startsWith("PublicTest"));
  const votes = new Uint8Array(rows.length * VOTE_BYTES);
  for (const [row, line] of rows.entries()) {
    const numbers = line.split(",").map(Number);
    let rest = numbers.slice(2).reduce((a, b) => a + b, 0);
    for (const [k, column] of columns.entries()) {
      votes[row * VOTE_BYTES + k] = numbers[column];
      rest -= numbers[column];
    }
    votes[row * VOTE_BYTES + 7] = rest;
  }
  return votes;
}
