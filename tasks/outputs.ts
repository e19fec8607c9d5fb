// Runs tests/notebook/outputs.ipynb many times and counts the lost outputs.
// Deno 2.8 and later lose some if a cell does not wait (lib/notebook/show.ts);
// this shows, for any Deno version, that our functions lose none.

import { join } from "node:path";
import { readNumber, runTask } from "./command_line.ts";
import {
  codeCells,
  joined,
  type Notebook,
  type Output,
  runNotebook,
} from "./run_notebook.ts";
import { findOrInstallPython, projectRoot, setUp } from "./setup.ts";

/** What each cell of the notebook shows: media type (or text) and content. */
const EXPECTED: [type: string, content: string][][] = [
  [["text", `text from Deno ${Deno.version.deno}`]],
  [["text/html", "HTML"]],
  [["text/html", "A table"]],
  [["image/svg+xml", "A chart"]],
  [["image/svg+xml", "A sheet"]],
  [["image/svg+xml", "a picture"]],
  [["image/svg+xml", "last view"]],
  [["image/svg+xml", "epoch 1 of 1 done"]],
  [["text", "first"], ["text", "second"], ["text/html", "third"]],
  [["text", "before"], ["text", "after"]],
];

/** How many outputs a run should show. */
export const OUTPUTS_PER_RUN: number = EXPECTED.flat().length;

/** The outputs that are missing from an executed notebook, in words. */
export function lostOutputs(notebook: Notebook): string[] {
  return codeCells(notebook).flatMap((cell, index) =>
    EXPECTED[index].filter(([type, content]) =>
      !(cell.outputs ?? []).some((output) => holds(output, type, content))
    ).map(([type, content]) => `cell ${index + 1}: ${type} "${content}"`)
  );
}

function holds(output: Output, type: string, content: string): boolean {
  if (type === "text") return joined(output.text).includes(content);
  return output.data?.[type] !== undefined &&
    joined(output.data["text/plain"]).includes(content);
}

/**
 * Runs the notebook once.
 *
 * @param python A Python that has nbclient and nbconvert.
 * @param folder Where the executed notebook is written.
 * @returns The lost outputs, in words.
 */
export async function runOutputs(
  python: string,
  folder: string,
): Promise<string[]> {
  const source = join(projectRoot, "tests", "notebook", "outputs.ipynb");
  const output = join(folder, "outputs.ipynb");
  const run = await runNotebook(python, source, output);
  if (run.failure) {
    const { cell, name, message } = run.failure;
    throw new Error(`outputs.ipynb, cell ${cell}: ${name}: ${message}`);
  }
  return lostOutputs(run.notebook);
}

const HELP = `Usage: deno task outputs [--runs N]

Runs tests/notebook/outputs.ipynb in this Deno's kernel and counts the lost outputs.
For another version: npx -y deno@2.9.6 task outputs

  --runs N  how often to run it (default 20)
  --help    show this text`;

async function countLost(runs: number): Promise<number> {
  await setUp(["packages", "kernel"]);
  const python = await findOrInstallPython();
  const folder = Deno.makeTempDirSync({ prefix: "mien-outputs-" });
  let lost = 0;
  try {
    for (let run = 1; run <= runs; run++) {
      const missing = await runOutputs(python, folder);
      lost += missing.length;
      const said = missing.length === 0 ? "none lost" : missing.join(", ");
      console.error(
        `Deno ${Deno.version.deno}, run ${run} of ${runs}: ${said}`,
      );
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  console.log(
    `Deno ${Deno.version.deno}: ${lost} of ${runs * OUTPUTS_PER_RUN} ` +
      `outputs lost in ${runs} runs`,
  );
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) {
  await runTask(
    { help: HELP, options: { runs: { type: "string", default: "20" } } },
    ({ runs }) =>
      countLost(readNumber("runs", runs, { least: 1, whole: true })!),
  );
}
