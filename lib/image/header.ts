/**
 * What the bytes of a picture file say before anything is decoded: format,
 * size, and whether the data is all there.
 *
 * Decoders differ in how they take cut-off files (some fill the rest with
 * gray), and allocate before they look. Checking first gives one answer for
 * all formats. Pixel data itself is not checked here.
 *
 * @module
 */

/** Format and size of a picture file, told from its bytes. */
export interface ImageHeader {
  readonly format: "JPEG" | "PNG" | "BMP" | "GIF" | "TIFF" | "WebP";
  readonly width: number;
  readonly height: number;
  /** False when the file ends before its picture does. */
  readonly complete: boolean;
}

/**
 * Reads format, size and completeness; on failure the reason, as words that
 * follow a file's name.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader | string {
  if (bytes.length === 0) return "is empty";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = (...signature: number[]) =>
    signature.every((byte, i) => bytes[i] === byte);
  try {
    if (starts(0xff, 0xd8, 0xff)) return jpeg(bytes, view);
    if (starts(0x89, 0x50, 0x4e, 0x47)) return png(view);
    if (starts(0x47, 0x49, 0x46, 0x38)) return gif(view);
    if (starts(0x42, 0x4d)) return bmp(view);
    if (starts(0x49, 0x49, 42, 0)) return tiff(view, true);
    if (starts(0x4d, 0x4d, 0, 42)) return tiff(view, false);
    if (starts(0x52, 0x49, 0x46, 0x46) && bytes[8] === 0x57) return webp(view);
  } catch (error) {
    if (error instanceof RangeError) return "is cut off within its header";
    throw error;
  }
  return "is not a picture (JPEG, PNG, BMP, GIF, TIFF and WebP are read)";
}

/** Markers up to the frame header, then scans up to the end marker. */
function jpeg(bytes: Uint8Array, view: DataView): ImageHeader | string {
  let width = -1, height = -1, at = 2;
  while (at < bytes.length) {
    if (bytes[at] !== 0xff) return "is not a sound JPEG: a marker is missing";
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xd9) break;
    const frame = marker >= 0xc0 && marker <= 0xcf &&
      marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) {
      height = view.getUint16(at + 5);
      width = view.getUint16(at + 7);
    }
    if (at + 4 > bytes.length) break;
    at += 2 + view.getUint16(at + 2);
    if (marker === 0xda) {
      // Coded data: 0xff is followed by 0 or by a restart marker (d0 to d7).
      while (
        at < bytes.length && !(bytes[at] === 0xff && bytes[at + 1] !== 0 &&
          (bytes[at + 1] & 0xf8) !== 0xd0)
      ) at++;
    }
  }
  if (width < 0) return "is cut off within its header";
  const complete = bytes[at] === 0xff && bytes[at + 1] === 0xd9;
  return { format: "JPEG", width, height, complete };
}

/** Chunks up to IEND. */
function png(view: DataView): ImageHeader {
  const width = view.getUint32(16), height = view.getUint32(20);
  let at = 8, complete = false;
  while (!complete && at + 12 <= view.byteLength) {
    complete = view.getUint32(at + 4) === 0x49454e44;
    at += 12 + view.getUint32(at);
  }
  complete &&= at <= view.byteLength;
  return { format: "PNG", width, height, complete };
}

/** Blocks up to the end of the first frame. */
function gif(view: DataView): ImageHeader {
  const width = view.getUint16(6, true), height = view.getUint16(8, true);
  const tableBytes = (flags: number) => flags & 0x80 ? 6 << (flags & 7) : 0;
  let at = 13 + tableBytes(view.getUint8(10)), complete = false;
  while (!complete && at < view.byteLength) {
    const kind = view.getUint8(at);
    if (kind === 0x21) at += 2;
    else if (kind === 0x2c && at + 9 < view.byteLength) {
      at += 11 + tableBytes(view.getUint8(at + 9));
    } else break;
    let length = 1;
    while (length > 0 && at < view.byteLength) {
      length = view.getUint8(at);
      at += 1 + length;
    }
    complete = kind === 0x2c && length === 0 && at <= view.byteLength;
  }
  return { format: "GIF", width, height, complete };
}

/** Uncompressed rows must be there in full; run-length data is not counted. */
function bmp(view: DataView): ImageHeader {
  const dataStart = view.getUint32(10, true);
  const old = view.getUint32(14, true) === 12;
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = Math.abs(
    old ? view.getUint16(20, true) : view.getInt32(22, true),
  );
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? 0 : view.getUint32(30, true);
  const plain = compression === 0 || compression === 3;
  const rowBytes = Math.ceil(width * bits / 32) * 4;
  const needed = dataStart + (plain ? rowBytes * height : 1);
  return {
    format: "BMP",
    width: Math.max(width, 0),
    height,
    complete: view.byteLength >= needed,
  };
}

/** The first page's directory: size, and where its strips or tiles end. */
function tiff(view: DataView, little: boolean): ImageHeader | string {
  const start = view.getUint32(4, little);
  if (start + 2 > view.byteLength) return "is cut off: its directory is gone";
  const tags = new Map<number, number[]>();
  for (let i = 0; i < view.getUint16(start, little); i++) {
    const entry = start + 2 + i * 12;
    const tag = view.getUint16(entry, little);
    if (![256, 257, 273, 279, 324, 325].includes(tag)) continue;
    const size = view.getUint16(entry + 2, little) === 3 ? 2 : 4;
    const count = view.getUint32(entry + 4, little);
    const at = count * size <= 4
      ? entry + 8
      : view.getUint32(entry + 8, little);
    tags.set(
      tag,
      Array.from(
        { length: count },
        (_, k) =>
          size === 2
            ? view.getUint16(at + k * 2, little)
            : view.getUint32(at + k * 4, little),
      ),
    );
  }
  const offsets = tags.get(273) ?? tags.get(324) ?? [];
  const counts = tags.get(279) ?? tags.get(325) ?? [];
  const end = Math.max(0, ...offsets.map((at, i) => at + (counts[i] ?? 0)));
  return {
    format: "TIFF",
    width: tags.get(256)?.[0] ?? 0,
    height: tags.get(257)?.[0] ?? 0,
    complete: end <= view.byteLength,
  };
}

/** The container's length, and the size from its first chunk. */
function webp(view: DataView): ImageHeader | string {
  const complete = 8 + view.getUint32(4, true) <= view.byteLength;
  const format = "WebP";
  const kind = view.getUint32(12);
  if (kind === 0x56503820) { // "VP8 "
    const width = view.getUint16(26, true) & 0x3fff;
    const height = view.getUint16(28, true) & 0x3fff;
    return { format, width, height, complete };
  }
  if (kind === 0x5650384c) { // "VP8L"
    const bits = view.getUint32(21, true);
    const width = (bits & 0x3fff) + 1, height = (bits >>> 14 & 0x3fff) + 1;
    return { format, width, height, complete };
  }
  if (kind === 0x56503858) { // "VP8X"
    const width = (view.getUint32(24, true) & 0xffffff) + 1;
    const height = (view.getUint32(26, true) >>> 8) + 1;
    return { format, width, height, complete };
  }
  return "is a WebP file of a kind that is not known";
}
