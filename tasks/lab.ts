// Opens the student's copies of the notebooks in JupyterLab, or in Notebook if only
// that is installed, with the project's own kernel. Also makes that kernel visible
// to a Jupyter started in another way, or removes it again.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "mien/user_error.ts";
import { readChoice, runTask } from "./command_line.ts";
import { copyNotebooks } from "./course.ts";
import {
  EDITOR,
  findOrInstallPython,
  findPython,
  projectRoot,
  runProgram,
  setUp,
  writeKernelspec,
} from "./setup.ts";

const HELP = `Usage: deno task lab [--kernel add|remove] [ARGUMENT ...]

Opens JupyterLab, or Jupyter Notebook, on my/, your copies of the notebooks
(deno task course). Arguments such as --no-browser or --port=8890 are passed to
it. If neither is installed, it installs one.

  --kernel add     make the kernel "Deno" visible to all of your Jupyter
                   installations, in case one says "Could not find a kernel
                   matching Deno"
  --kernel remove  undo this
  --help           show this text`;

/** The editor that a Python has, as the module that starts it. */
async function editorOf(python: string): Promise<string> {
  const check = [python, "-c", "import jupyterlab"];
  return await runProgram(check, { quiet: true }) === 0
    ? "jupyterlab"
    : "notebook";
}

async function openEditor(given: string[]): Promise<number> {
  await setUp(["packages", "kernel"]);
  const python = await findOrInstallPython(EDITOR);
  const fresh = copyNotebooks();
  if (fresh.length > 0) {
    console.error(`lab: copied to my/: ${fresh.join(", ")}`);
  }
  const folder = join(projectRoot, "my");
  return await runProgram([
    python,
    "-m",
    await editorOf(python),
    ...given,
    folder,
  ]);
}

/** The folder where Jupyter looks for this user's kernels. */
async function userKernels(): Promise<string> {
  const python = await findPython() ?? await findPython(EDITOR);
  if (python === null) {
    throw new UserError(
      "Jupyter is not installed: deno task setup installs it",
    );
  }
  const { stdout } = await new Deno.Command(python, {
    args: [
      "-c",
      "import jupyter_core.paths as p; print(p.jupyter_data_dir())",
    ],
  }).output();
  return join(new TextDecoder().decode(stdout).trim(), "kernels");
}

/** Only a kernel that this command made is ever replaced or removed. */
const MARK = "made by mien";

async function addKernel(): Promise<void> {
  const spec = join(await userKernels(), "deno", "kernel.json");
  if (existsSync(spec) && !readFileSync(spec, "utf8").includes(MARK)) {
    console.log(`there already is a Deno kernel: ${spec}`);
    return;
  }
  const ours = JSON.parse(readFileSync(writeKernelspec(), "utf8"));
  Deno.mkdirSync(join(spec, ".."), { recursive: true });
  Deno.writeTextFileSync(
    spec,
    JSON.stringify({ ...ours, metadata: { origin: MARK } }, null, 2),
  );
  console.log(`the kernel "Deno" is now visible: ${spec}`);
}

async function removeKernel(): Promise<void> {
  const folder = join(await userKernels(), "deno");
  const spec = join(folder, "kernel.json");
  if (!existsSync(spec)) {
    console.log("there is no Deno kernel to remove");
  } else if (!readFileSync(spec, "utf8").includes(MARK)) {
    console.log(`not removed, because mien did not add it: ${spec}`);
  } else {
    Deno.removeSync(folder, { recursive: true });
    console.log(`removed ${folder}`);
  }
}

if (import.meta.main) {
  await runTask({
    help: HELP,
    options: { kernel: { type: "string" } },
    passesOn: true,
  }, async ({ kernel }, given) => {
    const choice = readChoice("kernel", kernel, ["add", "remove"]);
    if (choice === undefined) return await openEditor(given);
    await (choice === "add" ? addKernel() : removeKernel());
  });
}
