// Small files in FER-2013's forms for tests, made of random noise.
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { encodePng } from "mien/image/image.ts";
import { createRandom } from "mien/random.ts";

/** One face to write. */
export interface Row {
  label: number;
  usage: string;
  pixels: Uint8Array;
}

/** `count` faces of noise, with alternating labels and splits. */
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

/** icml_face_data.csv: column names with leading spaces, in another order. */
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

/** The pictures of Kaggle's image version; if `named`, their names give the split. */
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

/** All parts, one after another. */
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

/** A zip archive, made by another package than the reader's. The same files give the same bytes. */
export function toZip(files: [string, Uint8Array | string][]): Uint8Array {
  const contents = files.map(([name, content]) =>
    [name, typeof content === "string" ? toBytes(content) : content] as const
  );
  return zipSync(Object.fromEntries(contents), { mtime: new Date(2020, 0, 1) });
}
