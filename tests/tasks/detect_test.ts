// The command `deno task detect`, run as a person or a script would.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawScene } from "mien/drawn/scene.ts";
import { detectFaces } from "mien/haar/detector.ts";
import { encodePng, readImage } from "mien/image/image.ts";
import { projectRoot } from "../../tasks/setup.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";

const run = (...args: string[]) => runTask("detect", args);

Deno.test("detect prints what detectFaces finds, and only JSON", () =>
  inFolder(async (folder) => {
    const { image } = drawScene({ width: 320, height: 240, faces: 2, seed: 1 });
    const file = join(folder, "scene.png");
    const out = join(folder, "framed.png");
    writeFileSync(file, encodePng(image));
    const { status, stdout, stderr } = run(
      file,
      "--json",
      "--min-neighbors",
      "2",
      "--min-size",
      "40x40",
      "--out",
      out,
    );
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const found = await detectFaces(image, undefined, {
      minNeighbors: 2,
      minSize: { width: 40, height: 40 },
    });
    assert.ok(found.length > 0);
    assert.deepEqual(JSON.parse(stdout), {
      image: file,
      width: 320,
      height: 240,
      rects: found.map(({ x, y, width, height }) => [x, y, width, height]),
    });
    const framed = await readImage(out);
    const [{ x, y }] = found;
    const at = 4 * (y * 320 + x);
    assert.deepEqual([...framed.data.slice(at, at + 3)], [40, 220, 90]);

    const before = readFileSync(out);
    const again = run(file, "--out", out);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /already exists: --overwrite replaces it/);
    assert.deepEqual(readFileSync(out), before);
    for (const yes of ["--overwrite", "--force"]) {
      assert.equal(run(file, "--out", out, yes).status, 0, yes);
    }
  }));

Deno.test("detect reports an error in one line", () => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /an IMAGE is missing/],
    [["a.png"], 1, /a\.png: no such file/],
    [["a.png", "--scale-factor", "1.00001"], 2, /at least 1.001/],
    [["a.png", "--scale-factor", "1e9"], 2, /at most 1000/],
    [["a.png", "--cascade", projectRoot], 1, /is not a file/],
    [["a.png", "--out", "no/where.png"], 1, /its folder does not exist/],
    [
      ["a.png", "--min-size", "4"],
      2,
      /--min-size must be WxH, such as 40x40, not "4"/,
    ],
    [["a.png", "--cascade", join(projectRoot, "deno.json")], 1, /deno.json/],
    [["a.png", "--color"], 2, /--color/],
  ];
  for (const [args, status, message] of cases) {
    const result = run(...args);
    assert.equal(result.status, status, args.join(" "));
    assert.equal(result.stdout, "");
    assert.match(result.stderr, message);
    assert.equal(result.stderr.trim().split("\n").length, 1);
  }
});
