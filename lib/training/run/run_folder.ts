// The folder of a training run: its configuration, log, saved models, and the state to continue from.
//
//   config.json                   every choice, the network and the data
//   log.csv                       one line per epoch
//   <name>.<epoch>-<accuracy>/    a model for each epoch that improved validation, and for the last one
//   resume/state.bin              everything needed to continue, as of the last complete epoch
//   resume/model/                 the network with its initial weights
//   resume/lock                   locked while a process is training here (claim.ts)
//
// log.csv is written from the state. Its cells are numbers and checked names, so it needs no quotes and
// no CSV library.
import type * as tf from "@tensorflow/tfjs";
import { existsSync } from "node:fs";
import * as path from "node:path";
import { loadState, saveState, type State } from "./state_file.ts";
import { asCheckpoint } from "../../model/model_file.ts";
import { loadModel, saveModel } from "../../model/saved_model.ts";
import { makeFolder, writeWhole } from "../../write_whole.ts";
import type { PlateauState } from "../schedule.ts";
import type { TrainingConfig } from "../config.ts";

/** One epoch, as in log.csv. Losses are means without the penalty; `valLoss` is a cross-entropy in nats. */
export interface EpochRecord {
  /** Counted from 1. */
  epoch: number;
  /** The learning rate of the epoch's last step. */
  learningRate: number;
  /** The mean over the epoch's steps, on augmented faces and the run's targets. */
  loss: number;
  accuracy: number;
  /** After the epoch, on the validation faces; votes are blended with labels as in the run's targets. */
  valLoss: number;
  valAccuracy: number;
  valMacroF1: number;
  /** The network's L2 terms, which are added to `valLoss` for the plateau and the choice of the best. */
  penalty: number;
  seconds: number;
  /** The name of the model's folder, if it was saved. */
  saved: string | null;
}

/** What a run stores besides its arrays. */
export interface RunNotes {
  config: TrainingConfig;
  /** The prefix of the saved models' names. */
  name: string;
  /** A digest of the network's layers and shapes. */
  network: string;
  /** A digest of the loss, if it is not the cross-entropy. */
  loss?: string;
  /** `votes` is a digest of people's votes, if they are part of the targets. */
  data: {
    name: string;
    path?: string;
    hash: string;
    emotions?: readonly string[];
    votes?: string;
  };
  /** A digest of the answers in the file `teacher.answers`, if there is one. */
  answers?: string;
  /** Completed epochs and steps. */
  epoch: number;
  step: number;
  plateau: PlateauState;
  /** The best value of what the run monitors, and epochs since. */
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

const stateFile = (folder: string) => path.join(folder, "resume", "state.bin");

/** Whether a folder has no run or one without a complete epoch; a damaged one counts as complete. */
export function hasNoEpoch(folder: string): boolean {
  try {
    return !hasRun(folder) || readRun(folder).notes.epoch === 0;
  } catch {
    return false;
  }
}

/** Whether a run was started in a folder. */
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

/** The network of the run in a folder, with its initial weights. */
export function readFirstModel(folder: string): Promise<tf.LayersModel> {
  return loadModel(path.join(folder, "resume", "model"));
}

/**
 * Starts a run in a folder, which is created if needed.
 *
 * @throws {CheckpointError} when the folder cannot be written
 */
export async function beginRun(
  folder: string,
  model: tf.LayersModel,
  state: RunState,
): Promise<void> {
  const { config, name, data } = state.notes;
  asCheckpoint(() => makeFolder(path.join(folder, "resume")));
  const parameters = state.arrays.parameters.length;
  const about = { network: { name, parameters }, data, training: config };
  await saveModel(model, path.join(folder, "resume", "model"));
  const text = JSON.stringify(about, null, 2) + "\n";
  asCheckpoint(() => writeWhole(path.join(folder, "config.json"), text));
  saveState(stateFile(folder), state);
}

/** Saves the state after an epoch, then the log. @throws {CheckpointError} */
export function saveRun(folder: string, state: RunState): void {
  saveState(stateFile(folder), state);
  const rows = [
    columns.map(([name]) => name),
    ...state.notes.history.map((record) =>
      columns.map(([, format]) => format(record))
    ),
  ];
  const log = rows.map((row) => row.join(",") + "\n").join("");
  asCheckpoint(() => writeWhole(path.join(folder, "log.csv"), log));
}

/** The name of a saved model's folder: `<name>.<epoch>-<accuracy>`. */
export function modelFolderName(
  name: string,
  epoch: number,
  accuracy: number,
): string {
  return `${name}.${String(epoch).padStart(2, "0")}-${accuracy.toFixed(4)}`;
}
