// Finding repeated faces: small cases worked out by hand, and the real data's
// counts as NumPy gives them (np.unique over rows).
import assert from "node:assert/strict";
import {
  auditFaces,
  findDuplicates,
  findNearDuplicates,
  standsInTraining,
} from "mien/data/audit.ts";
import { EMOTIONS } from "mien/emotions.ts";
import { type Faces, hashFaces } from "mien/data/faces.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { makeRows } from "../helpers/fer2013_fixtures.ts";
import { shared } from "../helpers/shared.ts";

/** Faces from [picture, label, split]; equal pictures have equal pixels. */
function makeFaces(
  rows: [picture: number, label: number, split: number][],
  change: (pixel: number, row: number) => number = (pixel) => pixel,
): Faces {
  const pictures = makeRows(10, 5).map(({ pixels }) => smooth(pixels));
  const parts = {
    pixels: Uint8Array.from(
      rows.flatMap(([picture], row) =>
        Array.from(pictures[picture], (pixel) => change(pixel, row))
      ),
    ),
    labels: Uint8Array.from(rows, ([, label]) => label),
    splits: Uint8Array.from(rows, ([, , split]) => split),
  };
  const source = { name: "test", hash: hashFaces(parts), skipped: [] };
  return { emotions: EMOTIONS, ...parts, length: rows.length, source };
}

/** Large patches instead of noise, between 60 and 123. */
function smooth(pixels: Uint8Array): Uint8Array {
  return pixels.map((_, i) => {
    const [x, y] = [i % 48, Math.floor(i / 48)];
    return 60 + (pixels[Math.floor(y / 6) * 8 + Math.floor(x / 6)] >> 2);
  });
}

Deno.test("standsInTraining tells which faces of a split are also in Training", () => {
  const faces = makeFaces([
    [0, 3, 1],
    [1, 2, 0],
    [2, 6, 1], // twice, but not in Training
    [2, 6, 2],
    [1, 5, 1], // the label does not matter
  ]);
  assert.deepEqual(standsInTraining(faces, "PublicTest"), [false, false, true]);
  assert.deepEqual(standsInTraining(faces, "PrivateTest"), [false]);
  assert.deepEqual(standsInTraining(faces, "Training"), [true]);
});

Deno.test("repeats, contradictions and the highest accuracy match a count by hand", () => {
  const audit = auditFaces(makeFaces([
    [0, 3, 0], // the same face five times: three labels, all three splits
    [0, 3, 0],
    [0, 4, 0],
    [0, 3, 1],
    [0, 5, 2],
    [1, 2, 0], // twice within Training, one label
    [1, 2, 0],
    [2, 6, 1], // alone
    [3, 1, 1], // twice within PublicTest, two labels
    [3, 0, 1],
  ]));
  assert.equal(audit.repeated, 6);
  assert.deepEqual(audit.groups, [[0, 1, 2, 3, 4], [5, 6], [8, 9]]);
  assert.equal(audit.acrossSplits, 1);
  assert.deepEqual(audit.contradicting, [[0, 1, 2, 3, 4], [8, 9]]);
  assert.deepEqual(audit.splits, [
    {
      blank: 0,
      split: "Training",
      faces: 5,
      repeated: 3,
      inTraining: 0,
      contradicted: 3,
      highestAccuracy: 1 - 1 / 5,
    },
    {
      blank: 0,
      split: "PublicTest",
      faces: 4,
      repeated: 1,
      inTraining: 1,
      contradicted: 3,
      highestAccuracy: 1 - 1 / 4,
    },
    {
      blank: 0,
      split: "PrivateTest",
      faces: 1,
      repeated: 0,
      inTraining: 1,
      contradicted: 1,
      highestAccuracy: 1,
    },
  ]);
});

Deno.test("a face of one gray value counts as blank", () => {
  const faces = makeFaces(
    [[0, 0, 0], [1, 0, 0]],
    (pixel, row) => row === 1 ? 9 : pixel,
  );
  assert.equal(auditFaces(faces).splits[0].blank, 1);
  assert.deepEqual(findNearDuplicates(faces), []);
});

Deno.test("faces that differ only in brightness and contrast are near duplicates", () => {
  const faces = makeFaces(
    [[0, 0, 0], [1, 0, 0], [0, 1, 1], [2, 0, 0], [1, 0, 0], [3, 0, 0]],
    (pixel, row) => row === 2 ? Math.round(pixel * 1.5 + 20) : pixel,
  );
  assert.deepEqual(findDuplicates(faces), [[1, 4]]);
  assert.deepEqual(findNearDuplicates(faces), [[0, 2]]);
});

const realData = shared("fer2013/fer2013.csv.gz");

Deno.test(
  "the real data repeats 1,532 of its 32,298 faces, 280 of PublicTest's in Training",
  { ignore: !realData },
  async () => {
    const audit = auditFaces(await loadFaces(realData!));
    const [training, publicTest] = audit.splits;
    assert.equal(audit.repeated, 1532);
    assert.equal(audit.contradicting.length, 47);
    assert.equal(training.repeated, 1236);
    assert.equal(publicTest.inTraining, 280);
  },
);
