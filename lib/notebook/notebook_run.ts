// The notebooks' training runs: each has a name that is visible in its cell, and
// its own folder in models/notebook/, which git ignores. Recorded long runs are
// read by training/run/recorded_run.ts.

import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Faces } from "../data/faces.ts";
import { CheckpointError } from "../model/model_file.ts";
import { inProject } from "../project.ts";
import {
  completeConfig,
  differingFields,
  type PartialConfig,
  type TrainingConfig,
} from "../training/config.ts";
import {
  type EpochRecord,
  hasRun,
  readRun,
} from "../training/run/run_folder.ts";
import { UserError } from "../user_error.ts";
import type { Chart } from "./chart.ts";
import { lineChart } from "./charts.ts";

/** A run that does not exist, or whose name is already used by another one. */
export class NotebookRunError extends UserError {
  override readonly name = "NotebookRunError";
}

/**
 * The folder of a run: `models/notebook/<data>/<name>`. Runs on other faces are
 * separate runs.
 *
 * @param name The run's name, such as "first": letters, digits, `.`, `-`.
 * @param faces What it is trained on.
 * @param config Its configuration; if a run with this name was trained with
 * another one, an error says what differs.
 * @throws {NotebookRunError} naming the line to change
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { notebookRun } from "mien/notebook/notebook_run.ts";
 * const folder = notebookRun("first", drawFaces({ count: 70, seed: 1 }));
 * ```
 */
export function notebookRun(
  name: string,
  faces: Faces,
  config?: PartialConfig,
): string {
  if (!/^[\w][\w.-]*$/.test(name)) {
    throw new NotebookRunError(
      `RUN = "${name}" cannot be the name of a folder: use letters, digits, ` +
        `"." and "-"`,
    );
  }
  const folder = resolve(runsOf(faces), name);
  if (config === undefined || !hasRun(folder)) return folder;
  const rename = `change RUN = "${name}" to RUN = "${freeName(name, faces)}"`;
  let before: TrainingConfig;
  try {
    before = readRun(folder).notes.config;
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new NotebookRunError(
      `The run "${name}" cannot be read (${error.message}). Give the new run ` +
        `its own name: ${rename}, or delete ${folder}.`,
    );
  }
  const fields = differingFields(completeConfig(config), before);
  if (fields.length === 0) return folder;
  const values = (of: object) =>
    fields.map((field) => `${field} = ${valueOf(of, field)}`).join(", ");
  throw new NotebookRunError(
    `The run "${name}" was trained with ${
      values(before)
    }, and config now has ` +
      `${values(config)}. Give the new run its own name: ${rename}.`,
  );
}

/** All runs on these faces, by name. */
function runsOf(faces: Faces): string {
  return inProject("models", "notebook", faces.source.hash.slice(0, 8));
}

function valueOf(config: object, field: string): string {
  const value = field.split(".").reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown> | null)?.[key],
    config,
  );
  return JSON.stringify(value) ?? "its default";
}

function freeName(name: string, faces: Faces): string {
  const base = name.replace(/-\d+$/, "");
  let number = 2;
  while (existsSync(resolve(runsOf(faces), `${base}-${number}`))) number++;
  return `${base}-${number}`;
}

/**
 * The configuration and the epochs of one of the notebooks' runs.
 *
 * @throws {NotebookRunError} when there is none with this name, listing those
 * that exist
 */
export function readNotebookRun(
  name: string,
  faces: Faces,
): { config: TrainingConfig; epochs: EpochRecord[] } {
  const folder = notebookRun(name, faces);
  if (!hasRun(folder)) {
    const runs = runsOf(faces);
    const there = existsSync(runs) ? readdirSync(runs).sort() : [];
    throw new NotebookRunError(
      `There is no run "${name}" on these faces. ` +
        (there.length > 0
          ? `The runs are: ${there.join(", ")}.`
          : "Train one first, in notebook 4."),
    );
  }
  const { config, history } = readRun(folder).notes;
  return { config, epochs: history };
}

/**
 * The validation accuracy of several of the notebooks' runs in one chart.
 *
 * @param names The runs' names, at most five.
 * @param faces What they were trained on.
 * @throws {NotebookRunError} when one of them does not exist
 */
export function compareRuns(
  names: readonly string[],
  faces: Faces,
): Chart {
  const lines = names.map((name) => ({
    name,
    points: readNotebookRun(name, faces).epochs
      .map(({ epoch, valAccuracy }) => ({ x: epoch, y: valAccuracy })),
  }));
  const y = "validation accuracy (0 to 1)";
  const axes = { x: "epoch", y };
  return lineChart(`Runs compared: ${y}`, lines, axes, { yDomain: [0, 1] });
}
