import { runNotebook, missingOutputs } from "/work/wt/course/tasks/run_notebook.ts";
import { findPython } from "/work/wt/course/tasks/setup.ts";
const python = (await findPython())!;
for (const path of Deno.args) {
  const out = Deno.makeTempFileSync({suffix:".ipynb"});
  const run = await runNotebook(python, path, out);
  if (run.failure) { console.log(path, run.failure); continue; }
  const lost = missingOutputs(run.notebook); if (lost.length) { console.log(path, lost); continue; }
  for (const c of run.notebook.cells) delete c.metadata.execution;
  const text = JSON.stringify(run.notebook, null, 1)+"\n";
  console.log(path, run.seconds, "failed checks:", [...text.matchAll(/✗ Exercise [^ ]+/g)].map(m=>m[0]).join());
  Deno.writeTextFileSync(path, text);
}
