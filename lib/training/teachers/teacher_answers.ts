// Reads teachers' answers from a file, for teachers that are too large to run here: a table with one row
// per face, with the face's checksum and a probability for each emotion. Rows are checked one by one and
// have no quotes, so they are split here, without a CSV library.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { crc32, gunzipSync } from "node:zlib";
import { facePixels } from "../../data/faces.ts";
import { TrainingError } from "../config.ts";

/** How far the sum of a row's probabilities may be from 1, because they are rounded. */
const TOLERANCE = 0.01;

/** The checksum (CRC-32) of a face's pixels, which identifies its row. */
export function faceChecksum(pixels: Uint8Array): string {
  return crc32(pixels).toString(16).padStart(8, "0");
}

/**
 * The answers for faces, n x classes, in the order of the faces.
 *
 * The file is CSV, plain or gzipped. Its columns are `face`, the CRC-32 of the face's 2,304 pixels in
 * hexadecimal, and the emotions in the data's order. Rows may have any order and may include other
 * faces.
 *
 * @throws {TrainingError} naming the file, the row and the reason
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { faceChecksum, readTeacherAnswers } from "mien/training/teachers/teacher_answers.ts";
 *
 * const faces = drawFaces({ count: 70, seed: 1 });
 * const rows = Array.from({ length: faces.length }, (_, i) =>
 *   `${faceChecksum(faces.pixels.subarray(i * 2304, (i + 1) * 2304))},1,0,0,0,0,0,0`);
 * const header = `face,${faces.emotions.join(",")}`;
 * await Deno.writeTextFile("answers.csv", [header, ...rows].join("\n"));
 * const answers = await readTeacherAnswers("answers.csv", faces, faces.emotions);
 * console.log(answers.length === 7 * faces.length); // true
 * ```
 */
export async function readTeacherAnswers(
  file: string,
  faces: { pixels: Uint8Array; length: number },
  emotions: readonly string[],
): Promise<Float32Array> {
  const fail = (reason: string): never => {
    throw new TrainingError(`teacher.answers: ${file} ${reason}`);
  };
  const bytes = await readFile(file).catch((error: Error) =>
    fail(`cannot be read: ${error.message} (relative to ${resolve()})`)
  );
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let text = "";
  try {
    text = (packed ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch (error) {
    fail(`cannot be decompressed: ${(error as Error).message}`);
  }
  const [header, ...lines] = text.trim().split(/\r?\n/);
  const wanted = ["face", ...emotions].join(",");
  if (header !== wanted) {
    fail(
      `starts with "${header.slice(0, 80)}"; it must start with "${wanted}"`,
    );
  }
  const rows = new Map<string, number[]>();
  for (const [index, line] of lines.entries()) {
    const [face, ...fields] = line.split(",");
    const values = fields.map(Number);
    const sum = values.reduce((a, b) => a + b, 0);
    const sound = values.length === emotions.length &&
      values.every((value) => value >= 0) && Math.abs(sum - 1) < TOLERANCE;
    if (!sound) {
      fail(
        `does not have ${emotions.length} probabilities that add up to 1 in row ${
          index + 1
        }`,
      );
    }
    rows.set(face, values.map((value) => value / sum));
  }
  const { length } = faces;
  const answers = new Float32Array(length * emotions.length);
  for (let i = 0; i < length; i++) {
    const values = rows.get(faceChecksum(facePixels(faces, i))) ??
      fail(
        `has no answers for training face ${
          i + 1
        } of ${length}: it is for other faces`,
      );
    answers.set(values, i * emotions.length);
  }
  return answers;
}
