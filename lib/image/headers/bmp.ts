// The container of a BMP file: its header, and whether all rows are there, run-length coded or not.
import type { ImageHeader } from "./format.ts";

/** The fields of the header. */
interface Bitmap {
  readonly headerBytes: number;
  readonly dataStart: number;
  readonly width: number;
  /** Without the sign, which gives the order of the rows. */
  readonly height: number;
  readonly bits: number;
  /** 0 none, 1 and 2 run lengths of 8 and 4 bits, 3 and 6 bit fields. */
  readonly compression: number;
}

const DEPTHS: Record<number, number[]> = {
  0: [1, 4, 8, 16, 24, 32],
  1: [8],
  2: [4],
  3: [16, 32],
  6: [16, 32],
};

/** Header, palette and rows. */
export function readBmpHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  const bitmap = readBitmap(view);
  if (typeof bitmap === "string") return bitmap;
  const { headerBytes, dataStart, width, height, bits, compression } = bitmap;
  const rowBytes = Math.ceil(width * bits / 32) * 4;
  const runs = compression === 1 || compression === 2;
  const complete = runs
    ? endsRuns(bytes, bitmap)
    : bytes.length >= dataStart + rowBytes * height;
  const usual = bits === 24 && headerBytes === 40;
  const decoder = usual ? "jimp" : "magick";
  // Encoders may set the two lengths in the header to 0 or wrong values, but the decoder needs them.
  const picture = bytes.slice();
  const fields = new DataView(picture.buffer);
  fields.setUint32(2, bytes.length, true);
  if (headerBytes >= 40) fields.setUint32(34, bytes.length - dataStart, true);
  return { format: "BMP", width, height, complete, decoder, picture };
}

function readBitmap(view: DataView): Bitmap | string {
  const dataStart = view.getUint32(10, true);
  const headerBytes = view.getUint32(14, true), old = headerBytes === 12;
  if (![12, 16, 40, 52, 56, 64, 108, 124].includes(headerBytes)) {
    return "is not a valid BMP: its header has an unknown length";
  }
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = headerBytes < 40 ? 0 : view.getUint32(30, true);
  if (!DEPTHS[compression]?.includes(bits)) {
    return `is a BMP of ${bits} bits with compression ${compression}, which is not supported`;
  }
  if (headerBytes === 64 && compression > 2) {
    return "is an OS/2 BMP with a compression that is not supported";
  }
  const height = Math.abs(signed);
  if (width < 0) return `has no pixels (${width} x ${height})`;
  if (signed < 0 && (compression === 1 || compression === 2)) {
    return "is not a valid BMP: run-length coding with top-down rows";
  }
  const colors = bits > 8 || headerBytes < 40 ? 0 : view.getUint32(46, true);
  const entry = old ? 3 : 4;
  const palette = bits > 8 ? 0 : entry * (colors || 1 << bits);
  // In the oldest kind, the palette is often shorter than the depth allows.
  const least = 14 + headerBytes + (old ? 0 : palette);
  if (colors > 1 << bits || dataStart < least || dataStart > view.byteLength) {
    return "is not a valid BMP: its palette and pixels overlap or are missing";
  }
  return { headerBytes, dataStart, width, height, bits, compression };
}

/** Whether run-length coded rows have their end mark or are all there. */
function endsRuns(bytes: Uint8Array, bitmap: Bitmap): boolean {
  const { width, height, compression } = bitmap;
  let at = bitmap.dataStart, x = 0, y = 0;
  while (at + 2 <= bytes.length) {
    const count = bytes[at], value = bytes[at + 1];
    at += 2;
    if (count > 0) x += count;
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) return true;
    else if (value === 2) {
      if (at + 2 > bytes.length) return false;
      x += bytes[at];
      y += bytes[at + 1];
      at += 2;
    } else {
      x += value;
      const size = compression === 1 ? value : Math.ceil(value / 2);
      at += size + (size & 1);
    }
    const last = y === height - 1 && x >= width;
    if (at <= bytes.length && (last || y >= height)) return true;
  }
  return false;
}
