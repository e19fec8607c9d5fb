// Faces of 48x48 pixels as pictures, like Kaggle's image version of FER-2013: `train/` and `test/`
// with a folder for each emotion, with any names, on disk or in a zip archive. For pictures in which
// the faces must first be found, see recognition/face_folders.ts.
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { DatasetError, type SkippedRow, SPLITS } from "./faces.ts";
import {
  complaintAbout,
  FACE_PIXELS,
  FACE_SIZE,
  orderClasses,
} from "../emotions.ts";
import type { ReadFaces } from "./table.ts";
import { toGray } from "../image/gray.ts";
import { IMAGE_EXTENSIONS, ImageError, readImage } from "../image/image.ts";
import { createProgress } from "../progress.ts";

/** A picture file, wherever it lies. */
export interface PictureFile {
  /** With forward slashes: ".../train/happy/Training_1206.jpg". */
  readonly name: string;
  read(): Promise<Uint8Array>;
}

/** The two folders of Kaggle's image version. */
const FOLDERS = ["train", "test"] as const;

/** A picture and what its path tells. */
interface Picture extends PictureFile {
  readonly emotion: string;
  readonly split: number;
  readonly base: string;
}

/** Whether the paths contain a `train/` folder: pictures, not a table. */
export function holdsPictureFolders(names: readonly string[]): boolean {
  return names.some((name) => /(^|\/)train\/[^/]+\/[^/]+$/.test(name));
}

/** The files below `folder/train` and `folder/test`. */
export async function listPictures(folder: string): Promise<PictureFile[]> {
  const files: PictureFile[] = [];
  for (const half of FOLDERS) {
    for (const emotion of await listFolder(join(folder, half))) {
      for (const base of await listFolder(join(folder, half, emotion))) {
        const path = join(folder, half, emotion, base);
        const name = `${half}/${emotion}/${base}`;
        files.push({
          name,
          read: async () => new Uint8Array(await readFile(path)),
        });
      }
    }
  }
  return files;
}

/** The names in a folder, or none if it is not a folder. */
async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

/**
 * Reads pictures, sorted by split and file name.
 *
 * The file name gives the split (`Training_`, `PublicTest_`, `PrivateTest_`).
 * If it does not, `train/` is Training, and all of `test/`, which Kaggle merged
 * from PublicTest and PrivateTest, is PublicTest, as the note then says.
 *
 * @param root the folder or archive, for error messages
 * @param declared the classes in their order; by default, in the order of `orderClasses`
 * @throws {DatasetError} class folders missing, not a picture, not 48x48
 */
export async function readPictures(
  files: readonly PictureFile[],
  root: string,
  skipBadRows = false,
  declared?: readonly string[],
): Promise<ReadFaces> {
  const described = describePictures(files, root, declared);
  const { pictures, emotions, outside } = described;
  // If a folder's name is damaged, the archive's two names for a file differ, and reading fails.
  for (const file of outside) await file.read();
  const pixels = new Uint8Array(pictures.length * FACE_PIXELS); // n x 48 x 48
  const labels: number[] = [];
  const splits: number[] = [];
  const skipped: SkippedRow[] = [];
  const progress = createProgress(
    "Reading pictures",
    pictures.length,
    "pictures",
  );
  try {
    for (const [index, picture] of pictures.entries()) {
      const face = await readFace(picture, root);
      if (face instanceof DatasetError) {
        if (!skipBadRows) throw face;
        skipped.push({
          row: index + 1,
          reason: `${picture.name}: ${face.reason}`,
        });
        continue;
      }
      pixels.set(face, labels.length * FACE_PIXELS);
      labels.push(emotions.indexOf(picture.emotion));
      splits.push(picture.split);
      if (index % 100 === 99) progress.update(index + 1);
    }
  } finally {
    progress.stop();
  }
  const length = labels.length;
  if (length === 0) {
    throw new DatasetError(
      root,
      `none of the ${pictures.length} pictures is usable`,
    );
  }
  return {
    emotions,
    pixels: pixels.subarray(0, length * FACE_PIXELS),
    labels: Uint8Array.from(labels),
    splits: Uint8Array.from(splits),
    length,
    skipped,
    unordered: true,
    note: describeNotes(pictures, outside),
  };
}

