// The table that `deno task classify --csv` writes: a row for each face, written picture by picture,
// so that finished rows are kept when the task is stopped.

import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { Buffer } from "node:buffer";
import { EMOTIONS } from "mien/emotions.ts";
import type { RecognizedFace } from "mien/recognition/recognizer.ts";
import { FileError, naming } from "mien/write_whole.ts";
import { checkTarget, UsageError } from "./command_line.ts";

/** The columns; `neighbours` keeps the spelling that programs reading the table expect. */
const headerOf = (emotions: readonly string[]) =>
  `file,x,y,width,height,neighbours,emotion,confidence,${
    emotions.join(",")
  },unsure\n`;

/** A table that is open for writing. */
export class FacesCsv {
  #written: number;

  private constructor(
    readonly path: string,
    readonly name: string,
    readonly file: number,
    start: number,
    /** The last picture of a stopped run; its rows were removed, so it is done again. */
    readonly resumeAt?: string,
  ) {
    this.#written = start;
  }

  /**
   * Opens a table first, so that a target that cannot be written is noticed before any work.
   *
   * @param name the path for messages
   * @throws {FileError} if it cannot be written or continued
   * @throws {UsageError} if it already exists and may not be replaced
   */
  static open(
    path: string,
    name: string,
    { overwrite = false, resume = false, emotions = EMOTIONS }: {
      overwrite?: boolean;
      resume?: boolean;
      emotions?: readonly string[];
    } = {},
  ): FacesCsv {
    const header = headerOf(emotions);
    if (resume && existsSync(path)) {
      return FacesCsv.#reopen(path, name, header);
    }
    if (existsSync(path) && !overwrite) {
      throw new UsageError(
        `${name} already exists: --overwrite replaces it, --resume continues it`,
      );
    }
    checkTarget(path, name, true);
    const file = naming(name, () => openSync(path, "w"));
    const table = new FacesCsv(path, name, file, 0);
    table.#write(header);
    return table;
  }

  static #reopen(path: string, name: string, header: string): FacesCsv {
    const text = naming(name, () => readFileSync(path, "utf8"));
    if (!text.startsWith(header)) {
      throw new FileError(
        name,
        "is not a table from this task, so it cannot be continued: --overwrite replaces it",
      );
    }
    const rows = readRows(text.slice(header.length));
    const last = rows.at(-1)?.file;
    const kept = rows.findIndex(({ file }) => file === last);
    const before = header + rows.slice(0, Math.max(0, kept))
      .map(({ row }) => row).join("");
    const file = naming(name, () => openSync(path, "r+"));
    const start = Buffer.byteLength(before);
    naming(name, () => ftruncateSync(file, start));
    return new FacesCsv(path, name, file, start, last);
  }

  /** Writes the faces of a picture, all of them or none. */
  add(picture: string, faces: readonly RecognizedFace[]): void {
    if (faces.length === 0) return;
    this.#write(faces.map((face) => asRow(picture, face)).join(""));
  }

  #write(text: string): void {
    naming(this.name, () => {
      const bytes = Buffer.from(text);
      try {
        for (let at = 0; at < bytes.length;) {
          const place = this.#written + at;
          at += writeSync(this.file, bytes, at, bytes.length - at, place);
        }
      } catch (error) {
        ftruncateSync(this.file, this.#written);
        throw error;
      }
      this.#written += bytes.length;
    });
  }

  close(): void {
    closeSync(this.file);
  }
}

function asRow(picture: string, face: RecognizedFace): string {
  const { x, y, width, height } = face.box;
  const probabilities = Array.from(face.probabilities, (p) => p.toFixed(5));
  return [
    quote(picture),
    x,
    y,
    width,
    height,
    face.neighbours,
    face.emotion,
    face.confidence.toFixed(5),
    ...probabilities,
    Number(face.unsure),
  ].join(",") + "\n";
}

// By RFC 4180; polars, which the project has, only writes whole tables.
function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Complete rows and the picture each is about; a truncated row is left out. */
function readRows(text: string): { file: string; row: string }[] {
  const rows: { file: string; row: string }[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*)),[^"\r\n]*\n/y;
  for (let match; (match = pattern.exec(text));) {
    const file = match[1]?.replaceAll('""', '"') ?? match[2];
    rows.push({ file, row: match[0] });
  }
  return rows;
}
