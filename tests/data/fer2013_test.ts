// Reading FER-2013 in all its forms, and refusing everything else. The
// reference for damaged tables is a second reader, written to be simple.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
  DatasetError,
  type Faces,
  selectSplit,
  SPLITS,
} from "mien/data/faces.ts";
import { describeFaces, findFaces } from "mien/drawn/find_faces.ts";
import { EMOTIONS } from "mien/emotions.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { encodePng } from "mien/image/image.ts";
import {
  concatenate,
  makeRows,
  type Row,
  toBytes,
  toCsv,
  toGzip,
  toIcmlCsv,
  toPictures,
  toTrainCsv,
  toZip,
} from "../helpers/fer2013_fixtures.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { shared } from "../helpers/shared.ts";

/** Loads a file of this content. */
async function load(content: Uint8Array | string, skipBadRows = false) {
  let faces: Faces;
  await inFolder(async (folder) => {
    const path = join(folder, "data");
    writeFileSync(path, content);
    try {
      faces = await loadFaces(path, { skipBadRows });
    } finally {
      // yauzl closes a file that is not an archive only after reporting it.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  return faces!;
}

/** Loads a file that must be refused. */
async function refuse(
  content: Uint8Array | string,
  reason: RegExp,
  row?: number,
) {
  await assert.rejects(load(content), (error) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.match(error.reason, reason);
    assert.equal(error.row, row);
    assert.match(error.message, /mien-test-/);
    return true;
  });
}

function assertRows(faces: Faces, rows: Row[]) {
  assert.equal(faces.length, rows.length);
  assert.deepEqual([...faces.labels], rows.map(({ label }) => label));
  assert.deepEqual(
    [...faces.splits].map((split) => SPLITS[split]),
    rows.map(({ usage }) => usage),
  );
  const pixels = concatenate(rows.map((row) => row.pixels));
  assert.ok(pixels.every((value, index) => value === faces.pixels[index]));
  assert.equal(faces.pixels.length, pixels.length);
}

const rows = makeRows(21);
const line = (pixels: string) => `emotion,pixels,Usage\n3,${pixels},Training\n`;
const face = rows[0].pixels.join(" ");

Deno.test("the three tables give the same faces and hash, plain, gzipped and zipped", async () => {
  const hashes = new Set<string>();
  for (const text of [toCsv(rows), toIcmlCsv(rows)]) {
    const files = [text, toGzip(text), toZip([["a/fer2013.csv", text]])];
    for (const content of files) {
      const faces = await load(content);
      assertRows(faces, rows);
      hashes.add(faces.source.hash);
      assert.equal(faces.source.note, undefined);
    }
  }
  assert.equal(hashes.size, 1);
});

Deno.test("train.csv has no splits: the last 20 % become PublicTest, as the note says", async () => {
  const faces = await load(toTrainCsv(rows));
  const expected = rows.map((row, index) => ({
    ...row,
    usage: index < 16 ? "Training" : "PublicTest", // floor(21 * 0.8) = 16
  }));
  assertRows(faces, expected);
  assert.match(faces.source.note!, /last 20 %/);
  assert.match(describeFaces(faces), /last 20 %/);
});

Deno.test("Windows line ends, a byte order mark or a missing last line break change nothing", async () => {
  const text = "\uFEFF" + toCsv(rows).replaceAll("\n", "\r\n").trimEnd();
  assertRows(await load(text), rows);
  assertRows(await load(toCsv(rows) + "\r\n\n"), rows);
});

Deno.test("more rows than one block of 8 MB are read in order", async () => {
  const many = makeRows(2500, 2);
  assertRows(await load(toGzip(toCsv(many))), many);
});

Deno.test("picture folders and their zip give the same faces", async () => {
  await inFolder(async (folder) => {
    const pictures = toPictures(rows);
    for (const [name, bytes] of pictures) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const sorted = SPLITS.flatMap((split) =>
      rows.filter(({ usage }) => usage === split)
    );
    const faces = await loadFaces(folder);
    assertRows(faces, sorted);
    assert.equal(faces.source.note, undefined);
    const zipped = await load(toZip(pictures));
    assert.equal(zipped.source.hash, faces.source.hash);
  });
});

Deno.test("pictures without a split in their names: test/ counts as PublicTest, as the note says", async () => {
  const faces = await load(toZip(toPictures(rows, false)));
  assert.deepEqual([...faces.splits], [
    ...Array(7).fill(0),
    ...Array(14).fill(1),
  ]);
  assert.match(faces.source.note!, /PublicTest and PrivateTest merged/);
});

Deno.test("bad tables name file, row and reason", async () => {
  await refuse("", /is empty/);
  await refuse("emotion,pixels,Usage\n", /no rows/);
  await refuse("a,b\n1,2\n", /wrong header "a,b"/);
  const utf16 = Uint16Array.from(
    [...`\ufeff${toCsv(rows).slice(0, 200)}`].map((c) => c.charCodeAt(0)),
  );
  await refuse(new Uint8Array(utf16.buffer), /UTF-16/);
  const tar = new Uint8Array(2048);
  tar.set(toBytes("fer2013.csv"));
  tar.set(toBytes("ustar"), 257);
  await refuse(toGzip(tar), /is a tar archive: unpack it/);
  await refuse(`pixels\n${face}\n`, /no column "emotion"/);
  await refuse(line("1 2 3"), /too short/, 1);
  await refuse(line(face + " 7"), /2305 pixels, expected 2304/, 1);
  await refuse(line(face.slice(0, -4)), /230\d pixels, expected 2304/, 1);
  await refuse(line(face.replace(/^\d+/, "256")), /pixel 1 is "256"/, 1);
  await refuse(line(face.replace(/\d+$/, "1.5")), /pixel 2304 is "1.5"/, 1);
  await refuse(line(face.replace(/^\d+/, "-1")), /pixel 1 is "-1"/, 1);
  await refuse(line(face.replace(" ", "  ")), /pixel 2 is ""/, 1);
  await refuse(line(`"${face}`), /an open quote/, 1);
  await refuse(line(face).replace("Training", "Test"), /Usage "Test"/, 1);
  await refuse(line(face).replace("Training\n", "Training,5\n"), /columns/, 1);
  await refuse(line(face).replace("Training\n", "Training,,5\n"), /columns/, 1);
  await refuse(
    new Uint8Array([...toBytes(toCsv(rows)), 0xa0]),
    /too short/,
    22,
  );
  const seven = toCsv(rows).replace(/\n6,/, "\n7,");
  await refuse(seven, /emotion "7" is not an integer from 0 to 6/, 7);
  await refuse(toCsv(rows).replace("\n", "\n\n"), /empty row/, 1);
  await refuse("emotion,pixels,Usage\n" + "1".repeat(9e6), /line break/, 1);
});

Deno.test("files that are cut off or hold no faces are refused", async () => {
  const gzip = toGzip(toCsv(rows));
  for (const size of [2, 10, 18, gzip.length >> 1, gzip.length - 1]) {
    await refuse(gzip.subarray(0, size), /cut off or damaged/);
  }
  const zip = toZip([["fer2013.csv", toCsv(rows)]]);
  await refuse(zip.subarray(0, zip.length >> 1), /zip archive is cut off/);
  await refuse(toZip([["notes.txt", "hello"]]), /contains neither/);
  await assert.rejects(loadFaces("/no/such/file.csv"), {
    name: "DatasetError",
    reason: "no such file or folder",
  });
  await inFolder((folder) =>
    assert.rejects(loadFaces(folder), /class folders missing/)
  );
});

Deno.test("bad pictures are refused with their names, or skipped and listed", async () => {
  const pictures = toPictures(rows);
  const last = pictures.length - 1; // PrivateTest_1020.png, the 21st of all
  const small = encodePng({ width: 2, height: 1, data: new Uint8Array(2) });
  const cases: [Uint8Array, RegExp][] = [
    [small, /2x1 pixels, expected 48x48/],
    [new TextEncoder().encode("<html>"), /./],
    [pictures[last][1].slice(0, 900), /./],
  ];
  for (const [bytes, reason] of cases) {
    const bad = pictures.with(last, [pictures[last][0], bytes]);
    await refuse(toZip(bad), reason);
    const faces = await load(toZip(bad), true);
    assert.equal(faces.length, 20);
    assert.equal(faces.source.skipped.length, 1);
    assert.match(faces.source.skipped[0].reason, /PrivateTest_1020/);
  }
  const without = pictures.filter(([name]) => !name.startsWith("test/sad"));
  await refuse(toZip(without), /class folders missing or empty: test\/sad$/);
  const other = pictures.with(0, ["train/joy/1.png", pictures[0][1]]);
  await refuse(toZip(other), /missing or empty: train\/angry, test\/joy$/);
});

Deno.test("skipBadRows leaves bad rows out, counts and lists them", async () => {
  const lines = toCsv(rows).split("\n");
  lines[3] = "9" + lines[3].slice(1);
  lines[5] = "";
  lines[8] = lines[8].replace(" ", " x");
  const faces = await load(lines.join("\n"), true);
  assertRows(faces, rows.filter((_, index) => ![2, 4, 7].includes(index)));
  assert.deepEqual(faces.source.skipped.map(({ row }) => row), [3, 5, 8]);
  assert.match(describeFaces(faces), /3 bad rows left out/);
});

Deno.test("selecting a split without rows is an error", async () => {
  const faces = await load(toCsv(rows.filter((r) => r.usage === "Training")));
  assert.equal(selectSplit(faces, "Training").length, 7);
  assert.throws(() => selectSplit(faces, "PrivateTest"), {
    name: "DatasetError",
    reason: "has no rows for the split PrivateTest, only 7 Training",
  });
});

Deno.test("findFaces takes the chosen file, and fails instead of drawing faces if it is bad", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "fer2013.csv"), toCsv(rows));
    assertRows(await findFaces(folder), rows);
    await assert.rejects(findFaces(join(folder, "other.csv")), DatasetError);
  });
});

