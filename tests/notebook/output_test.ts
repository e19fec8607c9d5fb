import assert from "node:assert/strict";
import { join } from "node:path";
import pl from "nodejs-polars";
import { showTable } from "mien/notebook/show.ts";
import {
  lostOutputs,
  OUTPUTS_PER_RUN,
  runOutputs,
} from "../../tasks/outputs.ts";
import { withoutNetwork } from "../../tasks/report_pages.ts";
import {
  missingOutputs,
  type Notebook,
  runNotebook,
} from "../../tasks/run_notebook.ts";
import { findPython, setUp } from "../../tasks/setup.ts";

await setUp(["packages", "kernel"]);
const python = await findPython();
if (python === null) {
  console.log("skipped: no Jupyter here; deno task setup installs it");
}

/** A notebook of code cells. */
function notebookOf(...sources: string[]): Notebook {
  return {
    cells: sources.map((source) => ({
      cell_type: "code",
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    })),
    metadata: {
      kernelspec: {
        name: "deno",
        display_name: "Deno",
        language: "typescript",
      },
    },
    nbformat: 4,
    nbformat_minor: 4,
  };
}

async function withFolder(use: (folder: string) => Promise<void>) {
  const folder = Deno.makeTempDirSync({ prefix: "mien-notebook-test-" });
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test({
  name: "no output is lost in three headless runs of every kind of output",
  ignore: python === null,
  fn: () =>
    withFolder(async (folder) => {
      for (let run = 0; run < 3; run++) {
        assert.deepEqual(await runOutputs(python!, folder), []);
      }
    }),
});

Deno.test("a lost output is noticed", () => {
  const empty = notebookOf(...Array(12).fill("1"));
  assert.equal(lostOutputs(empty).length, OUTPUTS_PER_RUN);
});

Deno.test({
  name: "a failing cell is named with its error, the cells before it are run",
  ignore: python === null,
  fn: () =>
    withFolder(async (folder) => {
      const source = join(folder, "failing.ipynb");
      const output = join(folder, "executed.ipynb");
      const notebook = notebookOf(
        `console.log(1); await new Promise((done) => setTimeout(done, 50));`,
        `throw new RangeError("bad luck");`,
        `console.log(3);`,
      );
      Deno.writeTextFileSync(source, JSON.stringify(notebook));
      const events: string[] = [];
      const run = await runNotebook(python!, source, output, {
        onEvent: ({ event }) => events.push(event),
      });
      assert.equal(run.failure?.cell, 2);
      assert.equal(run.failure?.name, "RangeError");
      assert.match(run.failure!.message, /bad luck/);
      assert.equal(run.notebook.cells[0].outputs?.length, 1);
      assert.equal(run.notebook.cells[2].outputs?.length, 0);
      assert.deepEqual(events, [
        "start",
        "kernel",
        "cell",
        "cell_done",
        "cell",
        "error",
      ]);
    }),
});

Deno.test("a cell that shows twice but has one output is missing one", () => {
  const notebook = notebookOf(
    `await print("a");\nawait showHtml("<b>b</b>", "b");`,
    `const view = await showLive(chart);`,
    `const faces = await findFaces();`,
    `function show() {\n  return 1;\n}`,
  );
  notebook.cells[0].outputs = [{ output_type: "stream", text: ["a\n"] }];
  const missing = missingOutputs(notebook);
  assert.deepEqual(
    missing.map(({ cell, expected, found }) => [cell, expected, found]),
    [[1, 2, 1], [2, 1, 0]],
  );
});

Deno.test("printed lines that Jupyter joined still count one by one", () => {
  const notebook = notebookOf(`await print("a");\nawait print("b");`);
  notebook.cells[0].outputs = [{ output_type: "stream", text: "a\nb\n" }];
  assert.deepEqual(missingOutputs(notebook), []);
});

Deno.test("pages of the report load nothing from the network", () => {
  const html = `<script src="https://cdn.example/require.js"></script>` +
    `<link rel="stylesheet" href="https://cdn.example/a.css"><p>text</p>`;
  assert.equal(withoutNetwork(html), "<p>text</p>");
});

Deno.test("outside of a kernel, tables of objects and of polars are printed as text", async () => {
  const printed: unknown[] = [];
  const { log } = console;
  console.log = (...values: unknown[]) => printed.push(...values);
  try {
    const rows = [{ emotion: "a<b", faces: 7215, part: 0.123456 }];
    await showTable(rows, "Faces");
    await showTable(pl.DataFrame({ emotion: ["sad"], faces: [4830] }));
  } finally {
    console.log = log;
  }
  assert.deepEqual(printed, [
    "Faces\nemotion\tfaces\tpart\na<b\t7,215\t0.1235",
    "emotion\tfaces\nsad\t4,830",
  ]);
});
