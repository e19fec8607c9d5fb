// Opens the notebooks in JupyterLab, or in Notebook where only that is there,
// with the project's own kernel.

import { join } from "node:path";
import process from "node:process";
import {
  EDITOR,
  endOnSetupError,
  findOrInstallPython,
  projectRoot,
  runProgram,
  setUp,
} from "./setup.ts";

const HELP = `Usage: deno task lab [ARGUMENT ...]

Opens JupyterLab, or Jupyter Notebook, on notebooks/. Arguments go to it, such
as --no-browser or --port=8890. Where there is neither, it installs one.`;

/** The editor that a Python has, as the module that starts it. */
async function editorOf(python: string): Promise<string> {
  const check = [python, "-c", "import jupyterlab"];
  return await runProgram(check, { quiet: true }) === 0
    ? "jupyterlab"
    : "notebook";
}

if (Deno.args.includes("--help")) {
  console.log(HELP);
} else {
  await endOnSetupError(setUp(["packages", "kernel"]));
  const python = await endOnSetupError(findOrInstallPython(EDITOR));
  const folder = join(projectRoot, "notebooks");
  process.exitCode = await runProgram(
    [python, "-m", await editorOf(python), ...Deno.args, folder],
  );
}
