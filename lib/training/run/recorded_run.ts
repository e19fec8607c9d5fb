// Reads a long training run as recorded in models/: its configuration, the log of its
// epochs and the evaluation of its model.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CheckpointError } from "../../model/model_file.ts";
import type { Evaluation } from "../../evaluation/evaluate.ts";
import type { TrainingConfig } from "../config.ts";

/**
 * The figures of one epoch; accuracies from 0 to 1, losses in nats. `val` is
 * the validation split.
 */
export interface EpochFigures {
  epoch: number;
  loss: number;
  accuracy: number;
  valLoss?: number;
  valAccuracy?: number;
}

/** An evaluation, and what it evaluated. */
export interface RecordedEvaluation extends Evaluation {
  /** The saved model's folder, relative to the project. */
  model: string;
  /** The faces that the model was trained on and chosen with. */
  protocol: string;
  seed: number;
  /** The command that reproduces these figures. */
  command: string;
}

/** What a run's folder contains. */
export interface RecordedRun {
  /** The network's name and the data it was trained on. */
  network: { name: string; parameters: number };
  data: { name: string; hash: string };
  config: TrainingConfig;
  /** One entry per epoch. */
  epochs: EpochFigures[];
  /** For the run's chosen model, on PublicTest, one prediction per face. */
  evaluation: RecordedEvaluation;
  /** The same, with the mean over each face and its mirror image. */
  mirrored: RecordedEvaluation;
}

/**
 * Reads the record of a run.
 *
 * @param folder with `config.json`, `log.csv`, `evaluation.json` and
 * `evaluation-mirrored.json`
 * @throws {CheckpointError} naming the file that is missing or damaged
 *
 * @example
 * ```ts
 * import { inProject } from "mien/project.ts";
 * import { readRecordedRun } from "mien/training/run/recorded_run.ts";
 *
 * const run = readRecordedRun(inProject("models", "report"));
 * console.log(run.epochs.length); // 85
 * ```
 */
export function readRecordedRun(folder: string): RecordedRun {
  const text = (name: string): string => {
    const file = resolve(folder, name);
    if (!existsSync(file)) throw new CheckpointError(file, "is missing");
    return readFileSync(file, "utf8");
  };
  const json = (name: string) => {
    const damaged = (what: string) =>
      new CheckpointError(resolve(folder, name), `is damaged: ${what}`);
    let value;
    try {
      value = JSON.parse(text(name));
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw damaged("it is not JSON");
    }
    if (typeof value === "object" && value !== null) return value;
    throw damaged("it is not an object");
  };
  const { network, data, training } = json("config.json");
  for (const [name, value] of Object.entries({ network, data, training })) {
    if (typeof value === "object" && value !== null) continue;
    throw new CheckpointError(
      resolve(folder, "config.json"),
      `is damaged: it lacks ${name}`,
    );
  }
  return {
    network,
    data,
    config: training,
    epochs: parseLog(text("log.csv"), resolve(folder, "log.csv")),
    evaluation: json("evaluation.json"),
    mirrored: json("evaluation-mirrored.json"),
  };
}

/**
 * The folder of the model that a run saved last. A model is saved when validation
 * improves, and after the run's last epoch.
 *
 * @throws {CheckpointError} when the run saved none
 */
export function lastSaved(folder: string): string {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const epochOf = (name: string) => Number(/\.(\d+)-[\d.]+$/.exec(name)?.[1]);
  // A folder whose writing was interrupted has no model.json.
  const saved = names.filter((name) =>
    epochOf(name) > 0 && existsSync(resolve(folder, name, "model.json"))
  )
    .sort((one, other) => epochOf(one) - epochOf(other)).at(-1);
  if (saved === undefined) {
    throw new CheckpointError(
      folder,
      "no model was saved here: train one first, in notebook 4 or with deno task train",
    );
  }
  return resolve(folder, saved);
}

/** The epochs of a log written by `saveRun` (run_folder.ts), which needs no quotes. */
function parseLog(csv: string, file: string): EpochFigures[] {
  const [header, ...lines] = csv.trim().split(/\r?\n/);
  const names = header.split(",");
  return lines.map((line, index) => {
    const cells = line.split(",");
    const cell = (name: string) => {
      const text = cells[names.indexOf(name)];
      const value = text?.trim() ? Number(text) : NaN;
      if (Number.isFinite(value) && (name !== "epoch" || value === index + 1)) {
        return value;
      }
      throw new CheckpointError(
        file,
        `is damaged: line ${index + 2} has ${
          text === undefined ? "no" : `"${text.slice(0, 40)}" as its`
        } ${name}`,
      );
    };
    return {
      epoch: cell("epoch"),
      loss: cell("loss"),
      accuracy: cell("accuracy"),
      valLoss: cell("val_loss"),
      valAccuracy: cell("val_accuracy"),
    };
  });
}
