// Bars and curves that update in place in a notebook's cell while it runs.
// The terminal's progress bar is in progress.ts.

import { belowEachOther, type Chart, escapeXml, frame, INK } from "./chart.ts";
import { showLive } from "./show.ts";
import type { EpochFigures } from "../training/run/recorded_run.ts";
import { trainingCurves } from "./charts.ts";
import { formatSeconds, timeLeft } from "../progress.ts";
import { hasRun, readRun } from "../training/run/run_folder.ts";

/** Milliseconds between two updates of a bar in a cell. */
const REDRAW = 250;

/** A bar in a cell. */
export interface CellProgress {
  /** Says how much is done and, in a few words, how it is going. */
  update(done: number, note?: string): Promise<void>;
  /** Draws the last state. Await it, as the cell's second-to-last call. */
  stop(): Promise<void>;
}

/**
 * Shows a progress bar with the time left in a cell.
 *
 * @param label What is being done.
 * @param total Units to do.
 * @param unit What is counted, in the plural.
 */
export async function showProgress(
  label: string,
  total: number,
  unit: string,
): Promise<CellProgress> {
  const started = performance.now();
  let last = { done: 0, note: "" };
  let drawn = started;
  const draw = () => {
    const seconds = (performance.now() - started) / 1000;
    return progressChart({ label, total, unit, seconds, ...last });
  };
  const view = await showLive(draw());
  return {
    async update(done, note = last.note) {
      last = { done, note };
      if (performance.now() - drawn < REDRAW) return;
      drawn = performance.now();
      await view.update(draw());
    },
    async stop() {
      await view.update(draw());
    },
  };
}

/** The content of a progress bar. */
interface ProgressState {
  label: string;
  done: number;
  total: number;
  unit: string;
  seconds: number;
  note: string;
}

/** A bar with its count and the time left, or the time spent when done. */
function progressChart(state: ProgressState, width = 640): Chart {
  const { label, done, total, unit, seconds, note } = state;
  const share = Math.min(1, done / Math.max(1, total));
  const left = timeLeft(seconds, done, total);
  const time = share === 1 || left === null
    ? formatSeconds(seconds)
    : `${formatSeconds(left)} left`;
  const count = `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  return bar([`${label}: ${count} ${unit}`, time, note], { share, width });
}

/** A line of text with a bar below it. */
function bar(
  parts: string[],
  { share, width }: { share: number; width: number },
): Chart {
  const text = parts.filter((part) => part !== "").join(" · ");
  const full = width - 28;
  return frame(
    "",
    `${text}.`,
    width,
    48,
    `<text x="14" y="20" font-size="13">${escapeXml(text)}</text>` +
      `<rect x="14" y="29" width="${full}" height="8" rx="4" ` +
      `fill="${INK.soft}" fill-opacity="0.25"/><rect x="14" y="29" ` +
      `width="${(full * share).toFixed(1)}" height="8" rx="4" ` +
      `fill="${INK.first}"/>`,
  );
}

/** The progress of an epoch, as the trainer gives it for each batch. */
export interface BatchFigures {
  epoch: number;
  epochs: number;
  /** Batches done in this epoch, of `steps`. */
  step: number;
  steps: number;
  /** Means over the epoch so far. */
  loss: number;
  accuracy: number;
}

/** Curves and a bar in a cell, for the trainer's two callbacks. */
export interface TrainingView {
  onBatch(batch: BatchFigures): void;
  onEpoch(record: EpochFigures, history: EpochFigures[]): Promise<void>;
  /** Draws the last state. Await it when training has ended. */
  stop(): Promise<void>;
}

/**
 * Shows training as it runs: a bar for the epoch with the time left for all
 * epochs, and below it loss and accuracy, redrawn after every epoch. An
 * interrupted run is shown from where it stopped, and a finished one as it was.
 *
 * @param epochs How many epochs there will be.
 * @param folder The run's folder, see `notebookRun` in notebook_run.ts.
 * @throws {CheckpointError} if the run in the folder is damaged.
 *
 * @example
 * ```ts
 * import { showTraining } from "mien/notebook/training_view.ts";
 * const view = await showTraining(1);
 * const figures = { epoch: 1, loss: 1.2, accuracy: 0.5 };
 * view.onBatch({ ...figures, epochs: 1, step: 10, steps: 10 });
 * await view.onEpoch(figures, [figures]);
 * await view.stop();
 * ```
 */
export async function showTraining(
  epochs: number,
  folder?: string,
): Promise<TrainingView> {
  const started = performance.now();
  let history: EpochFigures[] = folder !== undefined && hasRun(folder)
    ? readRun(folder).notes.history
    : [];
  const first = history.length;
  let batch: BatchFigures | undefined;
  let drawn = 0;
  const draw = () => {
    const seconds = (performance.now() - started) / 1000;
    return belowEachOther(
      trainingBar({ epochs, finished: history.length, batch, seconds, first }),
      trainingCurves(history, epochs),
    );
  };
  const view = await showLive(draw());
  let drawing = Promise.resolve();
  const redraw = () => drawing = drawing.then(() => view.update(draw()));
  return {
    onBatch(next) {
      batch = next;
      if (performance.now() - drawn < REDRAW) return;
      drawn = performance.now();
      redraw();
    },
    async onEpoch(_record, all) {
      history = [...all];
      await redraw();
    },
    async stop() {
      await redraw();
    },
  };
}

/** The progress of a run. */
interface TrainingState {
  epochs: number;
  finished: number;
  batch: BatchFigures | undefined;
  /** Seconds since this view was opened. */
  seconds: number;
  /** Epochs that were done before: only those done here give the pace. */
  first: number;
}

function trainingBar(state: TrainingState): Chart {
  const { epochs, finished, batch, seconds, first } = state;
  const width = 800;
  if (batch === undefined || finished >= batch.epoch) {
    const share = finished / epochs;
    const done = `epoch ${finished} of ${epochs} done`;
    if (first >= epochs) {
      return bar([
        `This run had already finished: ${done}`,
        "nothing left to train",
      ], { share, width });
    }
    if (finished === first && first > 0) {
      return bar([`Resuming: ${done}`], { share, width });
    }
    const last = finished >= epochs ? formatSeconds(seconds) : "";
    return bar(["Training", done, last], { share, width });
  }
  const share = batch.step / batch.steps;
  const left = timeLeft(
    seconds,
    batch.epoch - 1 - first + share,
    epochs - first,
  );
  return bar([
    `Epoch ${batch.epoch} of ${epochs}`,
    `batch ${batch.step} of ${batch.steps}`,
    left === null ? "" : `${formatSeconds(left)} left`,
    `loss ${batch.loss.toFixed(3)}`,
    `accuracy ${batch.accuracy.toFixed(3)}`,
  ], { share, width });
}
