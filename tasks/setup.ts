// Sets up the project: npm packages, the Deno kernel for Jupyter, and Jupyter
// itself. Existing installations are left alone; everything new goes into the
// project's own folders (node_modules, .jupyter, .venv), except Debian's
// packages. It does not install Deno, which runs it, or the data (tasks/data.ts).
//
// No npm package is imported here, or in the tasks that call setUp, because
// they run before any are installed.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { UserError } from "mien/user_error.ts";
import { runTask, UsageError } from "./command_line.ts";

/** The folder that holds deno.json. */
export const projectRoot: string = resolve(import.meta.dirname!, "..");

/** What can be set up. */
export type Part = "packages" | "kernel" | "jupyter";

/** The machine lacks something that this module cannot install. */
export class SetupError extends UserError {
  override name = "SetupError";
}

/**
 * The environment for every program that the tasks start: this process's, with
 * the project's kernel folder first in `JUPYTER_PATH`, and the system's
 * certificates trusted as well as Mozilla's (company proxies need this) unless
 * `DENO_TLS_CA_STORE` says otherwise.
 *
 * @param root The project folder.
 */
export function childEnvironment(root = projectRoot): Record<string, string> {
  const given = Deno.env.get("JUPYTER_PATH");
  const ours = join(root, ".jupyter");
  return {
    ...Deno.env.toObject(),
    DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla",
    DENO_NO_UPDATE_CHECK: "1",
    JUPYTER_PATH: given ? ours + delimiter + given : ours,
  };
}

/**
 * Runs a program on this terminal.
 *
 * @returns Its exit status; 127 if there is no such program.
 */
export async function runProgram(
  command: string[],
  options: { quiet?: boolean; env?: Record<string, string>; cwd?: string } = {},
): Promise<number> {
  const stream = options.quiet ? "null" : "inherit";
  try {
    const { code } = await new Deno.Command(command[0], {
      args: command.slice(1),
      cwd: options.cwd ?? projectRoot,
      env: { ...childEnvironment(), ...options.env },
      stdin: options.quiet ? "null" : "inherit",
      stdout: stream,
      stderr: stream,
    }).spawn().status;
    return code;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 127;
    throw error;
  }
}

/** Runs a task's module with the current Deno; returns the exit status. */
export function runDeno(args: string[], cwd?: string): Promise<number> {
  return runProgram([Deno.execPath(), ...args], { cwd });
}

/**
 * Sets up the given parts and says what it installs; what already exists is
 * left alone.
 *
 * @throws {SetupError} naming what is missing and how to install it.
 */
export async function setUp(parts: Part[]): Promise<void> {
  if (parts.includes("packages")) await installPackages();
  if (parts.includes("kernel")) writeKernelspec();
  if (parts.includes("jupyter")) await findOrInstallPython();
}

function say(message: string): void {
  console.error(`setup: ${message}`);
}

/** Whether every package that deno.json names is in node_modules. */
function hasPackages(root = projectRoot): boolean {
  const text = readFileSync(join(root, "deno.json"), "utf8");
  const { imports } = JSON.parse(text) as { imports: Record<string, string> };
  return Object.entries(imports)
    .filter(([, target]) => target.startsWith("npm:"))
    .every(([name]) =>
      existsSync(join(root, "node_modules", name, "package.json"))
    );
}

/** Installs what deno.lock names, unless all of it is already installed. */
async function installPackages(): Promise<void> {
  const lock = createHash("sha256")
    .update(readFileSync(join(projectRoot, "deno.lock"), "utf8"))
    .digest("hex");
  const stamp = join(projectRoot, "node_modules", ".installed_lock");
  const known = existsSync(stamp) && readFileSync(stamp, "utf8") === lock;
  if (known && hasPackages()) return;
  say("installing npm packages into node_modules/ (deno install --frozen)");
  const code = await runDeno(["install", "--frozen"]);
  if (code !== 0) {
    throw new SetupError(
      "deno install --frozen failed. Is the npm registry reachable? " +
        "Behind a proxy, set HTTPS_PROXY.",
    );
  }
  Deno.writeTextFileSync(stamp, lock);
}