/** What to know about the splits and the pictures left out. */
function describeNotes(
  pictures: readonly Picture[],
  outside: readonly PictureFile[],
): string | undefined {
  const notes: string[] = [];
  if (pictures.some(({ base }) => splitOfName(base) < 0)) {
    notes.push(
      "file names do not give the split: train/ counts as Training, all of " +
        "test/ (PublicTest and PrivateTest merged) as PublicTest",
    );
  }
  if (outside.length > 0) {
    const count = outside.length.toLocaleString("en");
    notes.push(
      `pictures outside train/ and test/ were left out: ${count}, first ` +
        outside[0].name,
    );
  }
  return notes.join("; ") || undefined;
}

/** What the paths tell; pictures outside train/ and test/ are listed separately. */
function describePictures(
  files: readonly PictureFile[],
  root: string,
  declared: readonly string[] | undefined,
): {
  pictures: Picture[];
  emotions: readonly string[];
  outside: PictureFile[];
} {
  const found = new Set<string>();
  const pictures: Picture[] = [];
  const outside: PictureFile[] = [];
  for (const file of files) {
    const [base, emotion, half] = file.name.split("/").reverse();
    const folder = (FOLDERS as readonly string[]).indexOf(half);
    if (base.startsWith(".") || base === "Thumbs.db") continue;
    if (folder < 0) {
      const aside = file.name.split("/").includes("__MACOSX");
      const picture = IMAGE_EXTENSIONS.includes(extname(base).toLowerCase());
      if (picture && !aside) outside.push(file);
      continue;
    }
    if (declared && !declared.includes(emotion)) {
      throw new DatasetError(
        `${root} (${half}/${emotion})`,
        `is not a folder for one of the emotions ${declared.join(", ")}`,
      );
    }
    found.add(`${half}/${emotion}`);
    const named = splitOfName(base);
    pictures.push({
      name: file.name,
      read: () => file.read(),
      emotion,
      split: named >= 0 ? named : folder,
      base,
    });
  }
  const emotions = declared ?? orderClasses(pictures.map((p) => p.emotion));
  const complaint = complaintAbout(emotions);
  if (complaint) throw new DatasetError(root, complaint);
  const missing = FOLDERS
    .flatMap((half) => emotions.map((emotion) => `${half}/${emotion}`))
    .filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new DatasetError(
      root,
      `class folders missing or empty: ${missing.join(", ")}`,
    );
  }
  pictures.sort((a, b) =>
    a.split - b.split || compare(a.base, b.base) ||
    emotions.indexOf(a.emotion) - emotions.indexOf(b.emotion)
  );
  return { pictures, emotions, outside };
}

/** The split given by a file name, or -1. */
function splitOfName(base: string): number {
  return SPLITS.findIndex((split) => base.startsWith(split + "_"));
}

/** By code units: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The 2,304 gray values of a picture, or what is wrong with it. */
async function readFace(
  picture: Picture,
  root: string,
): Promise<Uint8Array | DatasetError> {
  const file = `${root} (${picture.name})`;
  try {
    const image = await readImage(await picture.read(), picture.name);
    if (image.width !== FACE_SIZE || image.height !== FACE_SIZE) {
      return new DatasetError(
        file,
        `is ${image.width}x${image.height} pixels, expected 48x48`,
      );
    }
    return toGray(image).data;
  } catch (error) {
    if (error instanceof DatasetError) return error;
    if (error instanceof ImageError) {
      return new DatasetError(file, error.reason);
    }
    return new DatasetError(file, `cannot be read: ${error}`);
  }
}
