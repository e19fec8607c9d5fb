import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  copyNotebooks,
  type CourseFolders,
  resetNotebook,
  withoutOutputs,
} from "../../tasks/course.ts";
import { projectRoot } from "../../tasks/setup.ts";
import { readNotebook } from "../../tasks/run_notebook.ts";
import { inFolder } from "../helpers/in_folder.ts";

function withFolders(use: (folders: CourseFolders) => void): Promise<void> {
  const from = join(projectRoot, "notebooks");
  return inFolder((folder) => use({ from, to: join(folder, "my") }));
}

Deno.test("every notebook is copied, without outputs, and no solution is", () =>
  withFolders((folders) => {
    const names = copyNotebooks(folders);
    assert.deepEqual(names, readdirSync(folders.to).sort());
    assert.ok(names.includes("03_model.ipynb"));
    const { cells } = readNotebook(join(folders.to, "03_model.ipynb"));
    for (const cell of cells.filter((one) => one.cell_type === "code")) {
      assert.deepEqual([cell.outputs, cell.execution_count], [[], null]);
    }
    const original = readNotebook(join(folders.from, "03_model.ipynb"));
    assert.deepEqual(withoutOutputs(original).cells, cells);
  }));

Deno.test("a student's work is never overwritten; --reset keeps it beside the fresh copy", () =>
  withFolders((folders) => {
    copyNotebooks(folders);
    const mine = join(folders.to, "03_model.ipynb");
    Deno.writeTextFileSync(mine, "my work");
    assert.deepEqual(copyNotebooks(folders), []);
    assert.equal(Deno.readTextFileSync(mine), "my work");

    const kept = join(folders.to, "03_model.old.ipynb");
    assert.deepEqual(resetNotebook("03", folders), {
      name: "03_model.ipynb",
      kept: "03_model.old.ipynb",
    });
    assert.equal(Deno.readTextFileSync(kept), "my work");
    resetNotebook("03", folders);
    assert.equal(Deno.readTextFileSync(kept), "my work");
    assert.ok(existsSync(join(folders.to, "03_model.old-2.ipynb")));
  }));

Deno.test("a name that fits no notebook or several is an error that lists them", () =>
  withFolders((folders) => {
    assert.throws(() => resetNotebook("99", folders), /no notebook has "99"/);
    assert.throws(() => resetNotebook("0", folders), /several notebooks/);
  }));
