// The file of a run's state: numbers by name beside anything that JSON can hold.
//
// What is in it is resume.ts' business.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { CheckpointError } from "../model/saved_model.ts";
import { naming, writeWhole } from "../write_whole.ts";

/** Numbers by name, beside anything that JSON can hold. */
export interface State<Notes> {
  notes: Notes;
  arrays: Record<string, Float32Array>;
}

/** The first line: this mark and a digest of all that follows. */
const MARK = "mien-state-2";

const digest = (bytes: Uint8Array) =>
  createHash("sha256").update(bytes).digest("hex");

/**
 * Writes a state, whole or not at all: the mark with a digest of the rest, one line of JSON, then
 * the arrays' bytes.
 *
 * @throws {FileError} for a full disk, missing rights and the like
 */
export function saveState<Notes>(file: string, state: State<Notes>): void {
  const arrays = Object.entries(state.arrays);
  const head = JSON.stringify({
    arrays: arrays.map(([name, { length }]) => ({ name, length })),
    notes: state.notes,
  });
  const rest = Buffer.concat([
    Buffer.from(head + "\n"),
    ...arrays.map(([, { buffer, byteOffset, byteLength }]) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    ),
  ]);
  writeWhole(
    file,
    Buffer.concat([Buffer.from(`${MARK} ${digest(rest)}\n`), rest]),
  );
}

/**
 * Reads a state written with {@linkcode saveState}.
 *
 * @throws {FileError} when it cannot be read
 * @throws {CheckpointError} when a single byte of it is damaged, or it is something else
 */
export function loadState<Notes>(file: string): State<Notes> {
  const bytes = naming(file, () => fs.readFileSync(file));
  const start = bytes.indexOf("\n") + 1;
  const [mark, expected] = bytes.subarray(0, start).toString().trim().split(
    " ",
  );
  if (mark !== MARK) {
    throw new CheckpointError(
      file,
      bytes.subarray(0, 40).includes("mien-state-1")
        ? "was written by an older version of this project; finish the run there, or begin a new one"
        : "is not the state of a training run",
    );
  }
  const rest = bytes.subarray(start);
  if (digest(rest) !== expected) {
    throw new CheckpointError(
      file,
      "is damaged: its digest is not that of its content; copy it again, or begin a new run",
    );
  }
  // What the digest proves to be ours has the form that saveState gave it.
  const end = rest.indexOf("\n") + 1;
  const { arrays: shapes, notes } = JSON.parse(
    rest.subarray(0, end).toString(),
  );
  const body = Uint8Array.from(rest.subarray(end)).buffer;
  const arrays: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, length } of shapes) {
    arrays[name] = new Float32Array(body, at, length);
    at += length * 4;
  }
  return { notes, arrays };
}
