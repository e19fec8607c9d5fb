// Runs every notebook in order in the real kernel and writes report/: a page
// each, index.html, and manifest.json with the data, the settings, the times
// and every headline metric. What a page looks like is in report_pages.ts.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  indexPage,
  notebookPage,
  type ReportMetric,
  type ReportPage,
} from "./report_pages.ts";
import {
  codeCells,
  joined,
  missingOutputs,
  type Notebook,
  NotebookError,
  type NotebookEvent,
  type NotebookRun,
  readNotebook,
  runNotebook,
} from "./run_notebook.ts";
import {
  endOnSetupError,
  findOrInstallPython,
  projectRoot,
  setUp,
} from "./setup.ts";
import { writeSite } from "mien/explorer/site.ts";
import { UserError } from "mien/user_error.ts";

const HELP = `Usage: deno task report [--data PATH] [--only TEXT] [--save]

Runs the notebooks in order in the real kernel and writes report/index.html
and report/manifest.json.

  --data PATH   the faces to use: a file or folder that lib/data/fer2013.ts reads;
                otherwise FER2013, then data/, then the drawn faces
  --only TEXT   only notebooks whose names hold TEXT, such as 03
  --save        also put the outputs into notebooks/, to be committed; only
                with the drawn faces, for FER-2013 may not be redistributed`;

/** Bytes that a committed notebook may have. */
const MAX_NOTEBOOK = 300_000;

/** What one notebook tells of itself, see lib/notebook/report_facts.ts. */
interface Fact {
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
}

/** A report that cannot be finished: a line for the person, no stack. */
class ReportError extends UserError {}

interface ReportOptions {
  data?: string;
  only?: string;
  save?: boolean;
}

async function report(options: ReportOptions): Promise<void> {
  const started = performance.now();
  const notebooks = listNotebooks(options.only);
  await setUp(["packages", "kernel"]);
  const python = await findOrInstallPython();
  const folder = join(projectRoot, "report");
  Deno.mkdirSync(folder, { recursive: true });
  const scratch = Deno.makeTempDirSync({ prefix: "mien-report-" });
  const env = dataEnvironment(options);
  const pages: ReportPage[] = [];
  const facts: { notebook: string; fact: Fact }[] = [];
  const fragments: string[] = [];
  const executed: { path: string; notebook: Notebook }[] = [];
  try {
    for (const path of notebooks) {
      const name = basename(path, ".ipynb");
      const output = join(scratch, `${name}.ipynb`);
      const factsFile = join(scratch, `${name}.jsonl`);
      const run = await runWithProgress(python, path, output, {
        ...env,
        MIEN_FACTS: factsFile,
      });
      complain(name, run);
      fragments.push(readFileSync(`${output}.html`, "utf8"));
      pages.push({ name, title: titleOf(run.notebook, name), ...run });
      for (const fact of readFacts(factsFile)) {
        facts.push({ notebook: name, fact });
      }
      executed.push({ path, notebook: run.notebook });
    }
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
  const seconds = (performance.now() - started) / 1000;
  const manifest = makeManifest(pages, facts, seconds);
  if (options.save) executed.forEach((one) => save(one, manifest));
  pages.forEach((page, at) =>
    writeWhole(
      join(folder, `${page.name}.html`),
      notebookPage(page, fragments[at], pages[at - 1], pages[at + 1]),
    )
  );
  writeWhole(
    join(folder, "index.html"),
    indexPage(describeData(manifest), pages, manifest.metrics),
  );
  await writeSite(join(folder, "explorer"));
  writeWhole(
    join(folder, "manifest.json"),
    JSON.stringify(manifest, null, 2) + "\n",
  );
  console.log(
    `${pages.length} notebooks in ${seconds.toFixed(0)} s, ` +
      `${manifest.metrics.length} metrics: report/index.html`,
  );
}

function listNotebooks(only = ""): string[] {
  const folder = join(projectRoot, "notebooks");
  const names = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.endsWith(".ipynb") && name.includes(only)).sort();
  if (names.length === 0) {
    throw new ReportError(
      only === ""
        ? "notebooks/ holds no notebooks"
        : `notebooks/ holds none with "${only}" in its name`,
    );
  }
  return names.map((name) => join(folder, name));
}

/** Which faces the notebooks use, with the path made whole. */
function dataEnvironment(options: ReportOptions): Record<string, string> {
  const choice = options.data ?? Deno.env.get("FER2013");
  if (!choice) return {};
  // Deno starts tasks in the project's folder and tells where the person was.
  const path = resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), choice);
  if (!existsSync(path)) {
    throw new ReportError(`${path}: there is no such file or folder`);
  }
  return { FER2013: path };
}

