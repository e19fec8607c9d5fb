/**
 * What the bytes of a picture file say before anything is decoded: format, size, whether the data
 * is all there, and which decoder reads it correctly.
 *
 * No library does this: decoders treat damaged files differently and allocate before they check.
 * Here the whole container is checked first, at a cost that depends only on the size of the file.
 * Each format has its own file; `decode.ts` decodes.
 *
 * @module
 */
import { readBmpHeader } from "./bmp.ts";
import { explainSize } from "../box.ts";
import type { ImageHeader } from "./format.ts";
import { readGifHeader } from "./gif.ts";
import { isHeif, readHeifHeader } from "./heif.ts";
import { readJpegHeader } from "./jpeg.ts";
import { readPngHeader } from "./png.ts";
import { readTiffHeader } from "./tiff.ts";
import { readWebpHeader } from "./webp.ts";

const FORMATS: {
  starts: string[];
  read: (bytes: Uint8Array, view: DataView) => ImageHeader | string;
}[] = [
  { starts: ["\xff\xd8\xff"], read: readJpegHeader },
  { starts: ["\x89PNG\r\n\x1a\n"], read: readPngHeader },
  { starts: ["GIF87a", "GIF89a"], read: readGifHeader },
  { starts: ["II*\0", "MM\0*", "II+\0", "MM\0+"], read: readTiffHeader },
  { starts: ["BM"], read: readBmpHeader },
];

/**
 * Whether a file starts like a picture. BMP is left out, because it starts with only two letters.
 *
 * @param start the first 16 bytes or more
 */
export function looksLikeImage(start: Uint8Array): boolean {
  return findReader(start, ["BM"]) !== undefined;
}

function findReader(bytes: Uint8Array, without: string[] = []) {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") {
    return readWebpHeader;
  }
  if (isHeif(bytes)) return readHeifHeader;
  return FORMATS.find(({ starts }) =>
    starts.some((start) => !without.includes(start) && text.startsWith(start))
  )?.read;
}

/** Checks a picture file; on failure, returns the reason, to be shown after the file's name. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | string {
  if (bytes.length === 0) return "is empty";
  const read = findReader(bytes);
  if (!read) {
    return "is not a picture (supported: JPEG, PNG, BMP, GIF, TIFF, WebP, HEIC and AVIF)";
  }
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const header = read(bytes, view);
    return typeof header === "string" ? header : checkHeader(header, bytes);
  } catch (error) {
    if (error instanceof RangeError) return "is cut off within its header";
    throw error;
  }
}

function checkHeader(
  header: ImageHeader,
  bytes: Uint8Array,
): ImageHeader | string {
  const { format, width, height, complete } = header;
  return explainSize(width, height) ?? (complete ? header : (
    `is cut off: the ${format} data ends too early, after ${bytes.length} ` +
    "bytes; copy or download it again"
  ));
}
