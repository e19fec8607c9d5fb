// FER-2013 from every form it is found in, as one data type (see faces.ts).
// The readers are in fer2013_csv.ts and fer2013_images.ts; auditing is in audit.ts.
import { DatasetError, describeSplits, type Faces } from "./faces.ts";

export * from "./faces.ts";

/** Options of {@linkcode loadFaces}. */
export interface LoadOptions {
  /** Leave bad rows out, and list them in `source.skipped`. Default: throw. */
  skipBadRows?: boolean;
}

/**
 * The faces of a file or folder; what it is shows in its content, not its name.
 *
 * @throws {DatasetError} naming file, row and reason
 */
export function loadFaces(
  path: string,
  _options: LoadOptions = {},
): Promise<Faces> {
  return Promise.reject(new DatasetError(path, "no reader for this yet"));
}

/**
 * The faces to work with: `choice` (or the environment's `FER2013`), else what
 * lies in `data/`, else drawn faces.
 */
export async function findFaces(
  choice: string | undefined = Deno.env.get("FER2013"),
): Promise<Faces> {
  if (choice) return await loadFaces(choice);
  const { drawFaces } = await import("./drawn_faces.ts");
  return drawFaces({ count: 7000, seed: 2013 });
}

/** One line for a person: which data, rows a split, how to get the real one. */
export function describeFaces(faces: Faces): string {
  return `${faces.source.name}: ${describeSplits(faces)}`;
}
