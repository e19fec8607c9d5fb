/**
 * Pictures: their types, reading them from files and writing PNG.
 *
 * JPEG, PNG, BMP, GIF, TIFF (first page), WebP, HEIC and AVIF become 8-bit RGBA with their
 * orientation applied; of an animation, the first frame is read. Color profiles are ignored. Gray
 * conversion is in `gray.ts`, cropping in `recognition/crop.ts`.
 *
 * @module
 */
import { decode } from "./decode.ts";
import type { ColorImage, GrayImage } from "./gray.ts";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
// @ts-types="@types/pngjs"
import { PNG } from "pngjs";
import { readImageHeader } from "./headers/header.ts";
import { UserError } from "../user_error.ts";
import { writeWhole } from "../write_whole.ts";

/** A picture that cannot be used: names the file and says why. */
export class ImageError extends UserError {
  override readonly name = "ImageError";
  constructor(readonly file: string, readonly reason: string) {
    super(`${file}: ${reason}`);
  }
}

/** File extensions of the formats that `readImage` reads. */
// deno-fmt-ignore
export const IMAGE_EXTENSIONS: readonly string[] = [
  ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif",
  ".tif", ".tiff", ".webp", ".heic", ".heif", ".avif",
];

/** More than any valid picture has: 50 megapixels of four 16-bit samples, with a margin. */
const MOST_BYTES = 500_000_000;

/**
 * Reads a picture from a file, or from bytes already in memory.
 *
 * The content determines the format, not the name. Gray and palette
 * pictures are expanded to RGBA; 16-bit samples are scaled to 8 bits. Alpha is
 * kept and does not affect the colors, as in OpenCV.
 *
 * @param source a path, a `file:` URL, or the file's bytes
 * @param name the name for error messages when bytes are given
 * @throws {ImageError} not a file (missing, a folder, a pipe), not a picture, cut off, damaged, of an
 * unsupported kind, without pixels, larger than 50 megapixels or longer than 32,767 pixels along a
 * side; most of this is detected before decoding
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
  try {
    return await decode(bytes, header);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ImageError(
      file,
      `cannot be decoded as ${header.format}: ${reason}`,
    );
  }
}

/** The bytes of a file that may be a picture; pipes and devices have no end and are not opened. */
async function readBytes(path: string | URL, file: string) {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new ImageError(file, "is a folder, not a picture");
    }
    if (!found.isFile()) {
      throw new ImageError(file, "is a pipe or a device, not a file");
    }
    if (found.size > MOST_BYTES) {
      const limit = `${MOST_BYTES / 1e6} MB`;
      throw new ImageError(file, `is larger than the limit of ${limit}`);
    }
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const { code } = error as { code?: string };
    const reasons: Record<string, string> = {
      ENOENT: "no such file",
      EACCES: "cannot be read: permission denied",
      ELOOP: "is a link that leads to itself",
    };
    throw new ImageError(
      file,
      reasons[code ?? ""] ?? `cannot be read (${code ?? error})`,
    );
  }
}

/**
 * A picture as the bytes of a PNG file: gray stays gray, RGBA stays RGBA.
 *
 * @throws {RangeError} when the length of `data` does not match the size
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
        "gray (1 byte per pixel) nor RGBA (4)",
    );
  }
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const colorType = channels === 1 ? 0 : 6; // The standard's: gray, RGBA.
  // With pngjs' default strategy, files of drawings are twice as large as with zlib's.
  const smaller = { filterType: 4, deflateLevel: 6, deflateStrategy: 0 };
  const colors = { colorType, inputColorType: colorType } as const;
  return PNG.sync.write(png, { ...smaller, ...colors });
}

/**
 * Writes a picture as a PNG file, completely or not at all.
 *
 * @throws {FileError} when the file cannot be written
 */
// deno-lint-ignore require-await -- errors become rejections
export async function writePng(
  path: string | URL,
  image: GrayImage | ColorImage,
): Promise<void> {
  const target = path instanceof URL ? fileURLToPath(path) : path;
  writeWhole(target, encodePng(image));
}
