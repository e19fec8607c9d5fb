// The project's one data type, faces with their emotion and split, and the
// error that every reader of faces throws. fer2013.ts reads files.
import { FACE_PIXELS } from "../emotions.ts";
import { createHash } from "node:crypto";
import { UserError } from "../user_error.ts";

/** The three splits by FER-2013's names: to train, to choose, and for final figures. */
export const SPLITS = ["Training", "PublicTest", "PrivateTest"] as const;

/** One of the three splits. */
export type Split = typeof SPLITS[number];

/** A row or picture that a reader left out, and why. */
export interface SkippedRow {
  /** Counted from 1: the data row below the header, or the picture. */
  readonly row: number;
  readonly reason: string;
}

/** Where faces come from. */
export interface FacesSource {
  /** What it is, in words: "FER-2013", "drawn faces". */
  readonly name: string;
  /** The file or folder, if there is one. */
  readonly path?: string;
  /** SHA-256 (hexadecimal) of the faces themselves, see {@linkcode hashFaces}. */
  readonly hash: string;
  /** A remark to show with results, such as how a split was made. */
  readonly note?: string;
  /** Whether the faces have no fixed order, like pictures in folders. */
  readonly unordered?: boolean;
  /** Rows that were left out on request. */
  readonly skipped: readonly SkippedRow[];
}

/** `length` gray faces of 48x48 pixels, each with its emotion and split. */
export interface Faces {
  /** The names of the classes: `EMOTIONS`, or the data's own. */
  readonly emotions: readonly string[];
  /** `length * 48 * 48` gray values 0 to 255, face by face, row-major. */
  readonly pixels: Uint8Array;
  /** One label per face: an index into `emotions`. */
  readonly labels: Uint8Array;
  /** One split per face, 0 to 2: an index into {@linkcode SPLITS}. */
  readonly splits: Uint8Array;
  /** The answers of ten people, n x 10 votes in the order of `ANSWERS` in ferplus.ts. */
  readonly votes?: Uint8Array;
  /** The number of faces. */
  readonly length: number;
  readonly source: FacesSource;
}

/** A data set that cannot be used: names the file, the row and the reason. */
export class DatasetError extends UserError {
  override readonly name = "DatasetError";

  /**
   * @param file the file or folder, as the user named it
   * @param reason what is wrong and, if helpful, what to do
   * @param row the data row below the header, counted from 1
   */
  constructor(
    readonly file: string,
    readonly reason: string,
    readonly row?: number,
  ) {
    super(`${file}${row === undefined ? "" : `, row ${row}`}: ${reason}`);
  }
}

/** An error about faces, which names where they come from. */
export function facesError(
  { source }: Pick<Faces, "source">,
  reason: string,
  row?: number,
): DatasetError {
  return new DatasetError(source.path ?? source.name, reason, row);
}

/**
 * SHA-256 of labels, splits and pixels, in that order, as hexadecimal digits:
 * the same for the same faces, whether they came from a CSV, a gzip or pictures.
 */
export function hashFaces(
  faces: Pick<Faces, "pixels" | "labels" | "splits">,
): string {
  return createHash("sha256")
    .update(faces.labels)
    .update(faces.splits)
    .update(faces.pixels)
    .digest("hex");
}

/**
 * The faces of one split, in their order. The pixels are a copy.
 *
 * @throws {DatasetError} when the split has no faces
 */
export function selectSplit(faces: Faces, split: Split): Faces {
  const wanted = SPLITS.indexOf(split);
  const rows = [...faces.splits.keys()]
    .filter((row) => faces.splits[row] === wanted);
  if (rows.length === 0) {
    throw facesError(
      faces,
      `has no rows for the split ${split}, only ${describeSplits(faces)}`,
    );
  }
  const picked = pickFaces(faces, rows);
  return { ...picked, source: { ...faces.source, hash: hashFaces(picked) } };
}

/** The faces with these numbers, in this order, as copies; `source` stays as it is. */
export function pickFaces(faces: Faces, rows: readonly number[]): Faces {
  const pick = (values: Uint8Array) => {
    const width = values.length / faces.length;
    const picked = new Uint8Array(rows.length * width);
    rows.forEach((row, index) =>
      picked.set(values.subarray(row * width, (row + 1) * width), index * width)
    );
    return picked;
  };
  return {
    ...faces,
    pixels: pick(faces.pixels),
    labels: pick(faces.labels),
    splits: pick(faces.splits),
    votes: faces.votes && pick(faces.votes),
    length: rows.length,
  };
}

/**
 * The pixels of one face: 2,304 gray values, row-major. A view, not a copy.
 *
 * @param face its number, from 0
 * @throws {RangeError} when there is no face with that number
 *
 * @example
 * ```ts
 * import { facePixels } from "mien/data/faces.ts";
 * import { drawFaces } from "mien/drawn/faces.ts";
 *
 * console.log(facePixels(drawFaces({ count: 70, seed: 1 }), 3).length); // 2304
 * ```
 */
export function facePixels(
  faces: Pick<Faces, "pixels" | "length">,
  face: number,
): Uint8Array {
  if (!Number.isInteger(face) || face < 0 || face >= faces.length) {
    throw new RangeError(
      `face ${face} does not exist: the faces are numbered from 0 to ${
        faces.length - 1
      }`,
    );
  }
  return faces.pixels.subarray(face * FACE_PIXELS, (face + 1) * FACE_PIXELS);
}

/** The number of faces in each split, in the order of {@linkcode SPLITS}. */
export function countSplits(faces: Pick<Faces, "splits">): number[] {
  const counts = SPLITS.map(() => 0);
  for (const split of faces.splits) counts[split]++;
  return counts;
}

/** "28,709 Training, 3,589 PublicTest": the splits that have faces. */
export function describeSplits(faces: Pick<Faces, "splits">): string {
  return countSplits(faces)
    .map((count, split) => ({ count, split: SPLITS[split] }))
    .filter(({ count }) => count > 0)
    .map(({ count, split }) => `${count.toLocaleString("en")} ${split}`)
    .join(", ");
}
