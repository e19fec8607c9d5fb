// Small files in FER-2013's forms for the tests, made of random noise.
import { crc32, deflateRawSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { EMOTIONS, FACE_PIXELS } from "mien/fer2013.ts";
import { encodePng } from "mien/image.ts";
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

/** A zip archive, written by the format's description, deflated. */
export function toZip(files: [string, Uint8Array | string][]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const bytes = Buffer.from(content as Uint8Array);
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26); // from "version needed" to "extra length"
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([
      Buffer.from("PK\x03\x04", "latin1"),
      common,
      Buffer.from(name),
      packed,
    ]);
    const end = Buffer.alloc(14); // comment length to the local header's offset
    end.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([
        Buffer.from("PK\x01\x02\x14\x00", "latin1"),
        common,
        end,
        Buffer.from(name),
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const tail = Buffer.alloc(22);
  tail.write("PK\x05\x06", "latin1");
  tail.writeUInt16LE(files.length, 8);
  tail.writeUInt16LE(files.length, 10);
  tail.writeUInt32LE(index.length, 12);
  tail.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, index, tail]);
}
