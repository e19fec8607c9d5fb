// Runs every notebook in order in the real kernel and writes the HTML pages to
// report/: one per notebook, index.html, and manifest.json with the data, settings,
// times and every headline metric. The layout of a page is in report_pages.ts,
// the contents of the manifest in report_manifest.ts.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { runTask, userPath } from "./command_line.ts";
import {
  describeData,
  makeManifest,
  type Manifest,
  type NotebookFact,
  readFacts,
} from "./report_manifest.ts";
import { indexPage, notebookPage, type ReportPage } from "./report_pages.ts";
import {
  checkKernel,
  codeCells,
  emptyCharts,
  joined,
  missingOutputs,
  type Notebook,
  type NotebookEvent,
  type NotebookRun,
  runNotebook,
} from "./run_notebook.ts";
import { findOrInstallPython, projectRoot, runDeno, setUp } from "./setup.ts";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";

const HELP =
  `Usage: deno task report [--data PATH] [--only TEXT] [--solutions] [--save]

Runs the notebooks in order in the real kernel and writes the HTML pages:
report/index.html, a page for each notebook, and report/manifest.json.

  --data PATH   the faces to use: a file or folder that lib/data/fer2013.ts reads
                (default: FER2013, then data/, then the drawn faces)
  --only TEXT   run only notebooks whose names contain TEXT, such as 03
  --solutions   also run the notebooks in notebooks/solutions/; a failed check
                there is an error
  --save        also save the outputs in notebooks/, to be committed; only with
                the drawn faces, because FER-2013 may not be redistributed`;

/** The most bytes that a committed notebook may have. */
const MAX_NOTEBOOK = 400_000;

/** Pages that cannot be finished: one line for the user, no stack trace. */
class ReportError extends UserError {}

interface ReportOptions {
  data?: string;
  only?: string;
  solutions?: boolean;
  save?: boolean;
}

