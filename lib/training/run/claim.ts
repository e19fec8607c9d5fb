// Claims a run's folder for one process at a time. A folder contains one run and nothing else; other files
// are never overwritten or deleted. The lock ends with the process, even if that is killed.
import * as fs from "node:fs";
import * as path from "node:path";
import { type FileLock, lockFile } from "../../file_lock.ts";
import {
  FileError,
  makeFolder,
  naming,
  removePartials,
} from "../../write_whole.ts";
import { TrainingError } from "../config.ts";
import { hasNoEpoch, hasRun } from "./run_folder.ts";

/** What a run writes before its first epoch ends. */
const FIRST_FILES = [
  "resume/state.bin",
  "resume/model/model.json",
  "resume/model/weights.bin",
  "resume/lock",
  "config.json",
];
const FIRST_FOLDERS = ["resume/model", "resume"];

/** A run's folder while this process holds it. */
export interface Claim {
  /** Whether there is a run to resume. */
  going: boolean;
  /** Undoes a failed start: removes what was written for it, unless an epoch is done. */
  giveUp(): void;
  /** Releases the folder for other processes. */
  release(): void;
}

/**
 * Checks that a run can start in a folder, or continue there with `resume`. Writes nothing.
 *
 * @throws {TrainingError} if there is another run or other files
 * @throws {FileError} if nothing can be written
 */
export function checkRunFolder(folder: string, resume = false): void {
  if (!hasNoEpoch(folder)) {
    if (resume) return;
    throw new TrainingError(
      `${folder} already contains a run; continue it (resume), or choose another folder`,
    );
  }
  let place = path.resolve(folder);
  while (!fs.existsSync(place)) place = path.dirname(place);
  naming(folder, () => fs.accessSync(place, fs.constants.W_OK));
  if (!fs.statSync(place).isDirectory()) {
    throw new FileError(folder, `${place} is a file, not a folder`);
  }
  if (place !== path.resolve(folder)) return;
  const found = naming(folder, () => fs.readdirSync(folder));
  const begun = hasRun(folder) ||
    fs.existsSync(path.join(folder, "resume", "lock"));
  const foreign = found.find((name) =>
    !begun || !/^(resume|config\.json(\.\d+\.partial)?)$/.test(name)
  );
  if (foreign === undefined) return;
  throw new TrainingError(
    `${folder} is not empty and contains no run to resume (found ${foreign}); nothing in it was changed. Choose another folder`,
  );
}

/**
 * Takes a folder for a run, until it is released or the process ends.
 *
 * @throws {TrainingError} if another process is training in it, or it is not a run's
 * @throws {FileError} if it cannot be written
 */
export function claimRun(folder: string, resume = false): Claim {
  checkRunFolder(folder, resume);
  const made = !fs.existsSync(folder);
  makeFolder(path.join(folder, "resume"));
  const lock = takeLock(folder);
  try {
    checkRunFolder(folder, resume); // Another process may have written meanwhile.
    for (const file of ["config.json", "log.csv", "resume/state.bin"]) {
      removePartials(path.join(folder, file));
    }
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    // A run without a complete epoch has nothing to lose: it starts over.
    going: !hasNoEpoch(folder),
    giveUp: () => {
      if (!hasNoEpoch(folder)) return;
      lock.close();
      removeFirst(folder, made);
    },
    release: () => lock.close(),
  };
}

/** @throws {TrainingError} if another process is training in the folder */
function takeLock(folder: string): FileLock {
  const lock = lockFile(path.join(folder, "resume", "lock"));
  if (!("holder" in lock)) return lock;
  throw new TrainingError(
    `${folder} is in use: ${lock.holder} is training in it. Wait until it has finished, stop it, or choose another folder`,
  );
}

/** Removes what a failed start wrote; folders that contain anything else stay. */
function removeFirst(folder: string, withFolder: boolean): void {
  for (const file of FIRST_FILES) {
    fs.rmSync(path.join(folder, file), { force: true });
  }
  const folders = FIRST_FOLDERS.map((name) => path.join(folder, name));
  for (const place of withFolder ? [...folders, folder] : folders) {
    try {
      fs.rmdirSync(place);
    } catch {
      // It is not empty, or does not exist yet.
    }
  }
}
