// The folder of a run belongs to one process at a time, and to no run but its own: what is not a run's
// is never written over or deleted. The lock is the operating system's, so that it ends with the
// process, however that ends.
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

/** What a run makes before its first epoch is done. */
const FIRST_FILES = [
  "resume/state.bin",
  "resume/model/model.json",
  "resume/model/weights.bin",
  "resume/lock",
  "config.json",
];
const FIRST_FOLDERS = ["resume/model", "resume"];

/** A run's folder while this process has it. */
export interface Claim {
  /** Whether there is a run to go on with. */
  going: boolean;
  /** Takes back a start that failed: what was made for it, as long as no epoch is done. */
  giveUp(): void;
  /** Lets others have the folder. */
  release(): void;
}

/**
 * Whether a run can begin in a folder, or go on there with `resume`; nothing is written.
 *
 * @throws {TrainingError} where another run or other files lie there
 * @throws {FileError} where nothing can be written
 */
export function checkRunFolder(folder: string, resume = false): void {
  if (!hasNoEpoch(folder)) {
    if (resume) return;
    throw new TrainingError(
      `${folder} holds a run already; go on with it (resume), or name another folder`,
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
    `${folder} is not empty and holds no run to resume (${foreign} lies there); nothing in it was changed. Name another folder`,
  );
}

/**
 * Takes a folder for a run, until it is released or the process ends.
 *
 * @throws {TrainingError} where another process trains in it, or it is not a run's
 * @throws {FileError} where it cannot be written
 */
export function claimRun(folder: string, resume = false): Claim {
  checkRunFolder(folder, resume);
  const made = !fs.existsSync(folder);
  makeFolder(path.join(folder, "resume"));
  const lock = takeLock(folder);
  try {
    checkRunFolder(folder, resume); // Another one may have come and gone.
    for (const file of ["config.json", "log.csv", "resume/state.bin"]) {
      removePartials(path.join(folder, file));
    }
  } catch (error) {
    lock.close();
    throw error;
  }
  return {
    // A run without a whole epoch has nothing to lose: it begins once more.
    going: !hasNoEpoch(folder),
    giveUp: () => {
      if (!hasNoEpoch(folder)) return;
      lock.close();
      removeFirst(folder, made);
    },
    release: () => lock.close(),
  };
}

/** @throws {TrainingError} where another process trains in the folder */
function takeLock(folder: string): FileLock {
  const lock = lockFile(path.join(folder, "resume", "lock"));
  if (!("holder" in lock)) return lock;
  throw new TrainingError(
    `${folder} is in use: ${lock.holder} trains in it now. Wait for its end, stop it, or name another folder`,
  );
}

/** Removes a beginning; folders with anything else in them stay. */
function removeFirst(folder: string, withFolder: boolean): void {
  for (const file of FIRST_FILES) {
    fs.rmSync(path.join(folder, file), { force: true });
  }
  const folders = FIRST_FOLDERS.map((name) => path.join(folder, name));
  for (const place of withFolder ? [...folders, folder] : folders) {
    try {
      fs.rmdirSync(place);
    } catch {
      // It is not empty, or was not made yet.
    }
  }
}
