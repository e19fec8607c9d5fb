// Writes a file completely or not at all, and defines the error for a file that cannot be read or
// written. npm's write-file-atomic does not flush the folder, so a power cut could undo its rename.
import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";
import { UserError } from "./user_error.ts";

/** A file or folder that cannot be read or written; the message names it and the reason. */
export class FileError extends UserError {
  override readonly name: string = "FileError";
  constructor(readonly file: string, readonly reason: string, cause?: unknown) {
    super(`${file}: ${reason}`, { cause });
  }
}

/** An operating system's error in words. */
export function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full; free some space and try again";
    case "EACCES":
    case "EPERM":
      return "permission denied; change its permissions or choose another location";
    case "EROFS":
      return "the disk is read-only; choose another location";
    case "ENOENT":
      return "does not exist";
    case "EISDIR":
      return "is a folder, not a file";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is where a folder is needed";
    default:
      return message;
  }
}

/** Runs `act` and turns its error into a {@linkcode FileError} about `file`. */
export function naming<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(file, explain(error), error);
  }
}

/** Makes what was written to a file or folder survive a power cut. */
function flush(name: string, flags: string): void {
  const handle = fs.openSync(name, flags);
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Flushes a folder's entries, if the system can (Windows cannot). */
function flushFolder(name: string): void {
  try {
    flush(name, "r");
  } catch {
    // The files themselves are flushed; no more can be done.
  }
}

/** The name of a file while it is written, which no user would choose. */
export function partialName(file: string): string {
  return `${file}.${process.pid}.partial`;
}

/**
 * Writes a file completely or not at all: a temporary file next to it is flushed and renamed. Until
 * then, the old file stays.
 *
 * @throws {FileError} for a full disk, missing permissions and the like
 *
 * @example
 * ```ts
 * import { writeWhole } from "mien/write_whole.ts";
 * writeWhole("result.json", JSON.stringify({ faces: 3 }));
 * ```
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
  naming(file, () => {
    const partial = partialName(file);
    fs.rmSync(partial, { force: true }); // left by a process with the same number
    try {
      // "x" does not follow a link in its place.
      fs.writeFileSync(partial, content, { flag: "wx" });
      publish(partial, file);
    } catch (error) {
      fs.rmSync(partial, { force: true });
      throw error;
    }
  });
}

/**
 * Flushes a file that was written under another name, and renames it.
 *
 * @throws {FileError}
 */
export function publish(partial: string, file: string): void {
  naming(file, () => {
    flush(partial, "r+");
    fs.renameSync(partial, file);
    flushFolder(path.dirname(file));
  });
}

/** Removes what a killed process left of a file. No process may be writing it now. */
export function removePartials(file: string): void {
  const folder = path.dirname(file), start = `${path.basename(file)}.`;
  naming(folder, () => {
    for (const name of fs.readdirSync(folder)) {
      const left = name.startsWith(start) &&
        /^\d+\.partial$/.test(name.slice(start.length));
      if (left) fs.rmSync(path.join(folder, name), { force: true });
    }
  });
}

/** Creates a folder and those above it. @throws {FileError} */
export function makeFolder(folder: string): void {
  naming(folder, () => fs.mkdirSync(folder, { recursive: true }));
}
