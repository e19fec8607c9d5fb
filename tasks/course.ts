// Makes copies of the notebooks to work in, without outputs, in my/. Git ignores that
// folder: a student's work and outputs are safe from updates, and faces of FER-2013
// shown there cannot be committed.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask } from "./command_line.ts";
import { type Notebook, readNotebook } from "./run_notebook.ts";
import { projectRoot } from "./setup.ts";

const HELP = `Usage: deno task course [--reset NAME]

Copies the notebooks into my/, without their outputs, for you to work in. What is
there already stays as it is, also after an update of the project; git ignores
my/.

  --reset NAME  put a fresh copy of one notebook in the place of yours, such as
                03; yours is kept beside it as 03_model.old.ipynb
  --help        show this text`;

/** Where the copies are, and where they come from. */
export interface CourseFolders {
  from: string;
  to: string;
}

const folders: CourseFolders = {
  from: join(projectRoot, "notebooks"),
  to: join(projectRoot, "my"),
};

/** A notebook as nobody has run it yet. */
export function withoutOutputs(notebook: Notebook): Notebook {
  return {
    ...notebook,
    cells: notebook.cells.map((cell) =>
      cell.cell_type === "code"
        ? { ...cell, outputs: [], execution_count: null }
        : cell
    ),
  };
}

/**
 * Copies the notebooks that are not there yet.
 *
 * @returns The names of the new copies.
 */
export function copyNotebooks({ from, to }: CourseFolders = folders): string[] {
  mkdirSync(to, { recursive: true });
  const fresh = notebooksIn(from).filter((name) => !existsSync(join(to, name)));
  for (const name of fresh) copy(from, to, name);
  return fresh;
}

/**
 * Puts a fresh copy of one notebook in the place of the student's, which is kept
 * under another name.
 *
 * @param part A part of the notebook's name, such as "03".
 * @returns The notebook's name and the one that the old copy has now.
 * @throws {UserError} when no notebook has it in its name, or several have
 */
export function resetNotebook(
  part: string,
  { from, to }: CourseFolders = folders,
): { name: string; kept: string | null } {
  const names = notebooksIn(from);
  const found = names.filter((name) => name.includes(part));
  if (found.length !== 1) {
    throw new UserError(
      `${
        found.length === 0 ? "no notebook has" : "several notebooks have"
      } "${part}" in the name; there are ${names.join(", ")}`,
    );
  }
  const [name] = found;
  mkdirSync(to, { recursive: true });
  const kept = existsSync(join(to, name)) ? freeName(to, name) : null;
  if (kept) Deno.renameSync(join(to, name), join(to, kept));
  copy(from, to, name);
  return { name, kept };
}

function notebooksIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\d.*\.ipynb$/.test(name))
    .sort();
}

function copy(from: string, to: string, name: string): void {
  const notebook = withoutOutputs(readNotebook(join(from, name)));
  writeWhole(join(to, name), JSON.stringify(notebook, null, 1) + "\n");
}

/** The first of `NAME.old.ipynb`, `NAME.old-2.ipynb`, … that is not taken. */
function freeName(folder: string, name: string): string {
  const base = name.replace(/\.ipynb$/, ".old");
  let number = 1, free = `${base}.ipynb`;
  while (existsSync(join(folder, free))) free = `${base}-${++number}.ipynb`;
  return free;
}

if (import.meta.main) {
  await runTask(
    { help: HELP, options: { reset: { type: "string" } } },
    (given) => {
      if (given.reset !== undefined) {
        const { name, kept } = resetNotebook(given.reset);
        console.log(
          `my/${name} is fresh` + (kept ? `; yours is now my/${kept}` : ""),
        );
        return;
      }
      const fresh = copyNotebooks();
      console.log(
        fresh.length > 0
          ? `copied to my/: ${fresh.join(", ")}`
          : "my/ has a copy of every notebook already; --reset NAME makes one fresh",
      );
      console.log("open them with deno task lab");
    },
  );
}