/**
 * Writes the kernelspec `deno` into the project, for the Deno that runs this.
 * The user's own kernels are not changed; ours is found through `JUPYTER_PATH`.
 *
 * @param root The project folder.
 * @returns The kernelspec's path.
 */
export function writeKernelspec(root = projectRoot): string {
  const folder = join(root, ".jupyter", "kernels", "deno");
  const path = join(folder, "kernel.json");
  const connection = ["jupyter", "--kernel", "--conn", "{connection_file}"];
  const text = JSON.stringify(
    {
      argv: [Deno.execPath(), ...connection],
      display_name: "Deno",
      language: "typescript",
    },
    null,
    2,
  );
  if (existsSync(path) && readFileSync(path, "utf8") === text) return path;
  say(`writing the kernel for Deno ${Deno.version.deno} into .jupyter/`);
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(path, text);
  return path;
}

/** A part of Jupyter, and how to install it. */
export interface JupyterPart {
  /** What it is called in messages. */
  name: string;
  /** Python code that fails if it is not installed. */
  check: string;
  /** Its package names on PyPI and in Debian. */
  pypi: string[];
  debian: string[];
}

/** What `deno task report` runs notebooks with. */
const RUNNER: JupyterPart = {
  name: "nbclient and nbconvert",
  check: "import nbclient, nbconvert",
  pypi: ["nbconvert>=6.5,<8", "nbclient>=0.7,<1"],
  debian: ["jupyter-nbconvert", "python3-nbclient"],
};

/** What `deno task lab` opens: JupyterLab, or Debian's Notebook. */
export const EDITOR: JupyterPart = {
  name: "JupyterLab or Notebook",
  check: "from importlib.util import find_spec as find; " +
    "assert find('jupyterlab') or find('notebook')",
  pypi: ["jupyterlab>=4,<5"],
  debian: ["jupyter-notebook"],
};

/**
 * A Python that has Jupyter: the project's own, or else the first on PATH that
 * passes the part's check, trying those behind `jupyter` programs first.
 */
export async function findPython(part = RUNNER): Promise<string | null> {
  for (const python of pythonCandidates(Deno.env.get("PATH") ?? "")) {
    const code = await runProgram([python, "-c", part.check], {
      quiet: true,
    });
    if (code === 0) return python;
  }
  return null;
}

/** Every Python worth trying, best first, each once. */
export function pythonCandidates(path: string, root = projectRoot): string[] {
  const windows = Deno.build.os === "windows";
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const inVenv = (venv: string) =>
    windows ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
  const found = [
    inVenv(join(root, ".venv")),
    inVenv(join(root, ".venv", "venvs", "nbconvert")),
  ];
  for (const folder of folders) {
    for (const program of ["jupyter", "jupyter-lab", "jupyter-nbconvert"]) {
      if (windows && existsSync(join(folder, `${program}.exe`))) {
        found.push(join(folder, "python.exe"));
        found.push(join(dirname(folder), "python.exe"));
      } else {
        found.push(interpreterOf(join(folder, program)) ?? "");
      }
    }
  }
  for (const folder of folders) {
    const names = windows ? ["python.exe"] : ["python3", "python"];
    found.push(...names.map((name) => join(folder, name)));
  }
  return [...new Set(found)].filter((python) =>
    python !== "" && existsSync(python)
  );
}