async function report(options: ReportOptions): Promise<void> {
  const started = performance.now();
  const notebooks = listNotebooks(options);
  await setUp(["packages", "kernel"]);
  const python = await findOrInstallPython();
  const folder = join(projectRoot, "report");
  const { scratch, remove } = makeScratch(folder);
  const env = dataEnvironment(options);
  const pages: ReportPage[] = [];
  const facts: NotebookFact[] = [];
  const fragments: string[] = [];
  const executed: { path: string; notebook: Notebook }[] = [];
  try {
    await checkKernel(python, scratch);
    for (const path of notebooks) {
      const name = pageName(path);
      const output = join(scratch, `${name}.ipynb`);
      const factsFile = join(scratch, `${name}.jsonl`);
      const run = await runWithProgress(python, path, output, {
        ...env,
        MIEN_FACTS: factsFile,
      });
      complain(name, run);
      fragments.push(readFileSync(`${output}.html`, "utf8"));
      pages.push({
        name,
        path,
        seconds: run.seconds,
        title: textOf(run.notebook, /^# (.+)$/m) ?? name,
        about: textOf(run.notebook, /^# .+\n+((?:[^\n]+\n?)+)/m) ?? "",
      });
      for (const fact of readFacts(factsFile)) {
        facts.push({ notebook: name, fact });
      }
      executed.push({ path, notebook: run.notebook });
    }
  } finally {
    remove();
  }
  const seconds = (performance.now() - started) / 1000;
  const manifest = makeManifest(pages, facts, seconds);
  complainOfSolutions(facts);
  if (options.save) executed.forEach((one) => save(one, manifest));
  pages.forEach((page, at) =>
    writeWhole(
      join(folder, `${page.name}.html`),
      notebookPage(page, fragments[at], pages[at - 1], pages[at + 1]),
    )
  );
  const command = ["deno task report", ...Deno.args].join(" ");
  writeWhole(
    join(folder, "index.html"),
    indexPage(pages, manifest.metrics, {
      data: describeData(manifest),
      made: manifest.made,
      command,
    }),
  );
  // In a separate process: in a fresh clone, this one started before there were packages.
  const site = ["tasks/explore.ts", "--out", join(folder, "explorer")];
  if (await runDeno(["run", "-A", ...site]) !== 0) {
    throw new UserError("the explorer was not written; see the reason above");
  }
  writeWhole(
    join(folder, "manifest.json"),
    JSON.stringify(manifest, null, 2) + "\n",
  );
  console.log(
    `${pages.length} notebooks in ${seconds.toFixed(0)} s, ` +
      `${manifest.metrics.length} metrics: report/index.html`,
  );
}

/**
 * A working folder in report/, so that nothing is left in the system's temporary
 * folder. It is removed when this ends, even by a signal; one left behind by a
 * killed run is removed at the next start.
 */
function makeScratch(folder: string) {
  Deno.mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const pid = Number(/^\.run-(\d+)$/.exec(name)?.[1]);
    if (pid && !isRunning(pid)) {
      Deno.removeSync(join(folder, name), { recursive: true });
    }
  }
  const scratch = join(folder, `.run-${Deno.pid}`);
  Deno.mkdirSync(scratch);
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  const end = () => {
    // The kernel ends by itself when its script's standard input closes.
    Deno.removeSync(scratch, { recursive: true });
    Deno.exit(130);
  };
  for (const signal of signals) Deno.addSignalListener(signal, end);
  const remove = () => {
    for (const signal of signals) Deno.removeSignalListener(signal, end);
    Deno.removeSync(scratch, { recursive: true });
  };
  return { scratch, remove };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function listNotebooks({ only = "", solutions }: ReportOptions): string[] {
  const folders = ["notebooks", ...(solutions ? ["notebooks/solutions"] : [])];
  const paths = folders.flatMap((folder) => {
    const path = join(projectRoot, folder);
    return (existsSync(path) ? readdirSync(path) : [])
      .filter((name) => name.endsWith(".ipynb") && name.includes(only)).sort()
      .map((name) => join(path, name));
  });
  if (paths.length === 0) {
    throw new ReportError(
      only === ""
        ? "notebooks/ contains no notebooks"
        : `no notebook in notebooks/ has "${only}" in its name`,
    );
  }
  return paths;
}

/** "03_model", or "solutions_03_model". */
function pageName(path: string): string {
  const name = basename(path, ".ipynb");
  return basename(join(path, "..")) === "solutions"
    ? `solutions_${name}`
    : name;
}

/** The faces that the notebooks use, as an absolute path. */
function dataEnvironment(options: ReportOptions): Record<string, string> {
  const choice = options.data ?? Deno.env.get("FER2013");
  if (!choice) return {};
  const path = userPath(choice);
  if (!existsSync(path)) {
    throw new ReportError(`${path}: no such file or folder`);
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

/** @throws {ReportError} naming notebook, cell and error, if one failed */
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

/** @throws {ReportError} naming the exercises whose solutions failed */
function complainOfSolutions(facts: NotebookFact[]): void {
  const failed = facts.filter(({ notebook, fact }) =>
    notebook.startsWith("solutions_") && fact.passed === false
  );
  if (failed.length === 0) return;
  const names = failed.map(({ notebook, fact }) =>
    `${fact.check} (${notebook.replace("_", "/")}.ipynb)`
  );
  throw new ReportError(
    `these solutions fail their check: ${names.join(", ")}`,
  );
}

/** The first match of a pattern's group in the notebook's text. */
function textOf(notebook: Notebook, pattern: RegExp): string | undefined {
  const texts = notebook.cells.map((cell) => joined(cell.source));
  return pattern.exec(texts.join("\n\n"))?.[1].trim();
}

/** Saves the outputs in the notebook's file, without what changes from run to run. */
function save(
  { path, notebook }: { path: string; notebook: Notebook },
  manifest: Manifest,
): void {
  const name = basename(path);
  if (!manifest.data?.name.toLowerCase().includes("drawn")) {
    throw new ReportError(
      `${name} was not saved: only outputs made with the drawn faces may be, ` +
        `and the data is ${manifest.data?.name ?? "not known"}. ` +
        "Unset FER2013, empty data/, and have a notebook call recordData.",
    );
  }
  const empty = emptyCharts(notebook);
  if (empty.length > 0) {
    throw new ReportError(
      `${name} was not saved: cell ${empty.join(" and cell ")} ` +
        "shows a chart without data",
    );
  }
  for (const cell of notebook.cells) delete cell.metadata.execution;
  const text = JSON.stringify(notebook, null, 1) + "\n";
  if (text.length > MAX_NOTEBOOK) {
    throw new ReportError(
      `${name} would have ${text.length.toLocaleString("en")} bytes with its ` +
        `outputs; at most ${MAX_NOTEBOOK.toLocaleString("en")} are allowed`,
    );
  }
  writeWhole(path, text);
}

if (import.meta.main) {
  await runTask(
    {
      help: HELP,
      options: {
        data: { type: "string" },
        only: { type: "string" },
        solutions: { type: "boolean" },
        save: { type: "boolean" },
      },
    },
    report,
  );
}
