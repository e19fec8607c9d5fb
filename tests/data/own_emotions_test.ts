// Your own classes: names from tables, folders and mappings, and what is refused.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatasetError, type Faces } from "mien/data/faces.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { mapEmotions } from "mien/data/map_emotions.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { colorsOf, EMOTIONS } from "mien/emotions.ts";
import { encodePng } from "mien/image/image.ts";
import { inFolder } from "../helpers/in_folder.ts";

const row = (emotion: string, gray: number, usage = "Training") =>
  `${emotion},${Array(2304).fill(gray).join(" ")},${usage}`;
const table = (rows: string[]) =>
  ["emotion,pixels,Usage", ...rows, ""].join("\n");

const shown = ({ emotions, labels, pixels }: Faces) =>
  Array.from(labels, (label, i) => [emotions[label], pixels[i * 2304]]);

Deno.test("a table with names in the emotion column has these classes, in alphabetical order", () =>
  inFolder(async (folder) => {
    const file = join(folder, "own.csv");
    const load = (rows: string[], emotions?: string[]) => {
      writeFileSync(file, table(rows));
      return loadFaces(file, { emotions });
    };
    const rows = [row("wink", 1), row("smile", 2), row("wink", 3)];
    const faces = await load(rows);
    assert.deepEqual(faces.emotions, ["smile", "wink"]);
    assert.deepEqual(shown(faces), [["wink", 1], ["smile", 2], ["wink", 3]]);
    assert.equal(faces.source.name, "faces of 2 classes");
    assert.deepEqual((await load(rows, ["wink", "smile"])).emotions, [
      "wink",
      "smile",
    ]);
    const some = await load([row("sad", 1), row("happy", 2)]);
    assert.deepEqual(some.emotions, ["happy", "sad"], "FER-2013's order");
    const all = await load(EMOTIONS.toReversed().map((name) => row(name, 0)));
    assert.equal(all.emotions, EMOTIONS);
    const eight = [...EMOTIONS, "wink"].map((name) => row(name, 0));
    assert.equal((await load(eight)).emotions[7], "wink");
    assert.equal((await load(eight)).emotions[1], "disgust");
    const numbers = await load([row("1", 1), row("0", 2)], ["open", "shut"]);
    assert.deepEqual(shown(numbers), [["shut", 1], ["open", 2]]);
    await assert.rejects(load([row("smile", 1), row("3", 2)]), {
      row: 2,
      reason: 'emotion "3" is not a name, as in the rows before',
    });
    await assert.rejects(
      load([row("2", 1)], ["open", "shut"]),
      /emotion "2" is not an integer from 0 to 1/,
    );
    await assert.rejects(load(rows, ["wink", "frown"]), /"smile" is not one/);
    await assert.rejects(load([row("wink", 1)]), /at least two classes/);
  }));

Deno.test("picture folders may have any names", () =>
  inFolder(async (folder) => {
    for (const half of ["train", "test"]) {
      for (const [k, name] of ["yawn", "calm"].entries()) {
        const file = join(folder, half, name, "1.png");
        mkdirSync(dirname(file), { recursive: true });
        const data = new Uint8Array(2304).fill(k + 1);
        writeFileSync(file, encodePng({ width: 48, height: 48, data }));
      }
    }
    const faces = await loadFaces(folder);
    assert.deepEqual(faces.emotions, ["calm", "yawn"]);
    assert.deepEqual(shown(faces).sort(), [
      ["calm", 2],
      ["calm", 2],
      ["yawn", 1],
      ["yawn", 1],
    ]);
    const declared = await loadFaces(folder, { emotions: ["yawn", "calm"] });
    assert.deepEqual(declared.emotions, ["yawn", "calm"]);
    rmSync(join(folder, "test", "calm"), { recursive: true });
    await assert.rejects(loadFaces(folder), /missing or empty: test\/calm/);
  }));

Deno.test("mapEmotions makes other classes of the same faces", () => {
  const faces = drawFaces({ count: 70, seed: 1 });
  const happy = mapEmotions(faces, { other: ["..."], happy: ["happy"] });
  assert.deepEqual(happy.emotions, ["other", "happy"]);
  assert.equal(happy.length, 70);
  faces.labels.forEach((label, i) =>
    assert.equal(happy.labels[i], Number(EMOTIONS[label] === "happy"))
  );
  const two = mapEmotions(faces, { up: ["happy", "surprise"], down: ["sad"] });
  assert.equal(two.length, 30);
  assert.notEqual(two.source.hash, faces.source.hash);
  const refuse = (classes: Record<string, string[]>, reason: RegExp) =>
    assert.throws(
      () => mapEmotions(faces, classes),
      (error) => error instanceof DatasetError && reason.test(error.message),
    );
  refuse({ a: ["joy"], b: ["..."] }, /no class "joy"; the classes are angry/);
  refuse({ a: ["sad"], b: ["sad"] }, /"sad" is in two/);
  refuse({ a: ["sad"] }, /at least two classes/);
});

Deno.test("the seven emotions keep their colors, and other classes get different ones", () => {
  const own = colorsOf(EMOTIONS);
  assert.deepEqual(colorsOf(EMOTIONS.toReversed()), own.toReversed());
  const colors = colorsOf(["a", "happy", "b", "c", "d", "e", "f", "g", "h"]);
  assert.equal(colors[1], own[3]);
  assert.equal(new Set([...colors, ...own]).size, 7 + 8);
});
