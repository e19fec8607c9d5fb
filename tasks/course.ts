// Copies the notebooks, without outputs, into my/ to work in. Git ignores that folder:
// a student's work and outputs are safe from updates, and FER-2013 faces shown there
// cannot be committed.

import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask } from "./command_line.ts";
import { type Notebook, readNotebook } from "./run_notebook.ts";
import { projectRoot } from "./setup.ts";

const HELP = `Usage: deno task course [--reset NAME]

Copies the notebooks into my/, without their outputs, for you to work in. What is
already there is not changed, even after an update of the project; git ignores
my/.

  --reset NAME  replace your copy of one notebook, such as 03, with a fresh one;
                yours is kept beside it as 03_model.old.ipynb
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

/** A notebook without outputs. */
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
 * Copies the notebooks that are missing.
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
 * Replaces the student's copy of one notebook with a fresh one; the old copy is kept
 * under another name.
 *
 * @param part Part of the notebook's name, such as "03".
 * @returns The notebook's name and the old copy's new name.
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
      } "${part}" in the name; the notebooks are ${names.join(", ")}`,
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
          : "my/ already has a copy of every notebook; --reset NAME replaces one",
      );
      console.log("open them with deno task lab");
    },
  );
}
