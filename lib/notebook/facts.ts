// What a notebook records about itself: headline metrics, the data, the settings,
// the checks of its exercises. Each goes to the file named by MIEN_FACTS, one
// JSON line per fact; in an editor, where no file is named, nothing is kept.
// tasks/report.ts reads the file and writes the HTML pages.

import { countSplits, type Faces, SPLITS } from "../data/faces.ts";

/** The type of a headline metric. */
export type MetricValue = number | string | boolean;

/** The settings of the run that affect its figures. */
export interface RunFacts {
  seed?: number;
  /** What computed them: "mien wasm, relaxed SIMD". */
  backend?: string;
  workers?: number;
}

/** Appends one fact to the file, if there is one. */
function keep(fact: Record<string, unknown>): void {
  const path = Deno.env.get("MIEN_FACTS");
  if (!path) return;
  Deno.writeTextFileSync(path, `${JSON.stringify(fact)}\n`, { append: true });
}

/**
 * Records a headline metric; it goes into `report/manifest.json`.
 *
 * @param name What it is, in words: "validation accuracy".
 * @param value The figure, unrounded.
 * @param unit Its unit, or nothing: "s", "MB", "multiply-adds".
 * @throws {RangeError} for a number that is not finite.
 *
 * @example
 * ```ts
 * import { recordMetric } from "mien/notebook/facts.ts";
 * recordMetric("parameters", 58_423);
 * ```
 */
export function recordMetric(
  name: string,
  value: MetricValue,
  unit?: string,
): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`the metric "${name}" is ${value}`);
  }
  keep({ metric: name, value, unit });
}

/** Records the data's name, hash and rows per split. */
export function recordData(faces: Faces): void {
  const { name, hash, note } = faces.source;
  const counts = countSplits(faces);
  const rows = Object.fromEntries(SPLITS.map((split, i) => [split, counts[i]]));
  keep({ data: { name, hash, note, rows } });
}

/** Records the seed, the backend or the number of workers. */
export function recordRun(facts: RunFacts): void {
  keep({ run: facts });
}

/** Records whether the answer to an exercise passed its check. */
export function recordCheck(exercise: string, passed: boolean): void {
  keep({ check: exercise, passed });
}