/** A table's rows, read in a simple way; null if any is bad. */
function readPlainly(bytes: Uint8Array): Row[] | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
  const lines = text.split("\n");
  while (lines.length > 0 && lines.at(-1)!.trim() === "") lines.pop();
  const trim = (field: string) => field.trim().replace(/^"(.*)"$/, "$1").trim();
  const header = (lines.shift() ?? "").split(",")
    .map((name) => trim(name).toLowerCase());
  if (header.toSorted().join() !== "emotion,pixels,usage") return null;
  const result: Row[] = [];
  for (const text of lines) {
    const fields = text.split(",").map(trim);
    while (fields.length > 3 && fields.at(-1) === "") fields.pop();
    const [emotion, pixels, usage] = ["emotion", "pixels", "usage"]
      .map((name) => fields[header.indexOf(name)] ?? "");
    const values = pixels.split(" ");
    if (
      fields.length !== 3 || !/^[0-6]$/.test(emotion) ||
      !(SPLITS as readonly string[]).includes(usage) ||
      values.length !== 2304 ||
      !values.every((value) => /^\d+$/.test(value) && Number(value) < 256)
    ) return null;
    const label = Number(emotion);
    result.push({ label, usage, pixels: Uint8Array.from(values, Number) });
  }
  return result.length > 0 ? result : null;
}

