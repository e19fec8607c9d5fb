// The folder of a training run: its configuration, its log, its saved models, and the state to go on from.
//
//   config.json                   every choice, the network and the data
//   log.csv                       one line an epoch
//   <name>.<epoch>-<accuracy>/    a model, each time validation got better, and the last one
//   resume/state.bin              all that is needed to go on, as of the last whole epoch
//   resume/model/                 the network with its first weights
//
// The state is what counts: log.csv is written from it. What the numbers mean is in train.ts.
import type * as tf from "@tensorflow/tfjs";
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import * as path from "node:path";
import { loadModel, saveModel } from "../model/saved_model.ts";
import { loadState, saveState, type State } from "./state_file.ts";
import { makeFolder, naming, writeWhole } from "../write_whole.ts";
import type { PlateauState } from "./schedule.ts";
import { type TrainingConfig, TrainingError } from "./config.ts";

/** One epoch, as in log.csv. Losses are mean cross-entropies in nats, without the penalty. */
export interface EpochRecord {
  /** Counted from 1. */
  epoch: number;
  /** At the epoch's last step. */
  learningRate: number;
  /** Over the epoch's steps, as the network was then: augmented faces, the run's targets. */
  loss: number;
  accuracy: number;
  /** After the epoch, on the validation faces and their labels, blended with votes as the run's targets are. */
  valLoss: number;
  valAccuracy: number;
  valMacroF1: number;
  /** The L2 terms of the network, which the plateau and the choice of the best add to `valLoss`. */
  penalty: number;
  seconds: number;
  /** The name of the model's folder, where it was saved. */
  saved: string | null;
}

/** What a run knows beside its arrays. */
export interface RunNotes {
  config: TrainingConfig;
  /** The begin of the saved models' names. */
  name: string;
  /** A digest of the network's layers and shapes. */
  network: string;
  /** A digest of the loss, where it is not the cross-entropy. */
  loss?: string;
  /** `votes` is a digest of how people voted, where that is a target. */
  data: {
    name: string;
    path?: string;
    hash: string;
    emotions?: readonly string[];
    votes?: string;
  };
  /** Whole epochs and steps behind it. */
  epoch: number;
  step: number;
  plateau: PlateauState;
  /** The best of what the run monitors, and epochs since. */
  best: number | null;
  waited: number;
  history: EpochRecord[];
}

/** The state of a run. */
export type RunState = State<RunNotes>;

const columns: [string, (record: EpochRecord) => string | number][] = [
  ["epoch", (r) => r.epoch],
  ["learning_rate", (r) => Number(r.learningRate.toPrecision(6))],
  ["loss", (r) => r.loss.toFixed(6)],
  ["accuracy", (r) => r.accuracy.toFixed(6)],
  ["val_loss", (r) => r.valLoss.toFixed(6)],
  ["val_accuracy", (r) => r.valAccuracy.toFixed(6)],
  ["val_macro_f1", (r) => r.valMacroF1.toFixed(6)],
  ["penalty", (r) => r.penalty.toFixed(6)],
  ["seconds", (r) => r.seconds.toFixed(1)],
  ["saved", (r) => r.saved ?? ""],
];

/** The log of a run as CSV, with a header. */
export function formatLog(history: EpochRecord[]): string {
  const lines = history.map((record) =>
    columns.map(([, format]) => format(record)).join(",")
  );
  return [columns.map(([name]) => name).join(","), ...lines, ""].join("\n");
}

const stateFile = (folder: string) => path.join(folder, "resume", "state.bin");

/** Files that belong to a run's folder from its beginning. */
const BEGINNING = ["config.json", "resume"];

/**
 * Takes a run's folder for this process alone, until `release` is called or the process ends,
 * however it ends: the lock is the operating system's.
 *
 * @throws {TrainingError} when another run works in it, or it holds something else than a run
 * @throws {FileError} when it cannot be written
 */
export function claimFolder(folder: string): { release(): void } {
  const others = existsSync(folder) && statSync(folder).isDirectory() &&
      !existsSync(path.join(folder, "resume"))
    ? readdirSync(folder)
    : [];
  if (others.length > 0) {
    throw new TrainingError(
      `${folder} is not empty and holds no run that can be resumed (${
        others.slice(0, 3).join(", ")
      }${others.length > 3 ? ", …" : ""}); name a new folder`,
    );
  }
  makeFolder(path.join(folder, "resume"));
  const lock = path.join(folder, "resume", "lock");
  const file = naming(
    lock,
    () => Deno.openSync(lock, { create: true, write: true }),
  );
  if (!file.tryLockSync(true)) {
    file.close();
    throw new TrainingError(
      `another run is working in ${folder}; wait for its end, or name another folder`,
    );
  }
  return { release: () => file.close() };
}

/** Whether a folder has no run, or one without a whole epoch; a damaged one counts as a run. */
export function hasNoEpoch(folder: string): boolean {
  try {
    return !hasRun(folder) || readRun(folder).notes.epoch === 0;
  } catch {
    return false;
  }
}

/** Removes what a run put into its folder before its first epoch; nothing else. */
export function forgetBeginning(folder: string): void {
  for (const name of BEGINNING) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Whether a folder has a run that was begun. */
export function hasRun(folder: string): boolean {
  return existsSync(stateFile(folder));
}

/**
 * The state of the run in a folder.
 *
 * @throws {CheckpointError} when it is missing or damaged
 */
export function readRun(folder: string): RunState {
  return loadState<RunNotes>(stateFile(folder));
}

/** The network of the run in a folder, with the weights it began with. */
export function readFirstModel(folder: string): Promise<tf.LayersModel> {
  return loadModel(path.join(folder, "resume", "model"));
}

/**
 * Begins a run in a folder, which is made if need be.
 *
 * @throws {CheckpointError} when the folder cannot be written
 */
export async function beginRun(
  folder: string,
  model: tf.LayersModel,
  state: RunState,
): Promise<void> {
  const { config, name, data } = state.notes;
  makeFolder(path.join(folder, "resume"));
  const parameters = state.arrays.parameters.length;
  const about = { network: { name, parameters }, data, training: config };
  await saveModel(model, path.join(folder, "resume", "model"));
  writeWhole(
    path.join(folder, "config.json"),
    JSON.stringify(about, null, 2) + "\n",
  );
  saveState(stateFile(folder), state);
}

/** Saves the state after an epoch, then the log. @throws {CheckpointError} */
export function saveRun(folder: string, state: RunState): void {
  saveState(stateFile(folder), state);
  writeWhole(path.join(folder, "log.csv"), formatLog(state.notes.history));
}

/** The name of a saved model's folder: `<name>.<epoch>-<accuracy>`. */
export function modelFolderName(
  name: string,
  epoch: number,
  accuracy: number,
): string {
  return `${name}.${String(epoch).padStart(2, "0")}-${accuracy.toFixed(4)}`;
}
