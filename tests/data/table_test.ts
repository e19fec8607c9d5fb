// Memory for tables, and damaged archives; reading them is tested in fer2013_test.ts.
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
import { inFolder } from "../helpers/in_folder.ts";

const rows = makeRows(42);

const read = (text: string, skipBadRows = false) =>
  readCsvFaces(
    async function* () {
      yield await Promise.resolve(Buffer.from(text));
    }(),
    "faces.csv",
    skipBadRows,
  );

Deno.test("memory grows with the valid rows, not with a million empty lines", async () => {
  const text = toCsv(rows) + "\n".repeat(1e6);
  const before = Deno.memoryUsage().rss;
  assert.equal((await read(text)).length, rows.length);
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 200e6, `${Math.round(grown / 1e6)} MB`); // at a face each, 2.3 GB
  await assert.rejects(read(`${text}x\n`), { reason: "empty row", row: 43 });
  await assert.rejects(read(`${text}x\n`, true), {
    reason: "more than 100,000 bad rows; this one: empty row",
  });
});

Deno.test("a damaged folder name is refused, and pictures outside are reported", () =>
  inFolder(async (folder) => {
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
  }));