/** The Python named in a script's first lines, or `null`. */
function interpreterOf(script: string): string | null {
  try {
    const head = readFileSync(script, "latin1").slice(0, 1000);
    // pip writes the second form if the path is too long for a first line.
    const match = head.match(/^#!\s*(\S*python\S*)/) ??
      head.match(/^#!\/bin\/sh\n'''exec' "?([^"\n]*?python[\d.]*)"? /);
    return match ? match[1] : null;
  } catch {
    return null;
  }
}

/** One way to install Jupyter; they are tried in order. */
interface Installer {
  name: string;
  usable: boolean;
  commands: string[][];
  env?: Record<string, string>;
}

function installers(part: JupyterPart): Installer[] {
  const venv = join(projectRoot, ".venv");
  const windows = Deno.build.os === "windows";
  const python = windows
    ? join(venv, "Scripts", "python.exe")
    : join(venv, "bin", "python");
  const system = windows ? "python" : "python3";
  const debian = ["apt-get", "install", "-y", "--no-install-recommends"];
  const makeVenv = (command: string[]) => existsSync(python) ? [] : [command];
  return [{
    name: `Debian's ${part.debian.join(" and ")} (apt-get)`,
    usable: onPath("apt-get") && Deno.uid() === 0,
    commands: [["apt-get", "update"], [...debian, ...part.debian]],
    env: { DEBIAN_FRONTEND: "noninteractive" },
  }, {
    name: "Jupyter into .venv/ (uv)",
    usable: onPath("uv"),
    commands: [
      ...makeVenv(["uv", "venv", venv]),
      ["uv", "pip", "install", "--python", python, ...part.pypi],
    ],
  }, {
    name: "Jupyter into .venv/ (pipx)",
    usable: onPath("pipx"),
    commands: [
      ["pipx", "install", "--force", "nbconvert"],
      ["pipx", "inject", "nbconvert", ...part.pypi],
    ],
    env: { PIPX_HOME: venv, PIPX_BIN_DIR: join(venv, "bin") },
  }, {
    name: `Jupyter into .venv/ (${system} -m venv)`,
    usable: onPath(system),
    commands: [
      ...makeVenv([system, "-m", "venv", venv]),
      [python, "-m", "pip", "install", "-q", ...part.pypi],
    ],
  }];
}

function onPath(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const names = Deno.build.os === "windows"
    ? [`${program}.exe`, `${program}.bat`, `${program}.cmd`]
    : [program];
  return folders.some((folder) =>
    folder !== "" && names.some((name) => existsSync(join(folder, name)))
  );
}

/**
 * A Python that has a part of Jupyter. If none has it, it is installed: with
 * Debian's apt-get as root, or else with uv, pipx or venv into `.venv/`.
 *
 * @throws {SetupError} if nothing worked, naming what to install.
 */
export async function findOrInstallPython(part = RUNNER): Promise<string> {
  const found = await findPython(part);
  if (found) return found;
  for (const installer of installers(part)) {
    if (!installer.usable) continue;
    say(`installing ${installer.name}`);
    if (!await runAll(installer)) continue;
    const python = await findPython(part);
    if (python) return python;
  }
  throw new SetupError(
    `this machine has no Jupyter with ${part.name}, and installing it ` +
      "failed: apt-get (as root), uv, pipx and python3 -m venv are " +
      "missing or failed. Install Python 3.9 or newer with venv, or uv " +
      "(https://docs.astral.sh/uv/), and run this again; or put a Jupyter " +
      `with ${part.name} on PATH.`,
  );
}

async function runAll(installer: Installer): Promise<boolean> {
  for (const command of installer.commands) {
    const code = await runProgram(command, { env: installer.env });
    if (code === 0) continue;
    say(`${command.slice(0, 2).join(" ")} ended with status ${code}`);
    return false;
  }
  return true;
}

const HELP = `Usage: deno task setup [packages] [kernel] [jupyter]

Installs what is missing; without a name, all three:
  packages  npm packages, into node_modules/
  kernel    the Deno kernel for Jupyter, into .jupyter/
  jupyter   nbclient and nbconvert: those on PATH, or else Debian's packages
            (apt-get, as root), or else with uv, pipx or venv into .venv/`;

if (import.meta.main) {
  const parts: Part[] = ["packages", "kernel", "jupyter"];
  await runTask({
    help: HELP,
    options: {},
    positionals: { least: 0, most: Infinity, what: "" },
  }, async (_, asked) => {
    const unknown = asked.find((part) => !parts.includes(part as Part));
    if (unknown !== undefined) {
      throw new UsageError(
        `a part is one of ${parts.join(", ")}, not "${unknown}"`,
      );
    }
    const chosen = asked.length > 0 ? asked as Part[] : parts;
    await setUp(chosen);
    if (!asked.includes("packages")) say(`${chosen.join(", ")}: ready`);
  });
}
