// What a notebook tells the report: headline metrics, the data, the settings.
// They go to the file that MIEN_FACTS names, one JSON line each; where it names
// none (in an editor) nothing is kept. report.ts reads them.

import { countSplits, type Faces, SPLITS } from "../data/faces.ts";

/** What a headline metric may be. */
export type MetricValue = number | string | boolean;

/** The settings of the run that numbers depend on. */
export interface RunFacts {
  seed?: number;
  /** What computes: "mien wasm, relaxed SIMD". */
  backend?: string;
  workers?: number;
}

function keep(fact: Record<string, unknown>): void {
  const path = Deno.env.get("MIEN_FACTS");
  if (!path) return;
  Deno.writeTextFileSync(path, `${JSON.stringify(fact)}\n`, { append: true });
}

/**
 * Puts a headline metric into `report/manifest.json`.
 *
 * @param name What it is, in words: "validation accuracy".
 * @param value The figure, unrounded.
 * @param unit Its unit, or nothing: "s", "MB", "multiply-adds".
 * @throws {RangeError} for a number that is not finite.
 *
 * @example
 * ```ts
 * import { reportMetric } from "mien/notebook/report_facts.ts";
 * reportMetric("parameters", 58_423);
 * ```
 */
export function reportMetric(
  name: string,
  value: MetricValue,
  unit?: string,
): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`the metric "${name}" is ${value}`);
  }
  keep({ metric: name, value, unit });
}

/** Puts the data's name, hash and rows a split into the manifest. */
export function reportData(faces: Faces): void {
  const { name, hash, note } = faces.source;
  const counts = countSplits(faces);
  const rows = Object.fromEntries(SPLITS.map((split, i) => [split, counts[i]]));
  keep({ data: { name, hash, note, rows } });
}

/** Puts seed, backend or workers into the manifest. */
export function reportRun(facts: RunFacts): void {
  keep({ run: facts });
}
