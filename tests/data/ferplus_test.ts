// FER+'s votes: matched to faces row by row, as targets and as majorities. The rows are made here.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { drawFaces } from "mien/drawn/faces.ts";
import { DatasetError, selectSplit, SPLITS } from "mien/data/faces.ts";
import { blendedTargets, majorityFaces, readVotes } from "mien/data/ferplus.ts";
import { inFolder } from "../helpers/in_folder.ts";

const HEADER =
  "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear," +
  "contempt,unknown,NF";
/** The columns of angry, disgust, fear, happy, sad, surprise, neutral. */
const COLUMNS = [4, 5, 6, 1, 3, 2, 0];

/** The votes of a face: eight for its label, two unknown. */
function sureVotes(label: number): number[] {
  const votes = Array(10).fill(0);
  votes[COLUMNS[label]] = 8;
  votes[8] = 2;
  return votes;
}

const row = (split: number, votes: number[]) =>
  `${SPLITS[split]},x.png,${votes.join(",")}`;

async function withVotes(
  lines: string[],
  use: (file: string) => Promise<unknown>,
): Promise<void> {
  await inFolder(async (folder) => {
    const file = join(folder, "fer2013new.csv");
    writeFileSync(file, [HEADER, ...lines, ""].join("\n"));
    await use(file);
  });
}

const faces = drawFaces({ count: 70, seed: 5 });
const lines = Array.from(
  faces.splits,
  (split, i) => row(split, sureVotes(faces.labels[i])),
);

Deno.test("votes go to their faces, and splits that the faces lack are skipped", () =>
  withVotes(lines, async (file) => {
    const { votes } = await readVotes(faces, file);
    for (const [i, label] of faces.labels.entries()) {
      assert.deepEqual(
        [...votes!.subarray(10 * i, 10 * i + 10)],
        sureVotes(label),
      );
    }
    const only = selectSplit(await readVotes(faces, file), "PublicTest");
    const again = await readVotes(selectSplit(faces, "PublicTest"), file);
    assert.deepEqual(again.votes, only.votes);
  }));

Deno.test("targets are shares of the votes, and a face with too few votes keeps its label", () =>
  withVotes([
    row(faces.splits[0], [5, 0, 0, 3, 0, 0, 0, 1, 1, 0]),
    row(faces.splits[1], [1, 0, 1, 0, 0, 0, 0, 0, 0, 8]),
    ...lines.slice(2),
  ], async (file) => {
    const targets = blendedTargets(await readVotes(faces, file), 1);
    const first = [...targets.subarray(0, 7)];
    assert.deepEqual(first, [0, 0, 0, 0, 0.375, 0, 0.625]);
    assert.deepEqual([...targets.subarray(7, 14)].indexOf(1), faces.labels[1]);
    for (let i = 0; i < faces.length; i++) {
      const sum = targets.subarray(7 * i, 7 * i + 7).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - 1) < 1e-6);
    }
  }));

Deno.test("a majority needs five of ten, among the seven emotions", () =>
  withVotes([
    row(faces.splits[0], [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]), // a tie: the first column
    row(faces.splits[1], [4, 3, 3, 0, 0, 0, 0, 0, 0, 0]), // nobody has five
    row(faces.splits[2], [1, 0, 0, 0, 0, 0, 0, 6, 3, 0]), // contempt is not one of the seven
    ...lines.slice(3),
  ], async (file) => {
    const majority = majorityFaces(await readVotes(faces, file));
    assert.equal(majority.length, faces.length - 2);
    assert.equal(majority.labels[0], 6);
    assert.deepEqual([...majority.labels.subarray(1)], [
      ...faces.labels.subarray(3),
    ]);
    const pixels = faces.pixels.subarray(3 * 48 * 48, 4 * 48 * 48);
    assert.deepEqual(majority.pixels.subarray(48 * 48, 2 * 48 * 48), pixels);
  }));

Deno.test("a file that does not fit the faces is named with its row and reason", async () => {
  const swapped = [...lines];
  const other = faces.splits.findIndex((split) => split !== faces.splits[0]);
  [swapped[0], swapped[other]] = [swapped[other], swapped[0]];
  const bad: [string[], RegExp][] = [
    [lines.slice(1), /in the same order|has 699 rows/],
    [swapped, /row 1: .*not in the same order/],
    [["Training,x.png,1,2", ...lines], /row 1: needs 10 counts/],
    [
      ["Testing,x.png,0,0,0,0,0,0,0,0,0,10", ...lines],
      /row 1: Usage is "Testing"/,
    ],
    [
      [row(0, [11, 0, 0, 0, 0, 0, 0, 0, 0, 0]), ...lines],
      /counts from 0 to 10/,
    ],
  ];
  for (const [rows, message] of bad) {
    await withVotes(
      rows,
      (file) =>
        assert.rejects(readVotes(faces, file), (error: DatasetError) => {
          assert.ok(error instanceof DatasetError);
          assert.match(error.message, message);
          assert.equal(error.file, file);
          return true;
        }),
    );
  }
  const unordered = { ...faces, source: { ...faces.source, unordered: true } };
  await assert.rejects(
    readVotes(unordered, "votes.csv"),
    /pictures in folders/,
  );
  assert.throws(() => blendedTargets(faces, 1), /have no votes/);
});
