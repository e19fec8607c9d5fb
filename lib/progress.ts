// A progress bar with the time left, for work in the terminal that takes more than
// two seconds. The bar for notebook cells is in notebook/training_view.ts.

import process from "node:process";
// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";

/** A running progress bar; see {@linkcode createProgress}. */
export interface Progress {
  /**
   * Reports how much is done.
   *
   * @param done Units finished so far, 0 to `total`.
   * @param note A few words shown after the bar, such as the loss.
   */
  update(done: number, note?: string): void;
  /** Ends the bar and leaves its last state on the screen. */
  stop(): void;
}

/** Seconds between two lines if standard error is not a terminal. */
const SECONDS_BETWEEN_LINES = 10;

/**
 * Starts a progress bar on standard error. If that is not a terminal (a log, a
 * pipe, a notebook) it writes a plain line every ten seconds instead, and one
 * at the end if the work took more than two.
 *
 * @param label What is being done: "Reading faces".
 * @param total Units to do; 0 means unknown, and shows a count without a bar.
 * @param unit What is counted, in the plural: "faces", "bytes", "frames".
 *
 * @example
 * ```ts
 * import { createProgress } from "mien/progress.ts";
 * const progress = createProgress("Drawing", 100, "faces");
 * for (let i = 1; i <= 100; i++) progress.update(i);
 * progress.stop();
 * ```
 */
export function createProgress(
  label: string,
  total: number,
  unit = "",
): Progress {
  return Deno.stderr.isTerminal() && total > 0
    ? createBar(label, total, unit)
    : createLines(label, total, unit);
}

function createBar(label: string, total: number, unit: string): Progress {
  const started = performance.now();
  const bar = new cliProgress.SingleBar({
    format: "{label} [{bar}] {percentage} % · {count} {timing}{note}",
    barCompleteChar: "=",
    barIncompleteChar: " ",
    barsize: 24,
    fps: 10,
    hideCursor: true,
    stream: process.stderr,
    stopOnComplete: false,
  });
  let last = { done: 0, note: "" };
  const payload = () => ({
    label,
    count: formatCount(last.done, total, unit),
    timing: formatTiming(started, last.done, total),
    note: last.note === "" ? "" : ` · ${last.note}`,
  });
  bar.start(total, 0, payload());
  return {
    update(done, note = last.note) {
      last = { done: Math.min(done, total), note };
      bar.update(last.done, payload());
    },
    stop() {
      bar.update(last.done, payload());
      bar.stop();
    },
  };
}

function createLines(label: string, total: number, unit: string): Progress {
  const started = performance.now();
  let lastLine = started;
  let last = { done: 0, note: "" };
  const write = () => {
    const note = last.note === "" ? "" : ` · ${last.note}`;
    const line = `${label}: ${formatCount(last.done, total, unit)} ` +
      formatTiming(started, last.done, total) + note;
    // Written directly: a notebook cell would show console.error as output.
    Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  };
  return {
    update(done, note = last.note) {
      last = { done, note };
      if (performance.now() - lastLine < SECONDS_BETWEEN_LINES * 1000) return;
      lastLine = performance.now();
      write();
    },
    stop() {
      if (performance.now() - started > 2000) write();
    },
  };
}

function formatCount(done: number, total: number, unit: string): string {
  const value = (n: number) =>
    unit === "bytes" ? `${(n / 1e6).toFixed(1)}` : n.toLocaleString("en");
  const name = unit === "bytes" ? " MB" : unit === "" ? "" : ` ${unit}`;
  return total > 0
    ? `${value(done)}/${value(total)}${name}`
    : `${value(done)}${name}`;
}

function formatTiming(started: number, done: number, total: number): string {
  const seconds = (performance.now() - started) / 1000;
  if (total > 0 && done >= total) return `· ${formatSeconds(seconds)}`;
  const left = timeLeft(seconds, done, total);
  return left === null
    ? `· ${formatSeconds(seconds)} so far`
    : `· ${formatSeconds(left)} left`;
}

/**
 * Seconds left at the pace so far; `null` before the first unit is done, or if the
 * total is unknown (0).
 *
 * @param seconds Seconds spent.
 * @param done Units finished.
 * @param total Units to finish.
 */
export function timeLeft(
  seconds: number,
  done: number,
  total: number,
): number | null {
  if (done <= 0 || total <= 0) return null;
  return seconds / done * Math.max(0, total - done);
}

/** Seconds in readable form: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  const two = (n: number) => String(n).padStart(2, "0");
  if (minutes < 60) return `${minutes} min ${two(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
