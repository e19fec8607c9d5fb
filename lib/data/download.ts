// Puts FER-2013 into data/: downloads it (fetch_file.ts) or copies a file, checks it, and only then
// gives it its final name.
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DATA_FOLDER, loadFaces } from "./fer2013.ts";
import { readVotes, VOTES_NAME } from "./ferplus.ts";
import { DatasetError, type Faces, SPLITS } from "./faces.ts";
import { EMOTIONS } from "../emotions.ts";
import { lockFile } from "../file_lock.ts";
import { explain, FileError, publish } from "../write_whole.ts";
import { fetchFile, type FetchLimits } from "./fetch_file.ts";
import { packingOf } from "./unpack.ts";

/** Kaggle's public image version, a zip of about 60 MB; needs no login. */
export const KAGGLE_URL =
  "https://www.kaggle.com/api/v1/datasets/download/msambare/fer2013";

/** The downloaded file's name, by its packing. */
const NAMES = {
  zip: "fer2013.zip",
  gzip: "fer2013.csv.gz",
  plain: "fer2013.csv",
};

/** All names that the downloaded file may get. */
export const FACES_NAMES: readonly string[] = Object.values(NAMES);

/** Whether a place is a URL, not a file. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** The number of faces in a split, for each emotion. */
export type SplitCounts = readonly (readonly number[])[];

/** The published counts: one row per split, one column per emotion. */
export const PUBLISHED_COUNTS: SplitCounts = [
  [3995, 436, 4097, 7215, 4830, 3171, 4965],
  [467, 56, 496, 895, 653, 415, 607],
  [491, 55, 528, 879, 594, 416, 626],
];

/** The most bytes of FER-2013 in any form, and of FER+'s table: a few times their real size. */
const MOST_FACES = 2 ** 30;
const MOST_VOTES = 2 ** 25;

/** Where to get the data, and where to put it. */
export interface DownloadOptions {
  /** A URL or a file. Default: Kaggle. */
  from?: string;
  /** Default: the project's `data/`. */
  folder?: string;
  /** The expected counts. Default: the published ones. */
  counts?: SplitCounts;
  /** Limits on size and time. */
  limits?: FetchLimits;
}

/**
 * Downloads or copies FER-2013, verifies the counts of every split and class,
 * and moves it into place when it is complete. An interrupted download leaves
 * `fer2013.part`, and the next call continues from there if the server's file is
 * still the same (Range with If-Range).
 *
 * @returns the faces, whose `source.path` is the file
 * @throws {DatasetError} unreachable, an error page, interrupted, the wrong
 * archive, or a data file that already exists
 */
export async function downloadFaces(
  {
    from = KAGGLE_URL,
    folder = DATA_FOLDER,
    counts = PUBLISHED_COUNTS,
    limits,
  }: DownloadOptions = {},
): Promise<Faces> {
  for (const name of FACES_NAMES) {
    if (!existsSync(join(folder, name))) continue;
    throw new DatasetError(
      join(folder, name),
      "already exists and is not overwritten; remove it to download again",
    );
  }
  const wanted = {
    what: "FER-2013",
    partial: join(folder, "fer2013.part"),
    wrong: "this is not the complete FER-2013: ",
    limits: { most: MOST_FACES, ...limits },
  };
  return await getFile(from, folder, wanted, async (partial) => {
    const faces = await loadFaces(partial);
    checkCounts(faces, counts, from);
    const path = join(folder, NAMES[await packingOf(partial)]);
    publish(partial, path);
    return { ...faces, source: { ...faces.source, path } };
  });
}

/**
 * Downloads or copies a file to `partial`, and calls `keep`, which checks it and gives it its name.
 * A file that `keep` refuses is deleted: downloading more of it would not make it right.
 */
async function getFile<Result>(
  from: string,
  folder: string,
  { what, partial, wrong, limits }: {
    what: string;
    partial: string;
    /** Precedes the reason in the error. */
    wrong: string;
    limits: FetchLimits & { most: number };
  },
  keep: (partial: string) => Promise<Result>,
): Promise<Result> {
  return await alone(folder, partial, async () => {
    if (isUrl(from)) await fetchFile(from, partial, what, limits);
    else await copy(from, partial, limits.most);
    try {
      return await keep(partial);
    } catch (error) {
      await rm(partial, { force: true });
      if (!(error instanceof DatasetError)) throw error;
      throw new DatasetError(from, wrong + error.reason, error.row);
    } finally {
      await rm(`${partial}.json`, { force: true });
    }
  });
}

