// FER+: the answers of ten people for each face of FER-2013 (Barsoum, Zhang, Canton Ferrer and
// Zhang 2016, "Training deep networks for facial expression recognition with crowd-sourced label
// distribution", arXiv 1608.01041; the file is fer2013new.csv of microsoft/FERPlus, MIT license).
// FER-2013 itself has one label per face; these ten people agree with it on 63 % of the faces.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EMOTIONS } from "../emotions.ts";
import {
  DatasetError,
  type Faces,
  facesError,
  pickFaces,
  SPLITS,
} from "./faces.ts";
import { DATA_FOLDER } from "./fer2013.ts";

/** The possible answers, in the order of the file's columns. */
export const ANSWERS = [
  "neutral",
  "happiness",
  "surprise",
  "sadness",
  "anger",
  "disgust",
  "fear",
  "contempt",
  "unknown",
  "not a face",
] as const;

/** The column of each emotion, in the order of `EMOTIONS`. */
export const EMOTION_COLUMNS: readonly number[] = [4, 5, 6, 1, 3, 2, 0];

/** With fewer votes than this for the seven emotions together, the label is kept. */
const LEAST_VOTES = 3;

/** The votes, of ten, that a majority needs. */
const MAJORITY = 5;

/** The name of FER+'s file. */
export const VOTES_NAME = "fer2013new.csv";

/** The columns of FER+'s file before the votes. */
const HEADER = "usage,image name," +
  "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,nf";

/**
 * The faces with their votes; `votes` is n x 10.
 *
 * The file has no pixels, so only the order of its rows tells which face the votes are for: it must
 * have as many rows for each split as there are faces, in the same order. Rows for splits that the
 * faces lack are skipped.
 *
 * @param faces read from a table in the original order; picture folders have none
 * @param file the path of fer2013new.csv
 * @throws {DatasetError} naming the file, the row and the reason
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { readVotes } from "mien/data/ferplus.ts";
 *
 * const faces = drawFaces({ count: 70, seed: 1 });
 * const header = "Usage,Image name,neutral,happiness,surprise,sadness," +
 *   "anger,disgust,fear,contempt,unknown,NF";
 * const names = ["Training", "PublicTest", "PrivateTest"];
 * const rows = Array.from(faces.splits, (split) => `${names[split]},,9,0,0,0,0,0,0,0,1,0`);
 * await Deno.writeTextFile("votes.csv", [header, ...rows].join("\n"));
 * const { votes } = await readVotes(faces, "votes.csv");
 * console.log(votes?.length); // 700
 * ```
 */
export async function readVotes(faces: Faces, file: string): Promise<Faces> {
  if (faces.source.unordered) {
    throw new DatasetError(
      file,
      `has the votes for the rows of fer2013.csv, but ${
        faces.source.path ?? "these faces"
      } are pictures in folders, which have no order; use fer2013.csv`,
    );
  }
  const [header, ...lines] = (await readText(file)).split(/\r?\n/);
  if (header.trim().toLowerCase() !== HEADER) {
    throw new DatasetError(
      file,
      `is not FER+'s fer2013new.csv: it begins with "${
        header.slice(0, 60)
      }" instead of "Usage,Image name,neutral,…"`,
    );
  }
  const present = new Set(faces.splits);
  const votes = new Uint8Array(faces.length * ANSWERS.length);
  let face = 0;
  for (const [index, line] of lines.entries()) {
    if (line === "") continue;
    const [usage, , ...cells] = line.split(","); // no field is quoted
    const split = (SPLITS as readonly string[]).indexOf(usage);
    const counts = cells.map(Number);
    const bad = split < 0
      ? `Usage is "${usage}", not one of ${SPLITS.join(", ")}`
      : counts.length !== ANSWERS.length ||
          !counts.every((count) =>
            Number.isInteger(count) && count >= 0 && count <= 10
          )
      ? `needs ${ANSWERS.length} counts from 0 to 10`
      : null;
    if (bad) throw new DatasetError(file, bad, index + 1);
    if (!present.has(split)) continue;
    if (face < faces.length && faces.splits[face] !== split) {
      throw new DatasetError(
        file,
        `is a row of ${usage}, but the face is in ${
          SPLITS[faces.splits[face]]
        }: the two files are not in the same order`,
        index + 1,
      );
    }
    if (face < faces.length) votes.set(counts, face * ANSWERS.length);
    face++;
  }
  if (face !== faces.length) {
    throw new DatasetError(
      file,
      `has ${face.toLocaleString("en")} rows for the splits of ${
        faces.source.path ?? "these faces"
      }, but there are ${faces.length.toLocaleString("en")} faces`,
    );
  }
  return { ...faces, votes };
}