/** Damages bytes: overwrites, inserts, removes or cuts. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom("set", "insert", "remove", "cut"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    near: fc.constantFrom(0, 1, 2),
    byte: fc.oneof(
      fc.constantFrom(...toBytes('0123456789 ,\n\r"-.+eT\0')),
      fc.integer({ min: 0, max: 255 }),
    ),
    count: fc.integer({ min: 1, max: 6000 }),
  }),
  { minLength: 1, maxLength: 3 },
);

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function applyDamage(bytes: Uint8Array, steps: Damage): Uint8Array {
  for (const { kind, at, near, byte, count } of steps) {
    // Also near the start and the end, where headers and checksums are.
    const place = Math.floor(
      near === 0
        ? at * bytes.length
        : near === 1
        ? at * Math.min(40, bytes.length)
        : bytes.length - at * Math.min(40, bytes.length),
    );
    const head = bytes.subarray(0, place);
    bytes = kind === "cut" ? head : concatenate([
      head,
      Uint8Array.from(kind === "remove" ? [] : [byte]),
      bytes.subarray(place + { set: 1, insert: 0, remove: count }[kind]),
    ]);
  }
  return bytes;
}

/** Loads damaged bytes: the expected rows, or a DatasetError, in time. */
async function checkDamaged(bytes: Uint8Array, expected: Row[] | null) {
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error("hangs")), 10_000);
  try {
    const faces = await Promise.race([load(bytes), timer.promise]);
    assert.ok(expected, "damage went unnoticed");
    assertRows(faces, expected);
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    assert.equal(expected, null, `refused good data: ${error.message}`);
  } finally {
    clearTimeout(timeout);
  }
}

const few = makeRows(7, 3);

Deno.test("a damaged table gives exactly its rows, or a DatasetError", async () => {
  const table = toBytes(toCsv(few));
  await fc.assert(
    fc.asyncProperty(damage, async (steps) => {
      const bytes = applyDamage(table, steps);
      await checkDamaged(bytes, readPlainly(bytes));
    }),
    { numRuns: 150 },
  );
});

for (
  const [name, packed] of [
    ["gzip", toGzip(toCsv(few))],
    ["zip", toZip([["fer2013.csv", toCsv(few)]])],
    ["zip of pictures", toZip(toPictures(makeRows(21)))],
  ] as const
) {
  Deno.test(`a damaged ${name} gives the true faces, or a DatasetError`, async () => {
    const truth = await load(packed);
    await fc.assert(
      fc.asyncProperty(damage, async (steps) => {
        try {
          const faces = await load(applyDamage(packed, steps));
          assert.equal(faces.source.hash, truth.source.hash);
        } catch (error) {
          assert.ok(error instanceof DatasetError, String(error));
        }
      }),
      { numRuns: name === "zip of pictures" ? 40 : 100 },
    );
  });
}

const realData = shared("fer2013/fer2013.csv.gz");

Deno.test(
  "the real FER-2013 has the published counts",
  { ignore: !realData },
  async () => {
    const faces = await loadFaces(realData!);
    const counts = EMOTIONS.map(() => 0);
    for (const label of selectSplit(faces, "Training").labels) counts[label]++;
    assert.deepEqual(counts, [3995, 436, 4097, 7215, 4830, 3171, 4965]);
    assert.equal(selectSplit(faces, "PublicTest").length, 3589);
    assert.match(
      describeFaces(faces),
      /^Data: FER-2013 from .*28,709 Training/,
    );
  },
);