/**
 * Runs `act` while no other process works on `partial`, an unfinished file in `folder`.
 *
 * @throws {DatasetError} when another process is doing so, or the folder cannot be written
 */
async function alone<Result>(
  folder: string,
  partial: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    await mkdir(folder, { recursive: true });
    const lock = lockFile(`${partial}.lock`);
    if ("holder" in lock) {
      throw new DatasetError(
        partial,
        `${lock.holder} is already getting it; wait until it has finished`,
      );
    }
    try {
      return await act();
    } finally {
      lock.close();
      await rm(`${partial}.lock`, { force: true });
    }
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    if (error instanceof FileError) {
      throw new DatasetError(folder, error.reason);
    }
    if ((error as { code?: string }).code === undefined) throw error;
    throw new DatasetError(folder, explain(error));
  }
}

/** FER+'s votes, a table of 1.7 MB. */
export const VOTES_URL =
  "https://raw.githubusercontent.com/microsoft/FERPlus/master/fer2013new.csv";

/**
 * Downloads or copies FER+'s votes to `fer2013new.csv`, after checking that they match the faces row
 * by row. Faces from picture folders have no order to check, so the votes are then kept unchecked.
 *
 * @throws {DatasetError} unreachable, interrupted, or not the votes for these faces; an existing
 * file is kept
 */
export async function downloadVotes(
  faces: Faces,
  { from = VOTES_URL, folder = DATA_FOLDER, limits }: Omit<
    DownloadOptions,
    "counts"
  > = {},
): Promise<string> {
  const path = join(folder, VOTES_NAME);
  if (existsSync(path)) {
    throw new DatasetError(path, "already exists and is not overwritten");
  }
  const wanted = {
    what: "FER+",
    partial: `${path}.part`,
    wrong: "",
    limits: { most: MOST_VOTES, ...limits },
  };
  return await getFile(from, folder, wanted, async (partial) => {
    if (!faces.source.unordered) await readVotes(faces, partial);
    publish(partial, path);
    return path;
  });
}

/** @throws {DatasetError} naming the first split and class that differ */
function checkCounts(faces: Faces, counts: SplitCounts, file: string) {
  const found = SPLITS.map(() => EMOTIONS.map(() => 0));
  for (let row = 0; row < faces.length; row++) {
    found[faces.splits[row]][faces.labels[row]]++;
  }
  let expected = counts.map((row, split) => ({
    name: SPLITS[split] as string,
    found: found[split],
    expected: row,
  }));
  if (faces.source.note) { // the file names do not give the split
    const [training, ...tests] = expected;
    const add = (rows: (readonly number[])[]) =>
      EMOTIONS.map((_, emotion) =>
        rows.reduce((sum, row) => sum + row[emotion], 0)
      );
    expected = [training, {
      name: "test",
      found: add(tests.map((test) => test.found)),
      expected: add(tests.map((test) => test.expected)),
    }];
  }
  for (const split of expected) {
    for (const [emotion, name] of EMOTIONS.entries()) {
      if (split.found[emotion] === split.expected[emotion]) continue;
      throw new DatasetError(
        file,
        `${split.name} has ${split.found[emotion]} ${name} faces instead of ` +
          split.expected[emotion],
      );
    }
  }
}

async function copy(
  from: string,
  partial: string,
  most: number,
): Promise<void> {
  const about = await stat(from).catch((error) => {
    throw new DatasetError(
      from,
      error.code === "ENOENT" ? "no such file" : explain(error),
    );
  });
  if (!about.isFile()) {
    throw new DatasetError(
      from,
      about.isDirectory()
        ? "is a folder; give a zip or a table"
        : "is not a regular file",
    );
  }
  if (about.size > most) {
    throw new DatasetError(
      from,
      `has ${about.size} bytes; the data has at most ${most}`,
    );
  }
  try {
    await copyFile(from, partial);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
