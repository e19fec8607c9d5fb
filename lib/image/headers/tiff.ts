// The container of a TIFF file, classic or big: the directory of its first page, and whether its
// strips or tiles are there. Pixel types that decoders read differently are rejected by name.
import { explainSize, MAX_PIXELS, MAX_SIDE } from "../box.ts";
import type { ImageHeader } from "./format.ts";

// deno-fmt-ignore
const TYPE_BYTES: Record<number, number> = {
  1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8,
  11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
};

/** Decoded samples of a page, in bytes: 50 megapixels of four 16-bit samples. */
const MOST_BYTES = 8 * MAX_PIXELS;

/** Compression methods that the decoder supports. */
// deno-fmt-ignore
const COMPRESSIONS = [
  1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000, 50001,
];

/** Names of pixel types that are not supported. */
const REFUSED_COLORS: Record<number, string> = {
  8: "CIELab colors",
  9: "ICCLab colors",
  10: "ITULab colors",
  32803: "a camera's raw data",
  32844: "LogL values",
  32845: "LogLuv colors",
  34892: "a camera's raw data",
};

/** The values of the tags that are used. */
type Tags = Map<number, number[]>;

// deno-fmt-ignore
const WANTED = new Map(Object.entries({
  width: 256, height: 257, bits: 258, compression: 259, color: 262,
  offsets: 273, samples: 277, rows: 278, counts: 279, planes: 284,
  tileWidth: 322, tileHeight: 323, tileOffsets: 324, tileCounts: 325,
  sampleFormat: 339, inkSet: 332,
}));
const WANTED_TAGS = new Set(WANTED.values());

/** The first page's directory. */
export function readTiffHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  const little = bytes[0] === 0x49;
  const tags = readDirectory(view, little);
  if (typeof tags === "string") return tags;
  const values = (name: string) => tags.get(WANTED.get(name)!) ?? [];
  const value = (name: string, otherwise: number) =>
    values(name)[0] ?? otherwise;
  const width = value("width", 0), height = value("height", 0);
  const header = { format: "TIFF", width, height, decoder: "magick" } as const;
  const tooLarge = explainSize(width, height);
  if (tooLarge) return tooLarge;

  const samples = value("samples", 1), bits = value("bits", 1);
  const format = value("sampleFormat", 1),
    compression = value("compression", 1);
  const color = value("color", 1);
  const problem =
    explainPixels({ samples, bits, format, compression, color }) ??
      (values("bits").some((other) => other !== bits)
        ? "is a TIFF whose samples differ in depth, which is not supported"
        : values("sampleFormat").some((other) => other !== format)
        ? "is a TIFF whose samples differ in type, which is not supported"
        : value("inkSet", 1) !== 1
        ? "is a TIFF with inks other than CMYK, which is not supported"
        : undefined);
  if (problem) return problem;
  if (width * height * samples * bits / 8 > MOST_BYTES) {
    return `takes more than ${MOST_BYTES / 1e6} MB of samples: make it smaller`;
  }

  const tiled = tags.has(324);
  const tile = tiled
    ? { width: value("tileWidth", 0), height: value("tileHeight", 0) }
    : { width, height: Math.min(value("rows", height), height) };
  const { width: across, height: down } = tile;
  if (across * down === 0 || Math.max(across, down) > MAX_SIDE) {
    return "is not a valid TIFF: its tiles or strips have no size or a huge one";
  }
  const planes = value("planes", 1) === 2 ? samples : 1;
  const parts = Math.ceil(width / across) * Math.ceil(height / down) * planes;
  const offsets = values(tiled ? "tileOffsets" : "offsets");
  const counts = values(tiled ? "tileCounts" : "counts");
  const sampled = samples / planes * bits;
  const rowBytes = Math.ceil(across * sampled / 8);
  // If parts are compressed, one byte may stand for many, but there must be some.
  const packed = compression !== 1;
  let complete = offsets.length >= parts &&
    (counts.length >= parts || (parts === 1 && counts.length === 0));
  for (let i = 0; complete && i < parts; i++) {
    const last = !tiled && (i + 1) % (parts / planes) === 0;
    const rows = last ? height - (parts / planes - 1) * down : down;
    const count = counts[i] ?? rows * rowBytes;
    const enough = packed ? count > 0 : color === 6 || count >= rows * rowBytes;
    complete = enough && offsets[i] + count <= bytes.length;
  }
  return { ...header, complete, floats: format === 3 };
}

/** Why these pixels would not be read correctly; `undefined` if they would. */
function explainPixels(
  { samples, bits, format, compression, color }: Record<string, number>,
): string | undefined {
  const refused = REFUSED_COLORS[color];
  if (refused) return `is a TIFF of ${refused}, which is not supported`;
  if (!COMPRESSIONS.includes(compression)) {
    return `is a TIFF with compression ${compression}, which is not supported`;
  }
  if (format === 2) {
    return "is a TIFF of signed numbers, which is not supported";
  }
  if (format === 5 || format === 6) {
    return "is a TIFF of complex numbers, which is not supported";
  }
  const depths = format === 3 ? [16, 32, 64] : [1, 2, 4, 8, 16, 32];
  if (!depths.includes(bits)) {
    return `is a TIFF with ${bits} bits per sample, which is not supported`;
  }
  const least = ({ 2: 3, 5: 4, 6: 3 } as Record<number, number>)[color] ?? 1;
  if (samples < least || samples > 8) {
    return `is a TIFF with ${samples} samples per pixel, which is not supported`;
  }
}

/** The required tags of the first directory. Each occurs once, so the cost depends on the file's size. */
function readDirectory(view: DataView, little: boolean): Tags | string {
  const big = view.getUint16(2, little) === 43;
  const word = (at: number) =>
    big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const start = word(big ? 8 : 4);
  const head = big ? 8 : 2, size = big ? 20 : 12, inline = big ? 8 : 4;
  if (start + head > view.byteLength) {
    return "is cut off: its directory is missing";
  }
  const entries = big ? word(start) : view.getUint16(start, little);
  if (start + head + entries * size > view.byteLength) {
    return "is cut off: its directory ends too early";
  }
  const tags: Tags = new Map();
  const seen = new Set<number>();
  for (let i = 0; i < entries; i++) {
    const entry = start + head + i * size;
    const tag = view.getUint16(entry, little);
    if (seen.has(tag)) return `is not a valid TIFF: it has tag ${tag} twice`;
    seen.add(tag);
    if (!WANTED_TAGS.has(tag)) continue;
    const bytes = TYPE_BYTES[view.getUint16(entry + 2, little)];
    const count = word(entry + 4), place = entry + (big ? 12 : 8);
    const at = count * bytes <= inline ? place : word(place);
    if (!bytes || count > 1e6 || at + count * bytes > view.byteLength) {
      return `is not a valid TIFF: the values of tag ${tag} are missing`;
    }
    const read = (k: number) => {
      if (bytes === 1) return view.getUint8(at + k);
      if (bytes === 2) return view.getUint16(at + 2 * k, little);
      if (bytes === 4) return view.getUint32(at + 4 * k, little);
      return Number(view.getBigUint64(at + 8 * k, little));
    };
    tags.set(tag, Array.from({ length: count }, (_, k) => read(k)));
  }
  return tags;
}
