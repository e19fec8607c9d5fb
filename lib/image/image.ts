/**
 * Pictures: their types, reading them from files and writing PNG.
 *
 * JPEG (EXIF orientation applied), PNG, BMP, GIF (first frame), TIFF (first
 * page) and WebP become 8-bit RGBA. Colour profiles and animation are left
 * out; so is HEIC. Gray conversion is in `gray.ts`, cropping in `recognition/crop.ts`.
 *
 * @module
 */
import { MAX_PIXELS } from "./box.ts";
import type { ColorImage, GrayImage } from "./gray.ts";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
// @ts-types="@types/pngjs"
import { PNG } from "pngjs";
import { readImageHeader } from "./header.ts";
import { UserError } from "../user_error.ts";
import { FileError, writeWhole } from "../write_whole.ts";

/** A picture that cannot be used: names the file and says why. */
export class ImageError extends UserError {
  override readonly name = "ImageError";
  constructor(readonly file: string, readonly reason: string) {
    super(`${file}: ${reason}`);
  }
}

/** File name endings of the formats that `readImage` reads. */
export const IMAGE_EXTENSIONS = [
  ".jpg",
  ".jpeg",
  ".png",
  ".bmp",
  ".gif",
  ".tif",
  ".tiff",
  ".webp",
] as const;

/**
 * Reads a picture from a file, or from bytes already in memory.
 *
 * The format is told by the content, not by the name. Gray and palette
 * pictures are spread to RGBA, 16-bit samples are scaled to 8 bits. Alpha is
 * kept and has no influence on the colours, as in OpenCV.
 *
 * @param source a path, a `file:` URL, or the file's bytes
 * @param name the name for error messages when bytes are given
 * @throws {ImageError} file missing, not a picture, cut off, without pixels
 * or larger than 50 megapixels (told from the header, before decoding)
 *
 * @example
 * ```ts
 * import { encodePng, readImage } from "mien/image/image.ts";
 * const dot = { width: 1, height: 1, data: new Uint8Array([128]) };
 * const image = await readImage(encodePng(dot), "dot.png");
 * console.log(image.data); // [128, 128, 128, 255]
 * ```
 */
export async function readImage(
  source: string | URL | Uint8Array,
  name = "(bytes)",
): Promise<ColorImage> {
  const file = source instanceof Uint8Array ? name : String(source);
  const bytes = source instanceof Uint8Array
    ? source
    : await readBytes(source, file);
  const header = readImageHeader(bytes);
  if (typeof header === "string") throw new ImageError(file, header);
  const { format, width, height } = header;
  const pixels = width * height;
  if (pixels === 0) {
    throw new ImageError(file, `has no pixels (${width} x ${height})`);
  }
  if (pixels > MAX_PIXELS) {
    const millions = (pixels / 1e6).toFixed(1);
    throw new ImageError(
      file,
      `has ${millions} megapixels (${width} x ${height}), more than the ` +
        `${MAX_PIXELS / 1e6} that are read: make it smaller`,
    );
  }
  if (!header.complete) {
    throw new ImageError(
      file,
      `is cut off: the ${format} data ends too early, after ` +
        `${bytes.length} bytes; copy or download it again`,
    );
  }
  try {
    const bitmap = await decode(bytes, format);
    return {
      width: bitmap.width,
      height: bitmap.height,
      data: new Uint8ClampedArray(
        bitmap.data.buffer,
        bitmap.data.byteOffset,
        bitmap.width * bitmap.height * 4,
      ),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImageError(file, `cannot be decoded as ${format}: ${reason}`);
  }
}

async function readBytes(path: string | URL, file: string) {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const code = (error as { code?: string }).code;
    throw new ImageError(
      file,
      code === "ENOENT"
        ? "no such file"
        : code === "EISDIR"
        ? "is a folder, not a picture"
        : `cannot be read (${code ?? error})`,
    );
  }
}

/** Decodes with Jimp, which is loaded at the first picture: it takes 0.3 s. */
async function decode(bytes: Uint8Array, format: string): Promise<Bitmap> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "WebP") {
    const { default: webp } = await import("@jimp/wasm-webp");
    return await webp().decode(buffer);
  }
  const { Jimp } = await import("jimp");
  const { bitmap } = await Jimp.fromBuffer(buffer, {
    "image/jpeg": { maxMemoryUsageInMB: 4096, tolerantDecoding: false },
  });
  return bitmap;
}
interface Bitmap {
  width: number;
  height: number;
  data: { buffer: ArrayBufferLike; byteOffset: number };
}

/**
 * A picture as the bytes of a PNG file: gray stays gray, RGBA stays RGBA.
 *
 * @throws {RangeError} when `data` does not have the length its size asks for
 *
 * @example
 * ```ts
 * import { encodePng } from "mien/image/image.ts";
 * encodePng({ width: 2, height: 1, data: new Uint8Array([0, 255]) }).length;
 * ```
 */
export function encodePng(image: GrayImage | ColorImage): Uint8Array {
  const { width, height, data } = image;
  const channels = data.length / (width * height);
  if (channels !== 1 && channels !== 4) {
    throw new RangeError(
      `${width} x ${height} pixels with ${data.length} bytes are neither ` +
        "gray (1 byte a pixel) nor RGBA (4)",
    );
  }
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const colorType = channels === 1 ? 0 : 6; // The standard's: gray, RGBA.
  // pngjs' own strategy makes files of drawings twice as large as zlib's.
  const smaller = { filterType: 4, deflateLevel: 6, deflateStrategy: 0 };
  const colors = { colorType, inputColorType: colorType } as const;
  return PNG.sync.write(png, { ...smaller, ...colors });
}

/**
 * Writes a picture as a PNG file, whole or not at all.
 *
 * @throws {ImageError} when the file cannot be written
 */
// deno-lint-ignore require-await -- what goes wrong is a rejection
export async function writePng(
  path: string | URL,
  image: GrayImage | ColorImage,
): Promise<void> {
  const target = path instanceof URL ? fileURLToPath(path) : path;
  const bytes = encodePng(image);
  try {
    writeWhole(target, bytes);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ImageError(target, `cannot be written: ${error.reason}`);
  }
}
