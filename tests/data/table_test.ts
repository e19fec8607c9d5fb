// What tables and archives must not cost or lose; their content is tested in fer2013_test.ts.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCsvFaces } from "mien/data/table.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import {
  makeRows,
  toCsv,
  toPictures,
  toZip,
} from "../helpers/fer2013_fixtures.ts";

const rows = makeRows(42);

const read = (text: string, skipBadRows = false) =>
  readCsvFaces(
    async function* () {
      yield await Promise.resolve(Buffer.from(text));
    }(),
    "faces.csv",
    skipBadRows,
  );

Deno.test("memory follows the valid rows: a million empty lines take none", async () => {
  const text = toCsv(rows) + "\n".repeat(1e6);
  const before = Deno.memoryUsage().rss;
  assert.equal((await read(text)).length, rows.length);
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 200e6, `${Math.round(grown / 1e6)} MB`); // 2.3 GB, a face each
  await assert.rejects(read(`${text}x\n`), { reason: "empty row", row: 43 });
  await assert.rejects(read(`${text}x\n`, true), {
    reason: "more than 100,000 bad rows; this one: empty row",
  });
});

Deno.test("a picture whose folder's name is damaged is told", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "faces.zip");
    const pictures = toPictures(rows);
    const zip = toZip(pictures);
    const inDirectory = Buffer.from(zip).lastIndexOf("train/");
    zip[inDirectory] ^= 1;
    writeFileSync(path, zip);
    await assert.rejects(loadFaces(path), {
      name: "DatasetError",
      message: /two names for one file/,
    });
    writeFileSync(
      path,
      toZip([...pictures, ["a/happy/b.png", pictures[0][1]]]),
    );
    const { source, length } = await loadFaces(path);
    assert.equal(length, rows.length);
    assert.match(
      source.note!,
      /outside .* left out: 1, first a.happy.b.png/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
