// FER-2013 from every form it is found in, as one data type (see faces.ts):
// tables (fer2013_csv.ts) and picture folders (fer2013_images.ts), plain,
// gzipped or in a zip. Duplicates and contradicting labels are in audit.ts.
import { existsSync } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import {
  countSplits,
  DatasetError,
  describeSplits,
  type Faces,
  hashFaces,
} from "./faces.ts";
import { readCsvFaces, type ReadFaces } from "./fer2013_csv.ts";
import {
  holdsPictureFolders,
  listPictures,
  readPictures,
} from "./fer2013_images.ts";
import { openZip, type Zip } from "./fer2013_zip.ts";
import { unpackFile } from "./unpack.ts";

export * from "./faces.ts";

/** Options of {@linkcode loadFaces}. */
export interface LoadOptions {
  /** Leave bad rows out, and list them in `source.skipped`. Default: throw. */
  skipBadRows?: boolean;
}

/** The project's folder for data that is not in git. */
export const DATA_FOLDER = resolve(import.meta.dirname!, "../data");

/** Names under which FER-2013 is found, the most complete first. */
const KNOWN_NAMES = ["fer2013", "icml_face_data", "archive", "train"]
  .flatMap((name) =>
    ["", ".csv", ".csv.gz", ".csv.zip", ".zip"].map((ending) => name + ending)
  );

/** The number of faces in FER-2013's Training split. */
const TRAINING_FACES = 28_709;

/**
 * The faces of a file or folder; what it is shows in its content, not its name.
 *
 * @param path a table (`fer2013.csv`, `icml_face_data.csv`, `train.csv`), plain,
 * gzipped or in a zip; Kaggle's picture folders or a zip of them; or a folder
 * that holds one of these
 * @throws {DatasetError} naming file, row and reason
 *
 * @example
 * ```ts
 * import { EMOTIONS, loadFaces } from "mien/fer2013.ts";
 * const faces = await loadFaces("data/fer2013.csv");
 * console.log(faces.length, EMOTIONS[faces.labels[0]]);
 * ```
 */
export async function loadFaces(
  path: string,
  { skipBadRows = false }: LoadOptions = {},
): Promise<Faces> {
  let read: ReadFaces;
  try {
    if ((await stat(path)).isDirectory()) {
      if (!existsSync(join(path, "train")) || await isFile(path, "train")) {
        return await loadFaces(await findInFolder(path), { skipBadRows });
      }
      read = await readPictures(await listPictures(path), path, skipBadRows);
    } else {
      read = await readFile(path, skipBadRows);
    }
  } catch (error) {
    throw explainError(path, error);
  }
  const { note, skipped, ...faces } = read;
  const name = countSplits(faces)[0] === TRAINING_FACES ||
      faces.length === TRAINING_FACES
    ? "FER-2013"
    : "faces in FER-2013's format";
  const hash = hashFaces(faces);
  return { ...faces, source: { name, path, hash, note, skipped } };
}

/** A data file by its first bytes: gzip, zip, or else a plain table. */
async function readFile(path: string, skip: boolean): Promise<ReadFaces> {
  const [first, second, third] = await readStart(path);
  if (first === 0x1f && second === 0x8b) {
    return await readCsvFaces(unpackFile(path, "gzip"), path, skip);
  }
  if (first === 0x50 && second === 0x4b && third <= 8) {
    const zip = await openZip(path);
    try {
      return await readZip(path, zip, skip);
    } finally {
      await zip.close();
    }
  }
  return await readCsvFaces(unpackFile(path, "plain"), path, skip);
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(new Uint8Array(4), 0, 4, 0);
    return buffer;
  } finally {
    await file.close();
  }
}

async function readZip(
  path: string,
  zip: Zip,
  skip: boolean,
): Promise<ReadFaces> {
  const names = zip.entries.map(({ name }) => name);
  if (holdsPictureFolders(names)) {
    return await readPictures(zip.entries, path, skip);
  }
  const tables = zip.entries
    .filter(({ name }) => name.toLowerCase().endsWith(".csv"));
  const known = KNOWN_NAMES.map((name) =>
    tables.find((table) => basename(table.name) === name)
  ).find((table) => table !== undefined);
  const table = known ?? (tables.length === 1 ? tables[0] : undefined);
  if (!table) {
    throw new DatasetError(
      path,
      "holds neither fer2013.csv, icml_face_data.csv or train.csv nor " +
        "pictures in train/ and test/",
    );
  }
  return await readCsvFaces(table.stream(), `${path} (${table.name})`, skip);
}

/** The data file or folder of known name in a folder. */
async function findInFolder(folder: string): Promise<string> {
  const names = await readdir(folder);
  const known = KNOWN_NAMES.find((name) => names.includes(name));
  if (known) return join(folder, known);
  throw new DatasetError(
    folder,
    "class folders missing: it holds neither train/ and test/ with a folder " +
      "for each emotion nor fer2013.csv",
  );
}

async function isFile(folder: string, name: string): Promise<boolean> {
  return (await stat(join(folder, name))).isFile();
}

/** Reading errors of the system and of zlib in our words. */
function explainError(path: string, error: unknown): DatasetError {
  if (error instanceof DatasetError) return error;
  const { code = "", message } = error as Error & { code?: string };
  if (code === "ENOENT") {
    return new DatasetError(path, "no such file or folder");
  }
  if (code.startsWith("Z_")) {
    return new DatasetError(
      path,
      `the gzip data is cut off or damaged (${message}); download it again`,
    );
  }
  return new DatasetError(path, `cannot be read (${message})`);
}

/**
 * The faces to work with: `choice`, or else the environment's `FER2013`, or
 * else what lies in `data/`, or else 7,000 drawn faces.
 *
 * @throws {DatasetError} when what was chosen or found cannot be used
 */
export async function findFaces(
  choice: string | undefined = process.env.FER2013,
): Promise<Faces> {
  if (choice) return await loadFaces(choice);
  const lying = existsSync(DATA_FOLDER) ? await readdir(DATA_FOLDER) : [];
  if (KNOWN_NAMES.some((name) => lying.includes(name))) {
    return await loadFaces(DATA_FOLDER);
  }
  const { drawFaces } = await import("./drawn_faces.ts");
  return drawFaces({ count: 7000, seed: 2013 });
}

/** One line for a person: which data, rows a split, how to get the real one. */
export function describeFaces(faces: Faces): string {
  const { name, path, note, skipped } = faces.source;
  const bad = skipped.length.toLocaleString("en");
  return `Data: ${name}${path ? ` from ${path}` : ""}, ` +
    describeSplits(faces) +
    (skipped.length > 0 ? `; ${bad} bad rows left out` : "") +
    (note ? `; ${note}` : "") +
    (path
      ? "."
      : ". The real FER-2013: run `deno task data`, or set FER2013 to its file.");
}
