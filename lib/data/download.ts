// Gets FER-2013 into data/: downloads it or copies a file, goes on where an
// earlier try stopped, checks it, and only then gives it its name.
import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { DATA_FOLDER, loadFaces } from "./fer2013.ts";
import { readVotes, VOTES_NAME } from "./ferplus.ts";
import { DatasetError, type Faces, SPLITS } from "./faces.ts";
import { EMOTIONS } from "../emotions.ts";
import { createProgress } from "../progress.ts";

/** Kaggle's public image version, a zip of about 60 MB; needs no login. */
export const KAGGLE_URL =
  "https://www.kaggle.com/api/v1/datasets/download/msambare/fer2013";

/** The names that the downloaded file may get, by its form. */
export const FACES_NAMES: readonly string[] = [
  "fer2013.zip",
  "fer2013.csv.gz",
  "fer2013.csv",
];

/** Whether a place is on a server, not a file. */
export function isUrl(place: string): boolean {
  return /^https?:\/\//.test(place);
}

/** Faces a split, a number for each emotion. */
export type SplitCounts = readonly (readonly number[])[];

/** The published counts: a row a split, a column an emotion. */
export const PUBLISHED_COUNTS: SplitCounts = [
  [3995, 436, 4097, 7215, 4830, 3171, 4965],
  [467, 56, 496, 895, 653, 415, 607],
  [491, 55, 528, 879, 594, 416, 626],
];

/** Seconds without a byte after which a server is given up. */
const PATIENCE_SECONDS = 60;

/** Where to get the data, and where to put it. */
export interface DownloadOptions {
  /** A URL or a file. Default: Kaggle. */
  from?: string;
  /** Default: the project's `data/`. */
  folder?: string;
  /** The counts to find. Default: the published ones. */
  counts?: SplitCounts;
}

/** The downloaded file and its faces. */
export interface Downloaded {
  readonly path: string;
  readonly faces: Faces;
}

/** What is remembered of a download that has begun. */
interface Begun {
  url: string;
  /** ETag, or else the date of the last change; needed to go on. */
  validator: string;
}

/**
 * Downloads or copies FER-2013, verifies the counts of every split and class,
 * and moves it into place when it is whole. A download that broke off leaves
 * `fer2013.part`, and the next call goes on from there if the server's file is
 * still the same (Range with If-Range).
 *
 * @throws {DatasetError} unreachable, an error page, broken off, a wrong
 * archive, or a data file that is there already
 */
export async function downloadFaces(
  { from = KAGGLE_URL, folder = DATA_FOLDER, counts = PUBLISHED_COUNTS }:
    DownloadOptions = {},
): Promise<Downloaded> {
  for (const name of FACES_NAMES) {
    if (!existsSync(join(folder, name))) continue;
    throw new DatasetError(
      join(folder, name),
      "is there already and is not overwritten; remove it to download again",
    );
  }
  await mkdir(folder, { recursive: true });
  const partial = join(folder, "fer2013.part");
  if (isUrl(from)) {
    await download(from, partial);
  } else {
    await copy(from, partial);
  }
  try {
    const faces = await loadFaces(partial);
    checkCounts(faces, counts, from);
    const path = join(folder, await nameByContent(partial));
    await rename(partial, path);
    await rm(`${partial}.json`, { force: true });
    return { path, faces: { ...faces, source: { ...faces.source, path } } };
  } catch (error) {
    // Going on with a wrong file would never make it right.
    await rm(partial, { force: true });
    await rm(`${partial}.json`, { force: true });
    if (!(error instanceof DatasetError)) throw error;
    throw new DatasetError(
      from,
      `this is not the whole FER-2013: ${error.reason}`,
      error.row,
    );
  }
}

/** FER+'s votes, a table of 1.7 MB. */
export const VOTES_URL =
  "https://raw.githubusercontent.com/microsoft/FERPlus/master/fer2013new.csv";

/**
 * Downloads or copies FER+'s votes to `fer2013new.csv`, after checking that they fit the faces row
 * by row. Faces from picture folders have no order to check; the votes are kept for a table.
 *
 * @throws {DatasetError} unreachable, broken off, or not the votes of these faces; a file that is
 * there already stays
 */
