// Faces from folders of pictures: found, split by person or by seed, and what is left out.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadFaces } from "mien/data/fer2013.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { writePng } from "mien/image/image.ts";
import { readFaceFolders, writeFaces } from "mien/recognition/face_folders.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";

async function draw(file: string, seed: number, faces = 1): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const { image } = drawScene({ width: 320, height: 240, faces, seed });
  await writePng(file, image);
}

Deno.test("faces in any pictures are found, split by person, written and read back", () =>
  inFolder(async (folder) => {
    const pictures = join(folder, "pictures");
    let seed = 100;
    for (const emotion of ["wink", "smile"]) {
      for (const person of ["anna", "ben", "cleo", "dan"]) {
        for (const name of ["1.png", "2.png"]) {
          await draw(join(pictures, emotion, person, name), seed++);
        }
      }
    }
    await draw(join(pictures, "wink", "anna", "empty.png"), 1, 0);
    writeFileSync(join(pictures, "smile", "torn.png"), "no picture");
    writeFileSync(join(pictures, "smile", "notes.txt"), "passed over");
    const faces = await readFaceFolders(pictures, { seed: 1 });
    assert.deepEqual(faces.emotions, ["smile", "wink"]);
    const reasons = faces.source.skipped.map(({ reason }) => reason);
    const has = (text: RegExp) => reasons.some((reason) => text.test(reason));
    assert.ok(has(/torn\.png: /) && has(/empty\.png: no face found/));
    assert.ok(faces.length + reasons.length === 18 && faces.length >= 12);
    assert.match(faces.source.note!, /no person in two splits/);
    // Each split holds whole persons: 4 of them go 2, 1 and 1.
    for (const split of [1, 2]) {
      const count = faces.splits.filter((s) => s === split).length;
      assert.ok(count >= 1 && count <= 4, `${count} in split ${split}`);
    }
    const file = join(folder, "own.csv.gz");
    writeFaces(faces, file);
    const read = await loadFaces(file);
    assert.deepEqual(
      [read.emotions, read.labels, read.splits, read.pixels],
      [faces.emotions, faces.labels, faces.splits, faces.pixels],
    );
    const again = await readFaceFolders(pictures, { seed: 1 });
    assert.equal(again.source.hash, faces.source.hash);
  }));

Deno.test("a folder without classes and a repeated face are named", () =>
  inFolder(async (folder) => {
    await assert.rejects(
      readFaceFolders(folder, { seed: 1 }),
      /contains no folder with pictures: it needs one for each class/,
    );
    await assert.rejects(
      readFaceFolders(join(folder, "none"), { seed: 1 }),
      /none: cannot be read as a folder/,
    );
    await draw(join(folder, "a", "1.png"), 100);
    await draw(join(folder, "b", "1.png"), 100);
    await assert.rejects(
      readFaceFolders(folder, { seed: 1 }),
      /1 of 2 pictures have a usable face.*: at least two classes are needed \(.*the same face as/,
    );
  }));

Deno.test("deno task data --from FOLDER --faces writes what can be trained on, and overwrites nothing unasked", () =>
  inFolder(async (folder) => {
    let seed = 100;
    for (const emotion of ["wink", "smile"]) {
      for (let i = 0; i < 6; i++) {
        await draw(join(folder, "mine", emotion, `${i}.png`), seed++);
      }
    }
    writeFileSync(join(folder, "mine", "smile", "torn.png"), "no picture");
    const options = "--from mine --faces --out own.csv.gz".split(" ");
    const data = (...more: string[]) => {
      const { status, stdout, stderr } = runTask(
        "data",
        [...options, ...more],
        folder,
      );
      return { code: status, said: stdout + stderr };
    };
    const first = data("--seed", "3");
    assert.equal(first.code, 0, first.said);
    assert.match(first.said, /left out: .*torn\.png/);
    assert.match(first.said, /Faces per class, .*: smile \d.*, wink \d/);
    assert.match(first.said, /use it with --data .*own\.csv\.gz/);
    const written = await loadFaces(join(folder, "own.csv.gz"));
    const faces = await readFaceFolders(join(folder, "mine"), { seed: 3 });
    assert.deepEqual(written.pixels, faces.pixels);
    assert.deepEqual(written.splits, faces.splits);
    assert.deepEqual(written.emotions, ["smile", "wink"]);
    writeFileSync(join(folder, "own.csv.gz"), "mine");
    const again = data();
    assert.equal(again.code, 2);
    assert.match(again.said, /own\.csv\.gz already exists: --overwrite/);
  }));
