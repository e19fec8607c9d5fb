// Collects what the notebooks recorded about themselves (lib/notebook/facts.ts)
// for report/manifest.json and the first page.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ReportMetric, ReportPage } from "./report_pages.ts";
import { codeCells, joined, readNotebook } from "./run_notebook.ts";
import { projectRoot } from "./setup.ts";

/** One line of a notebook's file of facts. */
export interface Fact {
  metric?: string;
  value?: ReportMetric["value"];
  unit?: string;
  data?: {
    name: string;
    hash: string;
    note?: string;
    rows: Record<string, number>;
  };
  run?: Record<string, unknown>;
  check?: string;
  passed?: boolean;
}

/** A fact, and the notebook that recorded it. */
export interface NotebookFact {
  notebook: string;
  fact: Fact;
}

/** The facts in a file; none if a notebook recorded nothing. */
export function readFacts(path: string): Fact[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").trim().split("\n")
    .filter((line) => line !== "").map((line) => JSON.parse(line));
}

/**
 * The data, the settings, the times and every headline metric.
 *
 * @param seconds How long the whole run took.
 */
export function makeManifest(
  pages: ReportPage[],
  facts: NotebookFact[],
  seconds: number,
) {
  const metrics: ReportMetric[] = facts.flatMap(({ notebook, fact }) =>
    fact.metric === undefined ? [] : [{
      notebook,
      name: fact.metric,
      value: fact.value!,
      unit: fact.unit,
    }]
  );
  const run = Object.assign({}, ...facts.map(({ fact }) => fact.run ?? {}));
  return {
    made: new Date().toISOString(),
    data: facts.find(({ fact }) => fact.data)?.fact.data ?? null,
    seed: run.seed ?? null,
    backend: run.backend ?? null,
    workers: run.workers ?? null,
    versions: versions(),
    machine: {
      system: `${Deno.build.os} ${Deno.build.arch}`,
      cores: navigator.hardwareConcurrency,
    },
    seconds: Number(seconds.toFixed(1)),
    notebooks: pages.map(({ name, title, seconds, path }) => ({
      name,
      title,
      seconds: Number(seconds.toFixed(1)),
      hash: hashOf(path),
    })),
    metrics,
  };
}

/** What {@linkcode makeManifest} returns. */
export type Manifest = ReturnType<typeof makeManifest>;

function versions(): Record<string, string> {
  const { imports } = JSON.parse(
    readFileSync(join(projectRoot, "deno.json"), "utf8"),
  );
  const packages = Object.entries(imports as Record<string, string>)
    .filter(([, target]) => target.startsWith("npm:"))
    .map(([name, target]) => [name, target.slice(target.lastIndexOf("@") + 1)]);
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    typescript: Deno.version.typescript,
    ...Object.fromEntries(packages),
  };
}

/** SHA-256 of a notebook's code; its outputs do not affect it. */
function hashOf(path: string): string {
  const code = codeCells(readNotebook(path)).map((cell) => joined(cell.source));
  return createHash("sha256").update(code.join("\n")).digest("hex");
}

/** The data in one line. */
export function describeData({ data }: Manifest): string {
  if (data === null) return "No notebook recorded which data it used.";
  const rows = Object.entries(data.rows).filter(([, count]) => count > 0)
    .map(([split, count]) => `${count.toLocaleString("en")} ${split}`);
  return `${data.name}: ${rows.join(", ")}` +
    (data.note ? `; ${data.note}` : "");
}
