import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import pl from "nodejs-polars";
import { showTable } from "mien/notebook/show.ts";
import {
  lostOutputs,
  OUTPUTS_PER_RUN,
  runOutputs,
} from "../../tasks/outputs.ts";
import { notebookPage, withoutNetwork } from "../../tasks/report_pages.ts";
import {
  checkKernel,
  emptyCharts,
  missingOutputs,
  type Notebook,
  runNotebook,
} from "../../tasks/run_notebook.ts";
import { findPython, projectRoot, setUp } from "../../tasks/setup.ts";
import { inFolder } from "../helpers/in_folder.ts";

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

Deno.test({
  name: "no output is lost in three headless runs of every kind of output",
  ignore: python === null,
  fn: () =>
    inFolder(async (folder) => {
      for (let run = 0; run < 3; run++) {
        assert.deepEqual(await runOutputs(python!, folder), []);
      }
    }),
});

Deno.test("a lost output is noticed", () => {
  const empty = notebookOf(...Array(10).fill("1"));
  assert.equal(lostOutputs(empty).length, OUTPUTS_PER_RUN);
});

Deno.test({
  name:
    "a failing cell is named with its error, after the cells before it have run",
  ignore: python === null,
  fn: () =>
    inFolder(async (folder) => {
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

Deno.test("printed lines that Jupyter joined are still counted one by one", () => {
  const notebook = notebookOf(`await print("a");\nawait print("b");`);
  notebook.cells[0].outputs = [{ output_type: "stream", text: "a\nb\n" }];
  assert.deepEqual(missingOutputs(notebook), []);
});

Deno.test("the HTML pages load nothing from the network", () => {
  const html = `<script src="https://cdn.example/require.js"></script>` +
    `<link rel="stylesheet" href="https://cdn.example/a.css"><p>text</p>`;
  assert.equal(withoutNetwork(html), "<p>text</p>");
});

Deno.test("outside a kernel, tables of objects and of polars are printed as text", async () => {
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

Deno.test({
  name: "any cell runs, including a bare expression, and one that throws fails",
  ignore: python === null,
  fn: () =>
    inFolder(async (folder) => {
      await checkKernel(python!, folder);
      const source = join(folder, "bare.ipynb");
      const cells = ["1 + 1", '"text"', "({ a: [1] })", "null", "undefined"];
      cells.push("new Map([[1, 2]])", "10n", "() => 1", "new Error('x')");
      cells.push('Symbol("s")', "Promise.resolve(3)", "let unset; unset", "");
      Deno.writeTextFileSync(source, JSON.stringify(notebookOf(...cells)));
      const run = await runNotebook(python!, source, join(folder, "out.ipynb"));
      assert.equal(run.failure, undefined);
      assert.equal(run.notebook.cells[0].outputs?.length, 1);
    }),
});

Deno.test({
  name: "the kernel ends when the program that started it is killed",
  ignore: python === null || Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const source = join(folder, "endless.ipynb");
      const cell = "await new Promise((done) => setTimeout(done, 600_000));";
      Deno.writeTextFileSync(source, JSON.stringify(notebookOf(cell)));
      const program = `import { runNotebook } from ${
        JSON.stringify(new URL("../../tasks/run_notebook.ts", import.meta.url))
      };
        await runNotebook(${JSON.stringify(python)}, ${JSON.stringify(source)},
          ${JSON.stringify(join(folder, "out.ipynb"))},
          { onEvent: (event) => console.log(JSON.stringify(event)) });`;
      const parent = new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          "--no-check",
          `--config=${join(projectRoot, "deno.json")}`,
          program,
        ],
        stdout: "piped",
        stderr: "null",
        stdin: "null",
      }).spawn();
      let kernel = 0;
      let text = "";
      for await (
        const part of parent.stdout.pipeThrough(new TextDecoderStream())
      ) {
        text += part;
        kernel = Number(/"pid":(\d+)/.exec(text)?.[1] ?? 0);
        if (kernel > 0) break;
      }
      parent.kill("SIGKILL");
      await parent.status;
      assert.ok(kernel > 0, text);
      for (let tries = 0; isRunning(kernel); tries++) {
        assert.ok(tries < 100, `kernel ${kernel} still runs`);
        await new Promise((done) => setTimeout(done, 100));
      }
    }),
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a chart without data is noticed before a notebook is saved", () => {
  const notebook = notebookOf("1", "2");
  const show = (text: string) => [{
    output_type: "display_data",
    data: { "image/svg+xml": "<svg/>", "text/plain": text },
  }];
  notebook.cells[0].outputs = show("Loss: training ends at 0.4.");
  notebook.cells[1].outputs = show("Loss: no data yet. Accuracy: no data yet.");
  assert.deepEqual(emptyCharts(notebook), [2]);
});

Deno.test("a page has its neighbors at both ends, contents, and numbered captions", () => {
  const page = (name: string, title: string) => ({
    name,
    title,
    path: "",
    about: "",
    seconds: 1,
  });
  const html = notebookPage(
    page("03_model", "3. The model"),
    `<h1>3. The model</h1><h2 id="a">One &amp; two<a class="anchor-link" href="#a">¶</a></h2>` +
      `<figure><figcaption>A face</figcaption></figure><h2 id="b">Three</h2>` +
      `<table><caption style="x">Costs</caption></table>` +
      `<figure><figcaption>Edges</figcaption></figure>`,
    page("02_faces", "2. The faces"),
    page("04_training", "4. Training"),
  );
  assert.equal(html.match(/02_faces\.html/g)?.length, 2);
  assert.equal(html.match(/04_training\.html/g)?.length, 2);
  assert.ok(html.includes(`<li><a href="#a">One &amp; two</a></li>`));
  assert.ok(html.includes("<b>Figure 3.1</b> A face"));
  assert.ok(html.includes("<b>Figure 3.2</b> Edges"));
  assert.ok(html.includes("<b>Table 3.1</b> Costs"));
});