/**
 * The faces with the votes in `file`, or in the fer2013new.csv next to the faces' own file or in
 * `data/`.
 *
 * @throws {DatasetError} when there is none, or it does not match
 */
export async function findVotes(faces: Faces, file?: string): Promise<Faces> {
  const beside = faces.source.path && dirname(faces.source.path);
  const found = file ?? [beside ?? DATA_FOLDER, DATA_FOLDER]
    .map((folder) => join(folder, VOTES_NAME)).find((path) => existsSync(path));
  if (found) return await readVotes(faces, found);
  throw new DatasetError(
    join(beside ?? DATA_FOLDER, VOTES_NAME),
    "FER+'s votes are missing; deno task data gets them, or name the file with --votes",
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    throw new DatasetError(
      file,
      code === "ENOENT"
        ? "no such file; deno task data gets it"
        : `cannot be read (${message})`,
    );
  }
}

/** Each emotion's share of the votes for the seven, or only the label, n x 7. */
function voteTargets(
  faces: Pick<Faces, "labels" | "votes" | "length" | "source">,
): Float32Array {
  const votes = votesOf(faces);
  const targets = new Float32Array(faces.length * EMOTIONS.length);
  for (let face = 0; face < faces.length; face++) {
    const at = face * EMOTIONS.length;
    const counts = countsOf(votes, face);
    const sum = counts.reduce((total, count) => total + count, 0);
    if (sum < LEAST_VOTES) targets[at + faces.labels[face]] = 1;
    else counts.forEach((count, k) => targets[at + k] = count / sum);
  }
  return targets;
}

/**
 * Training targets, n x classes; every row sums to 1. A share of `weight` comes from people's votes
 * (contempt, unknown and "not a face" left out), the rest from the face's label. A face with fewer
 * than three votes for the seven emotions has only its label.
 *
 * @param weight 0 to 1; at 0 the faces need no votes
 * @throws {DatasetError} when the weight is above 0 but the faces have no votes, or their own classes
 */
export function blendedTargets(
  faces: Pick<Faces, "labels" | "votes" | "length" | "source" | "emotions">,
  weight: number,
): Float32Array {
  const classes = faces.emotions.length;
  if (weight > 0 && faces.emotions.join() !== EMOTIONS.join()) {
    throw facesError(
      faces,
      `the votes are for ${EMOTIONS.join(", ")}, but the faces show ${
        faces.emotions.join(", ")
      }; set the vote weight to 0`,
    );
  }
  const targets = weight > 0
    ? voteTargets(faces).map((part) => weight * part)
    : new Float32Array(faces.length * classes);
  faces.labels.forEach((label, face) =>
    targets[face * classes + label] += 1 - weight
  );
  return targets;
}

/**
 * The faces for which at least five of ten people agree on one of the seven emotions, labeled
 * with that emotion: in a tie, with the first in the file's order, as in Barsoum et al.
 *
 * @throws {DatasetError} when the faces have no votes, or no face has a majority
 */
export function majorityFaces(faces: Faces): Faces {
  const votes = votesOf(faces);
  const rows: number[] = [], labels: number[] = [];
  for (let face = 0; face < faces.length; face++) {
    const all = votes.subarray(
      face * ANSWERS.length,
      (face + 1) * ANSWERS.length,
    );
    const counts = countsOf(votes, face);
    const most = Math.max(...all);
    if (most < MAJORITY || Math.max(...counts) < most) continue;
    rows.push(face);
    labels.push(EMOTION_COLUMNS.indexOf(all.indexOf(most)));
  }
  if (rows.length === 0) {
    throw facesError(
      faces,
      "no face has an emotion that five of ten people agree on",
    );
  }
  return { ...pickFaces(faces, rows), labels: Uint8Array.from(labels) };
}

function votesOf(faces: Pick<Faces, "votes" | "source">): Uint8Array {
  if (faces.votes) return faces.votes;
  throw facesError(
    faces,
    "these faces have no votes; read FER+'s fer2013new.csv with readVotes (--votes FILE)",
  );
}

/** The votes of a face for the seven emotions, in their order. */
function countsOf(votes: Uint8Array, face: number): number[] {
  return EMOTION_COLUMNS.map((column) => votes[face * ANSWERS.length + column]);
}
