// `deno task classify` from outside: its results, exit status and streams, with bad files among
// good ones and when stopped.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isForTfjs } from "mien/engine/engine.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import {
  loadRecognizer,
  loadTrained,
  recognize,
} from "mien/recognition/recognize.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { readImage, writePng } from "mien/image/image.ts";
import { annotate } from "mien/recognition/annotate.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask, taskProcess } from "../helpers/run_task.ts";
import { uncompiled } from "../helpers/untrained.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";

Deno.test("classify reports and skips a bad file in a folder, and classifies the others", () =>
  inFolder(async (folder) => {
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
    const first = runTask("classify", [...args, "--out", out]);
    assert.equal(first.status, 1, first.stderr);
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
    assert.match(rows[1], /,0$/, "this model has no threshold");
    assert.match(rows[2], /^".*b, c\.png",/);
    const written = [...Deno.readDirSync(join(out, "more"))].map((e) => e.name);
    assert.deepEqual(written, ["b, c.png.faces.png"]);
    // deno-fmt-ignore
    const unsure = runTask("classify", [
      join(pictures, "a.png"), "--model", model, "--thorough", "--threshold", "1",
    ]);
    assert.match(unsure.stdout, /a\.png: unsure,? [a-z ]+ \d+% at/);
    const again = runTask("classify", args);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /already exists?.*: --overwrite replaces/);
  }));

/** A folder with a model and pictures with one face each; `run` is given its path. */
async function withPictures(
  names: string[],
  run: (folder: string, classify: Classify) => void | Promise<void>,
) {
  await inFolder(async (folder) => {
    await saveModel(buildMiniXception({ seed: 3 }), join(folder, "model"));
    const { image } = drawScene({ width: 160, height: 120, faces: 1, seed: 5 });
    for (const name of names) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await writePng(join(folder, name), image);
    }
    await run(
      folder,
      (...args) => runTask("classify", [...args, "--model", "model"], folder),
    );
  });
}

type Classify = (...args: string[]) => ReturnType<typeof runTask>;

Deno.test("annotated pictures name a model's own classes", () =>
  inFolder(async (folder) => {
    const own = buildMiniXception({ classes: ["wink", "smile"], seed: 3 });
    const model = join(folder, "model"), file = join(folder, "a.png");
    await saveModel(own, model);
    const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 5 });
    await writePng(file, image);
    const args = [file, "--model", model, "--out", folder];
    const { status, stderr } = runTask("classify", args);
    assert.equal(status, 0, stderr);
    const picture = await readImage(file);
    const faces = await recognize(picture, await loadRecognizer(model));
    assert.equal(faces.length, 1);
    const wanted = annotate(picture, faces, ["wink", "smile"]);
    const written = await readImage(join(folder, "a.png.faces.png"));
    assert.equal(written.width, wanted.width);
    assert.ok(written.data.every((value, i) => value === wanted.data[i]));
  }));

Deno.test("pictures with the same name have separate results, and no result is lost", async () => {
  await withPictures(["a/face.png", "b/face.png"], (folder, classify) => {
    const first = classify("a", "b/face.png", "--out", "out");
    assert.equal(first.status, 0, first.stderr);
    for (const name of ["a", "b"]) {
      assert.ok(existsSync(join(folder, "out", name, "face.png.faces.png")));
    }
    const again = classify("a", "b/face.png", "--out", "out");
    assert.equal(again.status, 2);
    assert.match(again.stderr, /2 of the results already exist/);
  });
});

Deno.test("a network that only TensorFlow.js computes finds the same faces and probabilities as its compiled twin", async () => {
  await withPictures(["a.png"], async (folder, classify) => {
    const place = join(folder, "model");
    const twin = await loadRecognizer(place);
    const wanted = await recognize(join(folder, "a.png"), twin);
    await saveModel(uncompiled(await loadModel(place)), place);
    assert.ok(isForTfjs((await loadTrained(place)).graph));
    const { status, stdout, stderr } = classify("a.png", "--json");
    assert.equal(status, 0, stderr);
    const [{ faces }] = JSON.parse(stdout);
    assert.equal(faces.length, 1);
    const probabilities = Object.values<number>(faces[0].probabilities);
    // Written with four digits.
    probabilities.forEach((p, k) =>
      assert.ok(Math.abs(p - wanted[0].probabilities[k]) < 2e-4)
    );
  });
});

