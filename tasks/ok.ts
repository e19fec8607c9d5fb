// The gate: format, lint, types, compiled modules, tests, notebooks, in this
// order. It continues after a failure and finally lists what failed.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readChoice, runTask } from "./command_line.ts";
import { codeCells, joined, readNotebook } from "./run_notebook.ts";
import { projectRoot, runDeno, setUp } from "./setup.ts";

const HELP = `Usage: deno task ok [--without NAME ...]

Runs all checks, or all but those named:
  format     deno fmt --check, including notebooks
  lint       deno lint, including notebook cells
  types      deno check, including notebook cells
  imports    the order of lib's folders; see tasks/imports.ts
  wasm       the compiled modules match their sources
  bundle     the explorer's bundle matches its sources
  licenses   every package's license has been reviewed
  examples   every @example in lib runs
  tests      deno task test
  notebooks  deno task report --solutions: every cell runs, no output is lost,
             every solution passes its check`;

/** Where notebook cells are written as modules: one of our ignored folders. */
const CELLS = join(projectRoot, ".jupyter", "cells");

/** The folders that hold TypeScript. */
const FOLDERS = ["lib", "tasks", "tests", "bench"];

/** Names in cells are not exported, so lint would consider them unused. */
const CELL_LINT = ["lint", "--rules-exclude=no-unused-vars"];

const CHECKS: Record<string, () => Promise<number>> = {
  format: async () => {
    // Ignoring something on the command line overrides what deno.json excludes.
    const { exclude } = JSON.parse(
      readFileSync(join(projectRoot, "deno.json"), "utf8"),
    );
    const ignored = [...exclude, ...listNotebooks()].join(",");
    const code = await runDeno(["fmt", "--check", `--ignore=${ignored}`]);
    return Math.max(code, await checkNotebookFormat());
  },
  lint: () =>
    runAll([["lint"], ...eachNotebook((module) => [...CELL_LINT, module])]),
  types: () => {
    const modules = FOLDERS.flatMap(listModules);
    return runDeno(["check", "--quiet", ...modules, ...writeCells()]);
  },
  imports: () => runDeno(["run", "-A", "tasks/imports.ts"]),
  licenses: () => runDeno(["run", "-A", "tasks/licenses.ts"]),
  wasm: () => runDeno(["run", "-A", "tasks/wasm.ts", "--check"]),
  bundle: () => runDeno(["run", "-A", "tasks/bundle.ts", "--check"]),
  examples: () => runExamples(),
  tests: () => runDeno(["run", "-A", "tasks/test.ts"]),
  notebooks: () => runDeno(["run", "-A", "tasks/report.ts", "--solutions"]),
};

/** Runs the examples in lib's docs in a separate folder, because some write files. */
async function runExamples(): Promise<number> {
  const folder = Deno.makeTempDirSync({ prefix: "mien-examples-" });
  const modules = listModules("lib")
    .filter((path) => readFileSync(path, "utf8").includes("@example"));
  const config = `--config=${join(projectRoot, "deno.json")}`;
  try {
    return await runDeno(
      ["test", "-A", "--doc", "--no-check", "--quiet", config, ...modules],
      folder,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The TypeScript modules in a folder, without those compiled to wasm. */
function listModules(folder: string): string[] {
  const path = join(projectRoot, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/[\\/]assembly[\\/]/.test(name))
    .map((name) => join(path, name));
}

/** The notebooks, their solutions, and the tests' notebook. */
function listNotebooks(): string[] {
  return ["notebooks", "notebooks/solutions", "tests/notebook"].flatMap(
    (folder) => {
      const path = join(projectRoot, folder);
      return (existsSync(path) ? readdirSync(path) : [])
        .filter((name) => name.endsWith(".ipynb")).sort()
        .map((name) => join(path, name));
    },
  );
}

/**
 * Formats each notebook from standard input and compares: with `--check`, Deno
 * 2.7 calls every notebook that is not in its cache unformatted.
 */
async function checkNotebookFormat(): Promise<number> {
  let code = 0;
  for (const path of listNotebooks()) {
    const text = readFileSync(path, "utf8");
    const child = new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--ext", "ipynb", "-"],
      cwd: projectRoot,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const formatted = new Response(child.stdout).text();
    await new Response(text).body!.pipeTo(child.stdin);
    if (await formatted === text) continue;
    console.error(`${path} is not formatted: run deno fmt`);
    code = 1;
  }
  return code;
}

/** Writes each notebook's cells as one module; returns the modules' paths. */
function writeCells(): string[] {
  Deno.mkdirSync(CELLS, { recursive: true });
  for (const old of readdirSync(CELLS)) Deno.removeSync(join(CELLS, old));
  return ["notebooks", "notebooks/solutions"].flatMap((folder) => {
    const path = join(projectRoot, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path).filter((name) => name.endsWith(".ipynb")).sort()
      .map((name) => {
        const cells = codeCells(readNotebook(join(path, name)));
        const module = join(CELLS, `${basename(folder)}_${name}.ts`);
        const parts = cells.map((cell, index) =>
          `// ${folder}/${name}, cell ${index + 1}\n${joined(cell.source)}\n`
        );
        Deno.writeTextFileSync(module, `${parts.join("\n")}\nexport {};\n`);
        return module;
      });
  });
}

function eachNotebook(command: (module: string) => string[]): string[][] {
  return writeCells().map(command);
}

async function runAll(commands: string[][]): Promise<number> {
  let worst = 0;
  for (const command of commands) {
    worst = Math.max(worst, await runDeno(command));
  }
  return worst;
}

async function check(skipped: readonly string[]): Promise<number> {
  for (const name of skipped) readChoice("without", name, Object.keys(CHECKS));
  await setUp(["packages"]);
  const results: { name: string; code: number; seconds: number }[] = [];
  for (const [name, run] of Object.entries(CHECKS)) {
    if (skipped.includes(name)) continue;
    console.log(`ok: ${name}`);
    const started = performance.now();
    const code = await run();
    const seconds = (performance.now() - started) / 1000;
    results.push({ name, code, seconds });
  }
  for (const { name, code, seconds } of results) {
    const verdict = code === 0 ? "ok" : "FAILED";
    console.log(`${name.padEnd(10)} ${verdict} (${seconds.toFixed(0)} s)`);
  }
  return results.some(({ code }) => code !== 0) ? 1 : 0;
}

if (import.meta.main) {
  await runTask({
    help: HELP,
    options: { without: { type: "string", multiple: true } },
  }, ({ without = [] }) => check(without));
}
