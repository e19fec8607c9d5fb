// Decodes picture files with valid headers. Three decoders share the work:
//
// - Jimp reads 8-bit PNG and 24-bit BMP, correctly and without a compiled module.
// - mozjpeg (@jsquash/jpeg, 0.2 MB of WebAssembly) reads JPEG: 45 megapixels take a third of the
//   time and half the memory of Jimp's decoder, and the pixels match OpenCV's.
// - ImageMagick (@imagemagick/magick-wasm, 15 MB) reads what the others misread or do not support:
//   HEIC, AVIF, WebP, TIFF of all kinds, GIF, palette and run-length BMP, CMYK, EXIF in PNG. It
//   runs in WebAssembly, the same on all platforms and without native code, but takes half a
//   second to load and 3 times as long for a JPEG, hence the others.
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import type { IMagickImage } from "@imagemagick/magick-wasm";
import { explainSize, MAX_PIXELS, MAX_SIDE } from "./box.ts";
import type { ImageFormat, ImageHeader } from "./headers/format.ts";
import type { ColorImage } from "./gray.ts";

/**
 * Decodes a picture and applies its orientation. Nothing is written to standard output.
 *
 * @param bytes a file whose header was checked
 * @throws {Error} with the decoder's reason
 */
export async function decode(
  bytes: Uint8Array,
  header: ImageHeader,
): Promise<ColorImage> {
  const picture = header.picture ?? bytes;
  switch (header.decoder) {
    case "jpeg":
      return await decodeJpeg(picture);
    case "jimp":
      return await decodeWithJimp(picture);
    case "magick":
      return header.floats
        ? await decodeFloats(picture)
        : await decodeWithMagick(picture, header.format);
  }
}

async function decodeWithJimp(bytes: Uint8Array): Promise<ColorImage> {
  const { Jimp } = await import("jimp"); // takes 0.3 s
  const { buffer, byteOffset, length } = bytes;
  const { bitmap } = await Jimp.fromBuffer(
    Buffer.from(buffer, byteOffset, length) as Buffer<ArrayBuffer>,
  );
  const { width, height, data } = bitmap;
  return {
    width,
    height,
    data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length),
  };
}

/** What mozjpeg said about the picture being decoded. */
let complaints: string[] = [];
let mozjpeg: Promise<(bytes: Uint8Array) => Promise<ImageData>> | undefined;

async function loadMozjpeg() {
  const { default: decode, init } = await import("@jsquash/jpeg/decode.js");
  await init({
    wasmBinary: await readPackageFile(
      "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm",
    ),
    print: () => {},
    printErr: (line: string) => complaints.push(line),
  });
  return (bytes: Uint8Array) =>
    decode(bytes as unknown as ArrayBuffer, { preserveOrientation: true });
}

async function decodeJpeg(bytes: Uint8Array): Promise<ColorImage> {
  mozjpeg ??= loadMozjpeg();
  const decode = await mozjpeg;
  complaints = []; // decode() is synchronous, so these are about this picture
  let image: ImageData;
  try {
    image = await decode(bytes);
  } catch (error) {
    mozjpeg = undefined; // a decoder that failed is not used again
    throw new Error(complaints[0] ?? explain(error));
  }
  // Bytes between two segments are harmless; some cameras write them.
  const harm = complaints.find((line) => !line.includes("extraneous bytes"));
  if (harm?.includes("premature end")) {
    throw new Error("the data is cut off; copy or download it again");
  }
  if (harm) throw new Error(harm);
  return image;
}

let magick: Promise<typeof import("@imagemagick/magick-wasm")> | undefined;

async function loadMagick() {
  const magick = await import("@imagemagick/magick-wasm");
  await magick.initializeImageMagick(
    await readPackageFile("@imagemagick/magick-wasm/magick.wasm"),
  );
  const { ResourceLimits } = magick;
  ResourceLimits.width = ResourceLimits.height = BigInt(MAX_SIDE);
  ResourceLimits.area = BigInt(MAX_PIXELS);
  ResourceLimits.memory = BigInt(8 * MAX_PIXELS);
  ResourceLimits.maxMemoryRequest = BigInt(8 * MAX_PIXELS);
  ResourceLimits.disk = 0n;
  return magick;
}

/**
 * Floating-point samples range from 0 to 1, 255 or 65535, depending on the program that wrote them.
 * The smallest range that at least half of the samples fit is used.
 */
async function decodeFloats(bytes: Uint8Array): Promise<ColorImage> {
  let range = 1;
  for (const next of [255, 65535]) {
    const { data } = await decodeWithMagick(bytes, "TIFF", next);
    let beyond = 0; // above 1.5 times the previous range
    for (let i = 0; i < data.length; i++) {
      if (i % 4 !== 3 && data[i] >= 2) beyond++;
    }
    if (beyond <= data.length * 3 / 8) break;
    range = next;
  }
  return await decodeWithMagick(bytes, "TIFF", range);
}

async function decodeWithMagick(
  bytes: Uint8Array,
  format: ImageFormat,
  white?: number,
): Promise<ColorImage> {
  magick ??= loadMagick();
  const {
    ColorSpace,
    MagickError,
    MagickFormat,
    MagickImage,
    MagickReadSettings,
  } = await magick;
  const formats = {
    JPEG: MagickFormat.Jpeg,
    PNG: MagickFormat.Png,
    GIF: MagickFormat.Gif,
    BMP: MagickFormat.Bmp,
    TIFF: MagickFormat.Tiff,
    WebP: MagickFormat.WebP,
    HEIC: MagickFormat.Heic,
    AVIF: MagickFormat.Avif,
  };
  const settings = new MagickReadSettings({
    format: formats[format], // not guessed: ImageMagick knows 200 others
    frameIndex: 0,
    frameCount: 1,
  });
  if (white) settings.setDefine("quantum:maximum", String(white));
  const image = MagickImage.create();
  const warnings: string[] = [];
  try {
    image.onWarning = ({ error }) => void warnings.push(error.message);
    image.read(bytes, settings);
    const damage = warnings.find((warning) => DAMAGE.test(warning));
    if (damage) throw new Error(damage);
    const problem = explainSize(image.width, image.height);
    if (problem) throw new Error(problem);
    if (image.colorSpace === ColorSpace.CMYK) {
      image.colorSpace = ColorSpace.sRGB;
    }
    image.autoOrient();
    return pixelsOf(image);
  } catch (error) {
    if (!(error instanceof MagickError)) magick = undefined;
    throw new Error(explain(error).replace(/ `[^`']*' @ .*| @ \w+\/.*/, ""));
  } finally {
    if (magick) image.dispose();
  }
}

/** Warnings about missing or wrong pixels; other warnings are about tags and profiles. */
const DAMAGE =
  /corrupt|premature|truncat|not enough|insufficient|read error|fail|cannot|unable|missing|short/i;

function pixelsOf(image: IMagickImage): ColorImage {
  const { width, height } = image;
  const data = image.getPixels((pixels) =>
    pixels.toByteArray(0, 0, width, height, "RGBA")
  );
  if (data?.length !== width * height * 4) throw new Error("it has no pixels");
  return { width, height, data: new Uint8ClampedArray(data.buffer) };
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A file in an installed package, by its name in an import. */
async function readPackageFile(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(new URL(import.meta.resolve(name)));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
