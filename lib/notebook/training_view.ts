// A bar and curves that update in place in a notebook's cell while it trains.
// The terminal's progress bar is in progress.ts.

import { belowEachOther, type Chart, escapeXml, frame, INK } from "./chart.ts";
import { showLive } from "./show.ts";
import type { EpochFigures } from "../training/run/recorded_run.ts";
import { trainingCurves } from "./charts.ts";
import { formatSeconds, timeLeft } from "../progress.ts";
import { hasRun, readRun } from "../training/run/run_folder.ts";

/** Milliseconds between two updates of a bar in a cell. */
const REDRAW = 250;

/** The width of a bar, in CSS pixels: that of the two charts below it. */
const WIDTH = 800;

/** A line of text with a bar below it. */
function bar(parts: string[], share: number): Chart {
  const text = parts.filter((part) => part !== "").join(" · ");
  const full = WIDTH - 28;
  return frame(
    "",
    `${text}.`,
    WIDTH,
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
 * view.onBatch({ ...figures, step: 10, steps: 10 });
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
  if (batch === undefined || finished >= batch.epoch) {
    const share = finished / epochs;
    const done = `epoch ${finished} of ${epochs} done`;
    if (first >= epochs) {
      return bar([
        `This run had already finished: ${done}`,
        "nothing left to train",
      ], share);
    }
    if (finished === first && first > 0) {
      return bar([`Resuming: ${done}`], share);
    }
    const last = finished >= epochs ? formatSeconds(seconds) : "";
    return bar(["Training", done, last], share);
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
  ], share);
}
