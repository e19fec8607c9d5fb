// Which faces to work with: the real ones if the user has them, else drawn ones.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import process from "node:process";
import { describeSplits, type Faces } from "../data/faces.ts";
import { DATA_FOLDER, KNOWN_NAMES, loadFaces } from "../data/fer2013.ts";
import { drawFaces } from "./faces.ts";

/**
 * The faces in `choice` (by default the environment variable `FER2013`), else
 * those in `data/`, else 7,000 drawn faces.
 *
 * @throws {DatasetError} when the faces chosen or found cannot be used
 */
export async function findFaces(
  choice: string | undefined = process.env.FER2013,
): Promise<Faces> {
  if (choice) return await loadFaces(choice);
  const files = existsSync(DATA_FOLDER) ? await readdir(DATA_FOLDER) : [];
  if (KNOWN_NAMES.some((name) => files.includes(name))) {
    return await loadFaces(DATA_FOLDER);
  }
  return drawFaces({ count: 7000, seed: 2013 });
}

/** A line that names the data and its splits, and tells how to get FER-2013. */
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
