// A lock that one process at a time can hold. It is the operating system's, so it ends with the process,
// even if that is killed; nothing has to be cleaned up by hand.
import * as fs from "node:fs";
import process from "node:process";
import { explain, FileError } from "./write_whole.ts";

/** A file that this process has locked. */
export interface FileLock {
  /** Releases the lock; the file stays. */
  close(): void;
}

/** Who holds a lock that could not be acquired. */
export interface LockHolder {
  /** "process 123", or "another process" if that cannot be read. */
  holder: string;
}

/**
 * Locks a file, which is created if needed. Never waits.
 *
 * @throws {FileError} when the file cannot be created
 *
 * @example
 * ```ts
 * import { lockFile } from "mien/file_lock.ts";
 * const lock = lockFile("results.lock");
 * if ("holder" in lock) console.log(`${lock.holder} is writing`);
 * else lock.close();
 * ```
 */
export function lockFile(name: string): FileLock | LockHolder {
  let file: Deno.FsFile | undefined;
  try {
    file = Deno.openSync(name, { create: true, read: true, write: true });
    if (!file.tryLockSync(true)) {
      file.close();
      return { holder: holderOf(name) };
    }
    file.truncateSync();
    file.writeSync(new TextEncoder().encode(String(process.pid)));
  } catch (error) {
    file?.close();
    throw new FileError(name, explain(error), error);
  }
  const held = file;
  let open = true;
  return {
    close: () => {
      if (open) held.close(); // This also releases the lock.
      open = false;
    },
  };
}

function holderOf(name: string): string {
  try {
    return `process ${fs.readFileSync(name, "utf8").trim() || "another"}`;
  } catch {
    return "another process"; // On Windows, a locked file cannot be read.
  }
}
