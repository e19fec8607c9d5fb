// Runs one notebook headless in the real kernel and returns the outcome.
// execute_notebook.py does the work with the machine's own Jupyter; this reads its
// messages and makes sure that nothing it started lives on. report.ts chooses the
// notebooks.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { childEnvironment, projectRoot } from "./setup.ts";
import { UserError } from "mien/user_error.ts";

/** A cell's output, in the notebook format. */
export interface Output {
  output_type: string;
  data?: Record<string, string | string[]>;
  text?: string | string[];
}

/** A cell of a notebook. */
export interface Cell {
  id?: string;
  cell_type: "code" | "markdown" | "raw";
  source: string | string[];
  metadata: Record<string, unknown>;
  outputs?: Output[];
  execution_count?: number | null;
}

/** A notebook as in its file. */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** The messages of execute_notebook.py, one per line. */
export type NotebookEvent =
  | { event: "kernel"; pid: number }
  | { event: "start"; cells: number }
  | { event: "cell"; cell: number; of: number }
  | { event: "cell_done"; cell: number; seconds: number }
  | { event: "error"; cell: number; name: string; message: string }
  | { event: "done"; seconds: number };

/** A cell that failed; code cells are counted from 1. */
export interface CellFailure {
  cell: number;
  name: string;
  message: string;
}

/** The outcome of a run. */
export interface NotebookRun {
  seconds: number;
  /** The executed notebook. */
  notebook: Notebook;
  failure?: CellFailure;
}

/** A notebook that could not even be started. */
export class NotebookError extends UserError {
  override name = "NotebookError";
}

/** Reads a notebook's file. */
export function readNotebook(path: string): Notebook {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Joins lines that the format keeps as an array. */
export function joined(text: string | string[] | undefined): string {
  return Array.isArray(text) ? text.join("") : text ?? "";
}

/** The code cells that are not empty, in order: cell 1 is the first. */
export function codeCells(notebook: Notebook): Cell[] {
  return notebook.cells.filter((cell) =>
    cell.cell_type === "code" && joined(cell.source).trim() !== ""
  );
}

/**
 * Runs a notebook.
 *
 * @param python A Python that has nbclient and nbconvert.
 * @param source The notebook's path.
 * @param output Where the executed notebook is written; a fragment of HTML is
 * written to the same path with `.html` appended.
 * @param options `env` is added to the kernel's environment; `onEvent` is called
 * for each cell.
 * @throws {NotebookError} if the kernel or Jupyter does not start.
 */
export async function runNotebook(
  python: string,
  source: string,
  output: string,
  options: {
    env?: Record<string, string>;
    onEvent?: (event: NotebookEvent) => void;
  } = {},
): Promise<NotebookRun> {
  const script = join(projectRoot, "tasks", "execute_notebook.py");
  const folder = join(source, "..");
  const child = new Deno.Command(python, {
    args: [script, source, output, folder],
    env: { ...childEnvironment(), ...options.env },
    // Kept open: when it closes, the script ends, and its kernel with it.
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const started = performance.now();
  let failure: CellFailure | undefined;
  let done = false;
  let kernel: number | undefined;
  for await (const line of linesOf(child.stdout)) {
    if (!line.startsWith("{")) continue;
    const event: NotebookEvent = JSON.parse(line);
    if (event.event === "kernel") kernel = event.pid;
    if (event.event === "error") failure = event;
    if (event.event === "done") done = true;
    options.onEvent?.(event);
  }
  const { signal } = await child.status;
  // Killed without a chance to end its kernel.
  if (signal !== null && kernel !== undefined) endProcess(kernel);
  await child.stdin.close().catch(() => {});
  if (!done && failure === undefined) {
    const last = (await errors).trim().split("\n").slice(-6).join("\n");
    throw new NotebookError(
      `${basename(source)} could not be run by ${python}:\n${last}`,
    );
  }
  const seconds = (performance.now() - started) / 1000;
  return { seconds, notebook: readNotebook(output), failure };
}

function endProcess(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Runs a cell that throws, to see whether the kernel says so: in some versions
 * of Deno (such as 2.8.3) it counts as a success, and so would every notebook.
 *
 * @param folder Where the one-cell notebook may be written.
 * @throws {NotebookError} if the kernel cannot be trusted.
 */
export async function checkKernel(
  python: string,
  folder: string,
): Promise<void> {
  const source = join(folder, "kernel_check.ipynb");
  const notebook: Notebook = {
    cells: [{
      cell_type: "code",
      source: `throw new Error("must fail");`,
      metadata: {},
      outputs: [],
      execution_count: null,
    }],
    metadata: {
      kernelspec: {
        name: "deno",
        display_name: "Deno",
        language: "typescript",
      },
    },
    nbformat: 4,
    nbformat_minor: 4,
  };
  writeFileSync(source, JSON.stringify(notebook));
  const run = await runNotebook(
    python,
    source,
    join(folder, "kernel_check.out.ipynb"),
  );
  if (run.failure) return;
  throw new NotebookError(
    `the kernel of Deno ${Deno.version.deno} counts a cell that throws as a ` +
      "success, so its results cannot be trusted: use 2.7.13, for example " +
      "npx -y deno@2.7.13 task report",
  );
}

async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** A cell that shows less than it should. */
export interface MissingOutput {
  cell: number;
  expected: number;
  found: number;
  source: string;
}

/** A call that shows something: one output each, unless inside a block. */
const SHOWING =
  /^(?:(?:const|let) \w+ = )?await (?:print|check|predict|\w+\.reveal|show[A-Z]\w*)\(/gm;

/**
 * Cells whose code shows more than their outputs contain: each call at the start
 * of a line that prints or shows must have left an output.
 */
export function missingOutputs(notebook: Notebook): MissingOutput[] {
  return codeCells(notebook).flatMap((cell, index) => {
    const source = joined(cell.source);
    const expected = source.match(SHOWING)?.length ?? 0;
    const found = countOutputs(cell.outputs ?? []);
    if (found >= expected) return [];
    return [{ cell: index + 1, expected, found, source }];
  });
}

/** The numbers of the cells that show a chart without any data. */
export function emptyCharts(notebook: Notebook): number[] {
  return codeCells(notebook).flatMap((cell, index) =>
    (cell.outputs ?? []).some((output) =>
        output.data?.["image/svg+xml"] !== undefined &&
        joined(output.data["text/plain"]).includes("no data yet")
      )
      ? [index + 1]
      : []
  );
}

/** Outputs; printed text counts once per line, because Jupyter joins it. */
function countOutputs(outputs: Output[]): number {
  return outputs.reduce(
    (sum, output) =>
      sum +
      (output.output_type === "stream"
        ? joined(output.text).trimEnd().split("\n").length
        : 1),
    0,
  );
}
