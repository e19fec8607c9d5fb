// Opens the notebooks in JupyterLab, or in Notebook where only that is there,
// with the project's own kernel.

import { join } from "node:path";
import process from "node:process";
import {
  EDITOR,
  endOnSetupError,
  findOrInstallPython,
  findPython,
  projectRoot,
  runProgram,
  setUp,
} from "./setup.ts";

const HELP = `Usage: deno task lab [ARGUMENT ...]

Opens JupyterLab, or Jupyter Notebook, on notebooks/. Arguments go to it, such
as --no-browser or --port=8890. Where there is neither, it installs one.`;

/** The two programs as Python modules, the better one first. */
const EDITORS = ["jupyterlab", "notebook"];

async function findEditor(): Promise<[python: string, module: string]> {
  for (const module of EDITORS) {
    const python = await findPython(module);
    if (python) return [python, module];
  }
  const either = "importlib.util as u; assert u.find_spec('jupyterlab') or " +
    "u.find_spec('notebook')";
  const python = await findOrInstallPython(either, EDITOR);
  const lab = await runProgram([python, "-c", "import jupyterlab"], {
    quiet: true,
  });
  return [python, lab === 0 ? "jupyterlab" : "notebook"];
}

if (Deno.args.includes("--help")) {
  console.log(HELP);
} else {
  await endOnSetupError(setUp(["packages", "kernel"]));
  const [python, module] = await endOnSetupError(findEditor());
  const folder = join(projectRoot, "notebooks");
  process.exitCode = await runProgram(
    [python, "-m", module, ...Deno.args, folder],
  );
}
