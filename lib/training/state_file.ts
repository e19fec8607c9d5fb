// The file of a run's state: numbers by name beside anything that JSON can hold.
//
// What is in it is resume.ts' business.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { CheckpointError } from "../model/saved_model.ts";
import { naming, writeWhole } from "../write_whole.ts";

/** Numbers by name, beside anything that JSON can hold. */
export interface State<Notes> {
  notes: Notes;
  arrays: Record<string, Float32Array>;
}

const STATE_MARK = "mien-state-1";

/**
 * Writes a state, whole or not at all: one line of JSON, then the arrays' bytes.
 *
 * @throws {CheckpointError} for a full disk, missing rights and the like
 */
export function saveState<Notes>(file: string, state: State<Notes>): void {
  const arrays = Object.entries(state.arrays);
  const body = new Uint8Array(
    arrays.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
  );
  let at = 0;
  for (const [, { buffer, byteOffset, byteLength }] of arrays) {
    body.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const head = JSON.stringify({
    mark: STATE_MARK,
    arrays: arrays.map(([name, { length }]) => ({ name, length })),
    sha256: createHash("sha256").update(body).digest("hex"),
    notes: state.notes,
  });
  const line = new TextEncoder().encode(head + "\n");
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  writeWhole(file, bytes);
}

/**
 * Reads a state written with {@linkcode saveState}.
 *
 * @throws {CheckpointError} when it is missing, damaged or something else
 */
export function loadState<Notes>(file: string): State<Notes> {
  const bytes = naming(file, () => fs.readFileSync(file));
  const end = bytes.indexOf("\n");
  const damaged = (what: string) =>
    new CheckpointError(file, `is no state of a training run: ${what}`);
  let head;
  try {
    head = JSON.parse(bytes.subarray(0, Math.max(end, 0)).toString());
  } catch {
    throw damaged("its first line is not JSON");
  }
  if (head?.mark !== STATE_MARK) throw damaged(`it lacks ${STATE_MARK}`);
  const body = Uint8Array.from(bytes.subarray(end + 1));
  if (createHash("sha256").update(body).digest("hex") !== head.sha256) {
    throw damaged("its bytes are damaged");
  }
  const arrays: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, length } of head.arrays) {
    arrays[name] = new Float32Array(body.buffer, at, length);
    at += length * 4;
  }
  return { notes: head.notes, arrays };
}