Deno.test("results in the input's folder are not read again, and what is left out is named", async () => {
  await withPictures(["in/a.png", "in/x.jfif"], async (folder, classify) => {
    const input = join(folder, "in");
    await Deno.copyFile(join(input, "a.png"), join(input, "no ending"));
    await Deno.writeTextFile(join(input, "notes.txt"), "x");
    await Deno.writeTextFile(join(input, "._a.png"), "x");
    if (Deno.build.os !== "windows") {
      await new Deno.Command("mkfifo", { args: [join(input, "p.png")] })
        .output();
      await Deno.symlink("nowhere", join(input, "dead.png"));
      await Deno.symlink("..", join(input, "up"));
    }
    const args = ["in", "--out", "in", "--json", "--overwrite"];
    classify(...args);
    const { stdout, stderr } = classify(...args);
    const files = JSON.parse(stdout).map(({ file }: { file: string }) =>
      file.replaceAll("\\", "/")
    );
    assert.deepEqual(files, ["in/a.png", "in/no ending", "in/x.jfif"]);
    assert.match(stderr, /left out: 3 \(a result of an earlier run\)/);
    assert.match(stderr, /\(not a picture\): in.\._a\.png, in.notes\.txt/);
    if (Deno.build.os !== "windows") {
      assert.match(stderr, /left out: 1 \(a pipe or a device\): in.p\.png/);
      assert.match(stderr, /dead\.png: is a broken link/);
      assert.match(stderr, /\(a folder that was already read\): in.up.in/);
    }
  });
});

Deno.test("targets are checked before any picture is read", async () => {
  await withPictures(["a.png", "is a file"], (folder, classify) => {
    const cases: [string[], RegExp][] = [
      [["--csv", "nowhere/x.csv"], /nowhere.x\.csv: its folder does not exist/],
      [["--csv", "model"], /model already exists/],
      [["--csv", "model", "--overwrite"], /model: is a folder or a device/],
      [["--out", "is a file"], /a file is where a folder is needed/],
      [["--resume"], /--resume continues the table that --csv names/],
    ];
    for (const [args, message] of cases) {
      const { status, stdout, stderr } = classify("a.png", ...args);
      assert.notEqual(status, 0);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    assert.deepEqual([...Deno.readDirSync(folder)].length, 3);
  });
});

Deno.test("a stopped run keeps its rows, and --resume completes the table", async () => {
  const names = ["a.png", "b.png", "c, d.png", "e\r.png"]
    .slice(0, Deno.build.os === "windows" ? 3 : 4);
  await withPictures(names.map((n) => `in/${n}`), async (folder, classify) => {
    const path = join(folder, "t.csv");
    assert.equal(classify("in", "--csv", "t.csv").status, 0);
    const whole = await Deno.readTextFile(path);
    for (const part of [0.97, 0.6, 0.3]) { // stopped in the middle of a row
      await Deno.writeTextFile(path, whole.slice(0, whole.length * part));
      const { status, stderr } = classify("in", "--csv", "t.csv", "--resume");
      assert.equal(status, 0, stderr);
      assert.equal(await Deno.readTextFile(path), whole, `${part}`);
    }
    const other = classify("model", "--csv", "t.csv", "--resume");
    assert.equal(other.status, 2);
    assert.match(other.stderr, /not among the pictures/);
  });
});

Deno.test({
  name: "Ctrl-C ends after the current picture, with complete rows and results",
  ignore: Deno.build.os === "windows", // has no such signal for a child
  fn: async () => {
    const names = Array.from({ length: 200 }, (_, i) => `in/${1000 + i}.png`);
    await withPictures(names, async (folder) => {
      // deno-fmt-ignore
      const args = ["in", "--csv", "t.csv", "--out", "out", "--model", "model"];
      const child = new Deno.Command(Deno.execPath(), {
        ...taskProcess("classify", args, folder),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      await reader.read(); // the first picture is done
      child.kill("SIGINT");
      while (!(await reader.read()).done);
      const { code } = await child.status;
      const stderr = await new Response(child.stderr).text();
      assert.equal(code, 130, stderr);
      assert.match(stderr, /stopped after \d+ of 200 pictures; --resume/);
      const done = Number(/stopped after (\d+)/.exec(stderr)![1]);
      const table = await Deno.readTextFile(join(folder, "t.csv"));
      assert.equal(table.trim().split("\n").length, done + 1);
      const results = [...Deno.readDirSync(join(folder, "out"))];
      assert.equal(results.length, done);
      assert.ok(results.every(({ name }) => name.endsWith(".faces.png")));
    });
  },
});
