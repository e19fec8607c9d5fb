// The three tasks from outside: exit status, what goes to which stream, and
// one bad file among good ones.
import assert from "node:assert/strict";
import { join } from "node:path";
import { saveModel } from "mien/model/saved_model.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { writePng } from "mien/image/image.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";

/** Runs a task's program and waits for it. */
async function task(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      join(import.meta.dirname!, `../../tasks/${name}.ts`),
      ...args,
    ],
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("classify reports and skips one bad file of a folder, and does the others", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const model = join(folder, "model"), pictures = join(folder, "pictures");
    await saveModel(buildMiniXception({ seed: 3 }), model);
    await Deno.mkdir(join(pictures, "more"), { recursive: true });
    const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 5 });
    await writePng(join(pictures, "a.png"), image);
    await writePng(join(pictures, "more", "b, c.png"), image);
    await Deno.writeTextFile(join(pictures, "bad.jpg"), "not a picture");
    await Deno.writeTextFile(join(pictures, "notes.txt"), "passed over");
    const table = join(folder, "faces.csv"), out = join(folder, "out");
    const args = [pictures, "--model", model, "--json", "--csv", table];
    const first = await task("classify", ...args, "--out", out);
    assert.equal(first.code, 1, first.stderr);
    assert.match(first.stderr, /bad\.jpg: is not a picture/);
    assert.match(first.stderr, /1 of 3 files could not be used/);
    assert.doesNotMatch(first.stderr, / at .*\.ts:\d+/);
    const results = JSON.parse(first.stdout);
    assert.equal(results.length, 3);
    const [a, bad, b] = results;
    assert.match(bad.error, /not a picture/);
    assert.equal(a.faces.length, 1);
    assert.deepEqual(a.faces, b.faces);
    const sum = Object.values<number>(a.faces[0].probabilities)
      .reduce((x, y) => x + y);
    assert(Math.abs(sum - 1) < 1e-3);
    const rows = (await Deno.readTextFile(table)).trim().split("\n");
    assert.equal(rows.length, 3);
    assert.equal(rows[0].split(",").length, 16);
    assert.match(rows[0], /,unsure$/);
    assert.match(rows[1], /,false$/, "this model has no threshold");
    assert.match(rows[2], /^".*b, c\.png",/);
    const written = [...Deno.readDirSync(join(out, "more"))].map((e) => e.name);
    assert.deepEqual(written, ["b, c.png.faces.png"]);
    const unsure = await task(
      ...["classify", join(pictures, "a.png"), "--model", model] as const,
      ...["--thorough", "--threshold", "1"],
    );
    assert.match(unsure.stdout, /a\.png: unsure: [a-z]+ \d+% at/);
    const again = await task("classify", ...args);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /exists already: --overwrite replaces it/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("wrong usage is said in a line, with exit status 2", async () => {
  for (
    const [name, ...args] of [
      ["classify"],
      ["classify", "--colour"],
      ["classify", "a.png", "--threshold", "2"],
      ["video"],
      ["video", "a.mp4", "--smoothing", "much"],
      ["video", "a.mp4", "--threshold", "sure"],
      ["webcam", "--port", "none"],
    ]
  ) {
    const { code, stdout, stderr } = await task(name, ...args);
    assert.equal(code, 2, `${name} ${args}`);
    assert.equal(stdout, "");
    assert.match(stderr, /^.*--help.*\)\n$/);
  }
});
