import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync } from "node:fs";
import { drawFaces } from "mien/drawn/faces.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import {
  compareRuns,
  notebookRun,
  NotebookRunError,
  readNotebookRun,
} from "mien/notebook/notebook_run.ts";
import { showTraining } from "mien/notebook/training_view.ts";
import { train } from "mien/training/train.ts";
import { dirname } from "node:path";

const faces = drawFaces({ count: 70, seed: 987_654 });
const config = { epochs: 1, batchSize: 32, workers: 1, seed: 5 };

/** Trains a small run, calls `use`, and removes all runs on these faces. */
async function withRun(use: (folder: string) => Promise<void> | void) {
  const folder = notebookRun("first", faces, config);
  try {
    await train({ faces, out: folder, config, model: buildMiniXception() });
    await use(folder);
  } finally {
    rmSync(dirname(folder), { recursive: true, force: true });
  }
}

/** What a live view prints outside of a kernel. */
async function printed(act: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (...values: unknown[]) => lines.push(values.join(" "));
  try {
    await act();
  } finally {
    console.log = log;
  }
  return lines;
}

Deno.test("a finished run is shown as it was, and says so; other settings need another name", () =>
  withRun(async (folder) => {
    const lines = await printed(async () => {
      const view = await showTraining(1, folder);
      await view.stop();
    });
    assert.match(lines.at(-1)!, /had already finished: epoch 1 of 1 done/);
    assert.doesNotMatch(lines.at(-1)!, /no data yet/);

    const resumed = await printed(async () => {
      const view = await showTraining(3, folder);
      await view.stop();
    });
    assert.match(resumed[0], /Resuming: epoch 1 of 3 done/);

    assert.equal(notebookRun("first", faces, config), folder);
    assert.throws(
      () => notebookRun("first", faces, { ...config, learningRate: 0.1 }),
      (error: Error) =>
        error instanceof NotebookRunError &&
        /learningRate = 0.004.*now has learningRate = 0.1.*change RUN = "first" to RUN = "first-2"/s
          .test(error.message),
    );
    cpSync(folder, notebookRun("copy", faces), { recursive: true });
    const chart = compareRuns(["first", "copy"], faces);
    for (const name of ["first", "copy"]) {
      assert.ok(chart.svg.includes(`>${name}</text>`), name);
    }
    assert.throws(
      () => readNotebookRun("none", faces),
      /There is no run "none".*The runs are: copy, first/,
    );
  }));

Deno.test("a name that cannot be a folder's is rejected before anything is created", () => {
  for (const name of ["", "a/b", "..", "a b"]) {
    assert.throws(() => notebookRun(name, faces), /cannot be the name/);
  }
  assert.ok(!existsSync(dirname(notebookRun("x", faces))));
});
