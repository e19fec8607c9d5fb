// The file of a run's state, whose content resume.ts defines: named arrays of numbers plus any JSON. It is
// one file, so that its parts always match, with a digest of every byte.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { asCheckpoint, CheckpointError } from "../../model/model_file.ts";
import { naming, writeWhole } from "../../write_whole.ts";

/** Named arrays of numbers, plus any JSON. */
export interface State<Notes> {
  notes: Notes;
  arrays: Record<string, Float32Array>;
}

/** The first word of the file, before the digest of all that follows. */
const MARK = "mien-state-2 ";
/** In files of the first version, the digest covers only the arrays. */
const FIRST_MARK = "mien-state-1";

/** The SHA-256 of a text or of an array's bytes, in hexadecimal. */
export function digestOf(content: string | ArrayBufferView): string {
  const bytes = typeof content === "string" ? content : new Uint8Array(
    content.buffer,
    content.byteOffset,
    content.byteLength,
  );
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Writes a state completely or not at all: a line with the digest of the rest, a line of JSON, and the
 * arrays' bytes.
 *
 * @throws {CheckpointError} for a full disk, missing permissions and the like
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
  const first = Buffer.from(`${MARK}${digestOf(rest)}\n`);
  asCheckpoint(() => writeWhole(file, Buffer.concat([first, rest])));
}

/**
 * Reads a state written with {@linkcode saveState}.
 *
 * @throws {CheckpointError} when it is missing, damaged or something else
 */
export function loadState<Notes>(file: string): State<Notes> {
  const bytes = asCheckpoint(() => naming(file, () => fs.readFileSync(file)));
  const foreign = (what: string) =>
    new CheckpointError(file, `is not a state of a training run: ${what}`);
  const damaged = () =>
    new CheckpointError(
      file,
      "is damaged: its content has changed since it was written; train in another folder",
    );
  let rest = bytes;
  if (bytes.subarray(0, MARK.length).toString() === MARK) {
    const end = bytes.indexOf("\n");
    rest = bytes.subarray(end + 1);
    const said = bytes.subarray(MARK.length, end).toString();
    if (end < 0 || digestOf(rest) !== said) throw damaged();
  }
  const end = rest.indexOf("\n");
  let head;
  try {
    head = JSON.parse(rest.subarray(0, Math.max(end, 0)).toString());
  } catch {
    throw foreign("its description is not JSON");
  }
  const body = Uint8Array.from(rest.subarray(end + 1));
  if (rest === bytes) {
    if (head?.mark !== FIRST_MARK) throw foreign(`it lacks ${MARK.trim()}`);
    if (digestOf(body) !== head.sha256) throw damaged();
  }
  const arrays = cutArrays(head?.arrays, body);
  if (!arrays || typeof head.notes !== "object" || head.notes === null) {
    throw damaged();
  }
  return { notes: head.notes, arrays };
}

/** The arrays that a list describes; `undefined` if it does not match the bytes. */
function cutArrays(
  list: unknown,
  body: Uint8Array<ArrayBuffer>,
): Record<string, Float32Array> | undefined {
  if (!Array.isArray(list)) return undefined;
  const arrays: Record<string, Float32Array> = {};
  let at = 0;
  for (const entry of list) {
    const { name, length } = entry ?? {};
    const sound = typeof name === "string" && Number.isSafeInteger(length) &&
      length >= 0 && at + 4 * length <= body.length;
    if (!sound) return undefined;
    arrays[name] = new Float32Array(body.buffer, at, length);
    at += 4 * length;
  }
  return at === body.length ? arrays : undefined;
}
