// Small files in FER-2013's forms for the tests, made of random noise.
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { encodePng } from "mien/image/image.ts";
import { createRandom } from "mien/random.ts";

/** One face to write. */
export interface Row {
  label: number;
  usage: string;
  pixels: Uint8Array;
}

/** `count` faces of noise; labels and splits take turns. */
export function makeRows(count: number, seed = 1): Row[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    label: index % EMOTIONS.length,
    usage: ["Training", "PublicTest", "PrivateTest"][index % 3],
    pixels: Uint8Array.from(
      { length: FACE_PIXELS },
      () => Math.floor(random.next() * 256),
    ),
  }));
}

/** fer2013.csv */
export function toCsv(rows: Row[]): string {
  return "emotion,pixels,Usage\n" +
    rows.map(({ label, usage, pixels }) =>
      `${label},${pixels.join(" ")},${usage}\n`
    ).join("");
}

/** icml_face_data.csv: names with leading spaces, another order. */
export function toIcmlCsv(rows: Row[]): string {
  return "emotion, Usage, pixels\n" +
    rows.map(({ label, usage, pixels }) =>
      `${label},${usage},${pixels.join(" ")}\n`
    ).join("");
}

/** train.csv: two columns, the pixels in quotes. */
export function toTrainCsv(rows: Row[]): string {
  return "emotion,pixels\n" +
    rows.map(({ label, pixels }) => `${label},"${pixels.join(" ")}"\n`)
      .join("");
}

/** The pictures of Kaggle's image version; `named` tells the split. */
export function toPictures(rows: Row[], named = true): [string, Uint8Array][] {
  return rows.map(({ label, usage, pixels }, index) => {
    const half = usage === "Training" ? "train" : "test";
    const base = (named ? `${usage}_` : "") + `${1000 + index}.png`;
    const png = encodePng({ width: 48, height: 48, data: pixels });
    return [`${half}/${EMOTIONS[label]}/${base}`, png];
  });
}

/** The bytes of a text. */
export function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Gzipped bytes or text. */
export function toGzip(content: Uint8Array | string): Uint8Array {
  return new Uint8Array(gzipSync(content, { level: 1 }));
}

/** All parts in a row. */
export function concatenate(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Numbers of two or four bytes, the lowest byte first. */
function record(...fields: ["u16" | "u32", number][]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([type, value]) =>
      Array.from(
        { length: type === "u16" ? 2 : 4 },
        (_, byte) => (value >>> (8 * byte)) & 255,
      )
    ),
  );
}

/** A zip archive, written by the format's description, deflated. */
export function toZip(files: [string, Uint8Array | string][]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const bytes = typeof content === "string" ? toBytes(content) : content;
    const packed = new Uint8Array(deflateRawSync(bytes));
    const common = record( // from "version needed" to "extra field length"
      ["u16", 20],
      ["u16", 0],
      ["u16", 8],
      ["u32", 0],
      ["u32", crc32(bytes)],
      ["u32", packed.length],
      ["u32", bytes.length],
      ["u16", name.length],
      ["u16", 0],
    );
    const title = toBytes(name);
    const local = [record(["u32", 0x04034b50]), common, title, packed];
    directory.push(
      record(["u32", 0x02014b50], ["u16", 20]),
      common,
      record(["u16", 0], ["u16", 0], ["u16", 0], ["u32", 0], ["u32", offset]),
      title,
    );
    parts.push(...local);
    offset += concatenate(local).length;
  }
  const index = concatenate(directory);
  const tail = record(
    ["u32", 0x06054b50],
    ["u32", 0],
    ["u16", files.length],
    ["u16", files.length],
    ["u32", index.length],
    ["u32", offset],
    ["u16", 0],
  );
  return concatenate([...parts, index, tail]);
}
