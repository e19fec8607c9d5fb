// Reads FER-2013 in any of its forms into one data type (see faces.ts):
// tables (table.ts) and picture folders (pictures.ts), plain,
// gzipped or zipped. Duplicates and contradictory labels are in audit.ts.
import { complaintAbout, EMOTIONS } from "../emotions.ts";
import { inProject } from "../project.ts";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { countSplits, DatasetError, type Faces, hashFaces } from "./faces.ts";
import { readCsvFaces, type ReadFaces } from "./table.ts";
import { holdsPictureFolders, listPictures, readPictures } from "./pictures.ts";
import { openZip, type Zip } from "./zip.ts";
import { packingOf, unpackFile } from "./unpack.ts";

/** Options of {@linkcode loadFaces}. */
export interface LoadOptions {
  /** Leave bad rows out, and list them in `source.skipped`. Default: throw. */
  skipBadRows?: boolean;
  /** The classes in their order, if they are not FER-2013's. */
  emotions?: readonly string[];
}

/** The project's folder for data that is not in git. */
export const DATA_FOLDER: string = inProject("data");

/** The names that FER-2013 may have, the most complete version first. */
export const KNOWN_NAMES: readonly string[] = [
  "fer2013",
  "icml_face_data",
  "archive",
  "train",
]
  .flatMap((name) =>
    ["", ".csv", ".csv.gz", ".csv.zip", ".zip"].map((ending) => name + ending)
  );

/** The number of faces in FER-2013's Training split. */
const TRAINING_FACES = 28_709;

/**
 * The faces in a file or folder, which is recognized by its content, not its name.
 *
 * @param path a table (`fer2013.csv`, `icml_face_data.csv`, `train.csv`), plain,
 * gzipped or in a zip; Kaggle's picture folders or a zip of them; or a folder
 * that contains one of these
 * @throws {DatasetError} naming file, row and reason
 *
 * @example
 * ```ts
 * import { loadFaces } from "mien/data/fer2013.ts";
 * import { EMOTIONS } from "mien/emotions.ts";
 *
 * const row = `3,${Array(48 * 48).fill(128).join(" ")},Training`;
 * await Deno.writeTextFile("faces.csv", `emotion,pixels,Usage\n${row}\n`);
 * const faces = await loadFaces("faces.csv");
 * console.log(faces.length, EMOTIONS[faces.labels[0]]); // 1 happy
 * ```
 */
export async function loadFaces(
  path: string,
  { skipBadRows = false, emotions }: LoadOptions = {},
): Promise<Faces> {
  const complaint = emotions && complaintAbout(emotions);
  if (complaint) throw new DatasetError(path, `emotions: ${complaint}`);
  let read: ReadFaces;
  try {
    if ((await stat(path)).isDirectory()) {
      const train = await stat(join(path, "train")).catch(() => undefined);
      if (!train?.isDirectory()) {
        return await loadFaces(await findInFolder(path), {
          skipBadRows,
          emotions,
        });
      }
      const files = await listPictures(path);
      read = await readPictures(files, path, skipBadRows, emotions);
    } else {
      read = await readFile(path, skipBadRows, emotions);
    }
  } catch (error) {
    throw explainError(path, error);
  }
  const { note, unordered, skipped, ...faces } = read;
  const name = countSplits(faces)[0] === TRAINING_FACES ||
      faces.length === TRAINING_FACES
    ? "FER-2013"
    : faces.emotions === EMOTIONS
    ? "faces in FER-2013's format"
    : `faces of ${faces.emotions.length} classes`;
  const hash = hashFaces(faces);
  return { ...faces, source: { name, path, hash, note, unordered, skipped } };
}

/** Reads a table, plain or gzipped, or a zip archive. */
async function readFile(
  path: string,
  skip: boolean,
  emotions?: readonly string[],
): Promise<ReadFaces> {
  const packing = await packingOf(path);
  if (packing !== "zip") {
    return await readCsvFaces(unpackFile(path, packing), path, skip, emotions);
  }
  const zip = await openZip(path);
  try {
    return await readZip(path, zip, skip, emotions);
  } finally {
    await zip.close();
  }
}

async function readZip(
  path: string,
  zip: Zip,
  skip: boolean,
  emotions?: readonly string[],
): Promise<ReadFaces> {
  const names = zip.entries.map(({ name }) => name);
  if (holdsPictureFolders(names)) {
    return await readPictures(zip.entries, path, skip, emotions);
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
      "contains neither fer2013.csv, icml_face_data.csv or train.csv nor " +
        "pictures in train/ and test/",
    );
  }
  const name = `${path} (${table.name})`;
  return await readCsvFaces(table.stream(), name, skip, emotions);
}

/** The data file or folder with a known name in a folder. */
async function findInFolder(folder: string): Promise<string> {
  const names = await readdir(folder);
  const known = KNOWN_NAMES.find((name) => names.includes(name));
  if (known) return join(folder, known);
  throw new DatasetError(
    folder,
    "class folders missing: it contains neither train/ and test/ with a folder " +
      "for each emotion nor fer2013.csv. If it has one folder of pictures per " +
      "class, deno task data --faces finds the faces in them",
  );
}

/** Explains errors of the file system and of zlib. */
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
