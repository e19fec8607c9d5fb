// Writing a file whole or not at all, and the error of a file that cannot be read or written.
import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "./user_error.ts";

/** A file or folder that cannot be read or written: names it and the reason. */
export class FileError extends UserError {
  override readonly name: string = "FileError";
  constructor(readonly file: string, readonly reason: string, cause?: unknown) {
    super(`${file}: ${reason}`, { cause });
  }
}

/** What the operating system's error codes mean, for a person. */
function explain(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full; make room and go on with --resume";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "may not be written; choose another folder or change its rights";
    case "ENOENT":
      return "does not exist";
    case "ENOTDIR":
    case "EEXIST":
      return "a file is in the way of a folder";
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

/** A folder's entries are flushed too, where the system can (Windows cannot). */
export function flushFolder(name: string): void {
  try {
    flush(name, "r");
  } catch {
    // The files themselves are flushed; nothing more can be done here.
  }
}

/**
 * Writes a file whole or not at all: a temporary one beside it is flushed and renamed. What was
 * there before stays until then.
 *
 * @throws {FileError} for a full disk, missing rights and the like
 */
export function writeWhole(file: string, content: string | Uint8Array): void {
  naming(file, () => {
    const partial = `${file}.partial`;
    try {
      fs.writeFileSync(partial, content);
      flush(partial, "r+");
      fs.renameSync(partial, file);
    } catch (error) {
      fs.rmSync(partial, { force: true });
      throw error;
    }
    flushFolder(path.dirname(file));
  });
}

/** Makes a folder and those above it. @throws {FileError} */
export function makeFolder(folder: string): void {
  naming(folder, () => fs.mkdirSync(folder, { recursive: true }));
}