export async function downloadVotes(
  faces: Faces,
  { from = VOTES_URL, folder = DATA_FOLDER }: Omit<DownloadOptions, "counts"> =
    {},
): Promise<string> {
  const path = join(folder, VOTES_NAME);
  if (existsSync(path)) {
    throw new DatasetError(path, "is there already and is not overwritten");
  }
  const partial = join(folder, `${VOTES_NAME}.part`);
  if (isUrl(from)) await download(from, partial, "FER+");
  else await copy(from, partial);
  try {
    if (!faces.source.unordered) await readVotes(faces, partial);
    await rename(partial, path);
    return path;
  } catch (error) {
    await rm(partial, { force: true });
    if (!(error instanceof DatasetError)) throw error;
    throw new DatasetError(from, error.reason, error.row);
  } finally {
    await rm(`${partial}.json`, { force: true });
  }
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
  if (faces.source.note) { // the file names do not tell the split
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

async function copy(from: string, partial: string): Promise<void> {
  try {
    await copyFile(from, partial);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    throw new DatasetError(
      from,
      code === "ENOENT" ? "no such file" : `cannot be copied (${message})`,
    );
  }
}

/** The name in data/ that fits the first bytes. */
async function nameByContent(path: string): Promise<string> {
  const file = await open(path, "r");
  const start = new Uint8Array(2);
  await file.read(start, 0, 2, 0);
  await file.close();
  if (start[0] === 0x50 && start[1] === 0x4b) return "fer2013.zip";
  return start[0] === 0x1f ? "fer2013.csv.gz" : "fer2013.csv";
}

/** Downloads into `partial`, or goes on with it. */
async function download(
  url: string,
  partial: string,
  what = "FER-2013",
): Promise<void> {
  const begun = await readBegun(url, partial);
  const have = begun ? (await stat(partial)).size : 0;
  const patience = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => patience.abort(), PATIENCE_SECONDS * 1000);
  };
  wait();
  try {
    const response = await fetch(url, {
      headers: begun
        ? { Range: `bytes=${have}-`, "If-Range": begun.validator }
        : {},
      signal: patience.signal,
    }).catch((error: Error) => {
      throw unreachable(url, error);
    });
    const total = await checkResponse(url, response, have);
    if (response.status === 416) return await response.body?.cancel();
    const start = response.status === 206 ? have : 0;
    await rememberBegun(url, partial, response);
    await save(url, response, partial, start, total, wait, what);
  } finally {
    clearTimeout(timer);
  }
}

/** What is known of the partial file, if it is of this URL. */
async function readBegun(url: string, partial: string): Promise<Begun | null> {
  try {
    const begun = JSON.parse(await readFile(`${partial}.json`, "utf8"));
    const whole = begun.url === url && typeof begun.validator === "string";
    return whole && existsSync(partial) ? begun : null;
  } catch {
    return null;
  }
}

/** Writes down what is needed to go on; a weak ETag does not serve. */
async function rememberBegun(url: string, partial: string, response: Response) {
  const tag = response.headers.get("etag");
  const validator = tag && !tag.startsWith("W/")
    ? tag
    : response.headers.get("last-modified");
  if (validator) {
    await writeFile(`${partial}.json`, JSON.stringify({ url, validator }));
  } else {
    await rm(`${partial}.json`, { force: true });
  }
}

/** The whole file's size, 0 where the server does not tell. */
async function checkResponse(
  url: string,
  response: Response,
  have: number,
): Promise<number> {
  const { status, statusText, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/
    .exec(headers.get("content-range") ?? "");
  if (status === 416 && Number(range?.[2]) === have) return have;
  const type = headers.get("content-type") ?? "";
  const problem = status === 206 && Number(range?.[1]) !== have
    ? "the server goes on at another place than asked"
    : status !== 200 && status !== 206
    ? `the server answered ${status} ${statusText}`.trimEnd()
    : type.startsWith("text/html")
    ? "the server sent a web page instead of the data"
    : null;
  if (problem) {
    await response.body?.cancel();
    throw new DatasetError(url, `${problem}; name a mirror with --from`);
  }
  return status === 206 ? Number(range![2]) : Number(
    headers.get("content-length") ?? 0,
  );
}

/** Writes the body behind the first `start` bytes of the partial file. */
async function save(
  url: string,
  response: Response,
  partial: string,
  start: number,
  total: number,
  wait: () => void,
  what: string,
): Promise<void> {
  const file = await open(partial, start > 0 ? "a" : "w");
  const progress = createProgress(`Downloading ${what}`, total, "bytes");
  let done = start;
  try {
    for await (const chunk of response.body ?? []) {
      await file.write(chunk);
      done += chunk.length;
      progress.update(done);
      wait();
    }
  } catch (error) {
    throw new DatasetError(
      url,
      `the download broke off after ${done} of ${total || "?"} bytes ` +
        `(${(error as Error).message}); run it again to go on`,
    );
  } finally {
    progress.stop();
    await file.close();
  }
}

function unreachable(url: string, error: Error): DatasetError {
  const reason = error.name === "AbortError"
    ? `no answer for ${PATIENCE_SECONDS} s`
    : error.message;
  return new DatasetError(
    url,
    `cannot be reached (${reason}); check the network, or name a mirror or a ` +
      "file with --from",
  );
}
