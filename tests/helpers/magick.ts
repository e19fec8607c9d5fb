// Picture files of kinds that we do not write ourselves, made by ImageMagick.
import {
  ColorSpace,
  initializeImageMagick,
  MagickFormat,
  MagickImage,
  MagickReadSettings,
  type Orientation,
} from "@imagemagick/magick-wasm";
import type { ColorImage } from "mien/image/gray.ts";

let started: Promise<void> | undefined;

/** What to write. */
export interface Writing {
  /** As `magick -define` takes them, below the format's name: `{ "tile-geometry": "64x64" }`. */
  defines?: Record<string, string>;
  /** EXIF's number, 1 to 8. */
  orientation?: number;
  colorSpace?: "CMYK" | "Gray";
  /** Bits a sample. */
  depth?: number;
  /** ImageMagick's numbers: 1 none, 11 LZW, 12 run lengths, 13 zip. */
  compression?: number;
  /** Reduces to a palette of that many colours. */
  colors?: number;
}

/** A picture in one of ImageMagick's formats. */
export async function encodeWithMagick(
  { width, height, data }: ColorImage,
  format: string,
  { defines = {}, orientation, colorSpace, depth, compression, colors }:
    Writing = {},
): Promise<Uint8Array> {
  started ??= start();
  await started;
  const settings = new MagickReadSettings({
    ...{ format: MagickFormat.Rgba, width, height, depth: 8 },
  });
  const image = MagickImage.create(Uint8Array.from(data), settings);
  try {
    for (const [name, value] of Object.entries(defines)) {
      const owner = format.replace(/\d$/, "") as MagickFormat;
      image.settings.setDefine(owner, name, value);
    }
    if (orientation) image.orientation = orientation as Orientation;
    if (colorSpace) image.colorSpace = ColorSpace[colorSpace];
    if (depth) image.depth = depth;
    if (compression !== undefined) {
      image.settings.compression = compression as never;
    }
    if (colors) image.quantize({ colors } as never);
    return image.write(format as MagickFormat, (bytes) => bytes.slice());
  } finally {
    image.dispose();
  }
}

async function start(): Promise<void> {
  const name = "@imagemagick/magick-wasm/magick.wasm";
  await initializeImageMagick(
    await Deno.readFile(new URL(import.meta.resolve(name))),
  );
}