async function runWithProgress(
  python: string,
  path: string,
  output: string,
  env: Record<string, string>,
): Promise<NotebookRun> {
  const name = basename(path);
  const live = Deno.stderr.isTerminal();
  const encoder = new TextEncoder();
  let place = "starting the kernel";
  const started = performance.now();
  const write = (text: string) =>
    Deno.stderr.writeSync(encoder.encode(live ? `\r\x1b[K${text}` : text));
  const tick = () => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    write(`${name} · ${place} · ${seconds} s`);
  };
  const timer = live ? setInterval(tick, 1000) : undefined;
  const onEvent = (event: NotebookEvent) => {
    if (event.event === "cell") {
      place = `cell ${event.cell} of ${event.of}`;
      if (live) tick();
    }
    if (event.event === "cell_done" && !live) {
      write(`${name} · ${place} · ${event.seconds.toFixed(1)} s\n`);
    }
  };
  try {
    const run = await runNotebook(python, path, output, { env, onEvent });
    const cells = codeCells(run.notebook).length;
    write(`${name} · ${cells} cells · ${run.seconds.toFixed(1)} s\n`);
    return run;
  } finally {
    clearInterval(timer);
  }
}

/** @throws {ReportError} naming notebook, cell and error, where one is wrong */
function complain(name: string, run: NotebookRun): void {
  if (run.failure) {
    const { cell, name: error, message } = run.failure;
    const source = joined(codeCells(run.notebook)[cell - 1]?.source).trim();
    throw new ReportError(
      `${name}.ipynb, cell ${cell} failed: ${error}: ${message}\n` +
        source.split("\n").map((line) => `  | ${line}`).join("\n"),
    );
  }
  const missing = missingOutputs(run.notebook);
  if (missing.length === 0) return;
  const parts = missing.map(({ cell, expected, found }) =>
    `cell ${cell} shows ${found} of ${expected} outputs`
  );
  throw new ReportError(`${name}.ipynb lost outputs: ${parts.join("; ")}`);
}

function readFacts(path: string): Fact[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").trim().split("\n")
    .filter((line) => line !== "").map((line) => JSON.parse(line));
}

function titleOf(notebook: Notebook, name: string): string {
  const texts = notebook.cells.map((cell) => joined(cell.source));
  const heading = texts.join("\n").match(/^# (.+)$/m);
  return heading ? heading[1] : name;
}

function makeManifest(
  pages: ReportPage[],
  facts: { notebook: string; fact: Fact }[],
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
    notebooks: pages.map(({ name, title, seconds }) => ({
      name,
      title,
      seconds: Number(seconds.toFixed(1)),
      hash: hashOf(join(projectRoot, "notebooks", `${name}.ipynb`)),
    })),
    metrics,
  };
}

type Manifest = ReturnType<typeof makeManifest>;

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

/** SHA-256 of a notebook's code, which its outputs do not change. */
function hashOf(path: string): string {
  const code = codeCells(readNotebook(path)).map((cell) => joined(cell.source));
  return createHash("sha256").update(code.join("\n")).digest("hex");
}

function describeData({ data }: Manifest): string {
  if (data === null) return "No notebook said which data it used.";
  const rows = Object.entries(data.rows).map(([split, count]) =>
    `${split} ${count.toLocaleString("en")}`
  );
  return `Data: ${data.name}; ${rows.join(", ")}.` +
    (data.note ? ` ${data.note}.` : "");
}

/** Puts the outputs into the notebook's file, without what changes each run. */
function save(
  { path, notebook }: { path: string; notebook: Notebook },
  manifest: Manifest,
): void {
  const name = basename(path);
  if (!manifest.data?.name.toLowerCase().includes("drawn")) {
    throw new ReportError(
      `${name} is not saved: only outputs made with the drawn faces may be, ` +
        `and the data is ${manifest.data?.name ?? "not known"}. ` +
        "Unset FER2013, empty data/, and have a notebook call reportData.",
    );
  }
  for (const cell of notebook.cells) delete cell.metadata.execution;
  const text = JSON.stringify(notebook, null, 1) + "\n";
  if (text.length > MAX_NOTEBOOK) {
    throw new ReportError(
      `${name} would have ${text.length.toLocaleString("en")} bytes with its ` +
        `outputs; at most ${MAX_NOTEBOOK.toLocaleString("en")} are light`,
    );
  }
  writeWhole(path, text);
}

function writeWhole(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.part`, text);
  Deno.renameSync(`${path}.part`, path);
}

function readOptions(): ReportOptions {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        data: { type: "string" },
        only: { type: "string" },
        save: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (!values.help) return values;
  } catch (error) {
    console.error(`error: ${(error as Error).message}; see --help`);
    Deno.exit(2);
  }
  console.log(HELP);
  Deno.exit(0);
}

if (import.meta.main) {
  try {
    await endOnSetupError(report(readOptions()));
  } catch (error) {
    const expected = error instanceof ReportError ||
      error instanceof NotebookError;
    if (!expected) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
