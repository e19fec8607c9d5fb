// The container of a PNG file: its chunks, and whether all rows are there. Only the chunks that
// make up the picture are passed on; animation, text and anything after the end are left out.
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { explainSize } from "../box.ts";
import { type ImageHeader, nameAt } from "./format.ts";

/** Samples per pixel, and the allowed depths, for each color type. */
const COLOR_TYPES: Record<number, { samples: number; depths: number[] }> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

/** Adam7's passes: the first column and row, and the steps. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/** Chunks up to IEND; a picture that is cut off is not checked further. */
export function readPngHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  if (view.getUint32(8) !== 13 || nameAt(bytes, 12) !== "IHDR") {
    return "is not a valid PNG: it does not start with IHDR";
  }
  const width = view.getUint32(16), height = view.getUint32(20);
  const [depth, type, compression, filter, interlace] = bytes.subarray(24, 29);
  const color = COLOR_TYPES[type];
  const known = color?.depths.includes(depth) && compression === 0 &&
    filter === 0 && interlace <= 1;
  if (!known) return "is not a valid PNG: its header has unknown values";
  const parts = [bytes.subarray(0, 33)];
  const data: Uint8Array[] = [];
  let at = 33, complete = false, oriented = false, palette = 0;
  while (!complete && at + 12 <= bytes.length) {
    const name = nameAt(bytes, at + 4), length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) break;
    if (name === "IHDR") return "is not a valid PNG: it has two headers";
    if (name === "PLTE") {
      if (palette++ > 0 || length === 0 || length % 3 > 0 || length > 768) {
        return "is not a valid PNG: its palette is damaged";
      }
    }
    if (name === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length));
    oriented ||= name === "eXIf";
    complete = name === "IEND";
    if (["PLTE", "tRNS", "IDAT", "IEND", "eXIf"].includes(name)) {
      parts.push(bytes.subarray(at, end));
    }
    at = end;
  }
  const header = { format: "PNG", width, height } as const;
  if (!complete) return { ...header, complete, decoder: "jimp" };
  if (type === 3 && palette === 0) {
    return "is not a valid PNG: its palette is missing";
  }
  const tooLarge = explainSize(width, height);
  if (tooLarge) return tooLarge;
  const needed = rowBytes(width, height, color.samples * depth, interlace);
  const problem = checkRows(data, needed);
  if (problem) return problem;
  // Jimp ignores eXIf and needs 1.5 GB for 45 megapixels of 16 bits.
  const decoder = oriented || depth === 16 ? "magick" : "jimp";
  return { ...header, complete, decoder, picture: Buffer.concat(parts) };
}

/** The number of bytes in all rows, each with a byte for its filter. */
function rowBytes(
  width: number,
  height: number,
  bits: number,
  interlace: number,
): number {
  const passes = interlace ? PASSES : [[0, 0, 1, 1]];
  return passes.reduce((sum, [x, y, stepX, stepY]) => {
    const columns = Math.max(0, Math.ceil((width - x) / stepX));
    const rows = Math.max(0, Math.ceil((height - y) / stepY));
    return sum + (columns > 0 ? rows * (1 + Math.ceil(columns * bits / 8)) : 0);
  }, 0);
}

/** Decompresses the rows to check that they are complete, with nothing after them. */
function checkRows(data: Uint8Array[], needed: number): string | undefined {
  const packed = Buffer.concat(data);
  const missing = "is cut off: rows of the picture are missing; copy or " +
    "download it again";
  if (packed.length * 1032 < needed) return missing; // deflate's best
  try {
    const rows = inflateSync(packed, {
      maxOutputLength: needed,
      chunkSize: Math.min(Math.max(needed, 64), 1 << 24),
    });
    return rows.length < needed ? missing : undefined;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === "Z_BUF_ERROR") return missing;
    return code === "ERR_BUFFER_TOO_LARGE"
      ? "is not a valid PNG: it contains more data than its rows"
      : `cannot be decoded as PNG: its data is damaged (${message})`;
  }
}
