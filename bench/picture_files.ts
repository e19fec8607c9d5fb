// Picture files in formats that this project only reads, made by ImageMagick, and the matrix of
// kinds that the tests and `deno task compare-decoders` read.
import {
  ColorSpace,
  ColorType,
  CompressionMethod,
  DitherMethod,
  type IMagickImage,
  initializeImageMagick,
  Interlace,
  MagickFormat,
  MagickImage,
  MagickImageCollection,
  MagickReadSettings,
  type Orientation,
  QuantizeSettings,
} from "@imagemagick/magick-wasm";
import type { ColorImage } from "../lib/image/gray.ts";

let started: Promise<void> | undefined;

/**
 * A picture in one of ImageMagick's formats.
 *
 * @param prepare changes the picture, or how it is written
 * @param frames the number of frames or pages; all but the first are black
 */
export async function encodeWithMagick(
  { width, height, data }: ColorImage,
  format: string,
  prepare: (picture: IMagickImage) => void = () => {},
  frames = 1,
): Promise<Uint8Array> {
  started ??= start();
  await started;
  const settings = new MagickReadSettings({
    format: MagickFormat.Rgba,
    width,
    height,
    depth: 8,
  });
  const pictures = MagickImageCollection.create();
  try {
    for (let i = 0; i < frames; i++) {
      const pixels = i === 0
        ? Uint8Array.from(data)
        : data.map((_, at) => at % 4 === 3 ? 255 : 0);
      const picture = MagickImage.create(Uint8Array.from(pixels), settings);
      prepare(picture);
      pictures.push(picture);
    }
    const copy = (bytes: Uint8Array) => bytes.slice();
    return frames === 1
      ? pictures[0].write(format as MagickFormat, copy)
      : pictures.write(format as MagickFormat, copy);
  } finally {
    pictures.dispose();
  }
}

async function start(): Promise<void> {
  const name = "@imagemagick/magick-wasm/magick.wasm";
  await initializeImageMagick(
    await Deno.readFile(new URL(import.meta.resolve(name))),
  );
}

/** An EXIF block with an orientation. */
export function exif(orientation: number): Uint8Array {
  // deno-fmt-ignore
  return Uint8Array.of(
    0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1,
    0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
  );
}

/** A kind of picture file. */
export interface Kind {
  readonly name: string;
  readonly format: string;
  readonly prepare?: (picture: IMagickImage) => void;
  readonly frames?: number;
  /** OpenCV 4.6 does not read it, or reads it incorrectly: compare with the source instead. */
  readonly alone?: boolean;
}

const define =
  (format: string, name: string, value: string) => (picture: IMagickImage) =>
    picture.settings.setDefine(format as MagickFormat, name, value);
const together =
  (...changes: ((picture: IMagickImage) => void)[]) =>
  (picture: IMagickImage) => changes.forEach((change) => change(picture));
const type = (name: keyof typeof ColorType) => (picture: IMagickImage) => {
  picture.colorType = ColorType[name];
};
const gray = (picture: IMagickImage) => {
  picture.colorSpace = ColorSpace.Gray;
};
const cmyk = (picture: IMagickImage) => {
  picture.colorSpace = ColorSpace.CMYK;
};
const depth = (bits: number) => (picture: IMagickImage) => {
  picture.depth = bits;
};
const packed =
  (name: keyof typeof CompressionMethod) => (picture: IMagickImage) => {
    picture.settings.compression = CompressionMethod[name];
  };
const interlaced =
  (name: keyof typeof Interlace) => (picture: IMagickImage) => {
    picture.settings.interlace = Interlace[name];
  };
const colors = (count: number) => (picture: IMagickImage) => {
  const settings = new QuantizeSettings();
  settings.colors = count;
  settings.ditherMethod = DitherMethod.No;
  picture.quantize(settings);
  picture.colorType = ColorType.Palette;
};
const turned = (orientation: number) => (picture: IMagickImage) => {
  picture.orientation = orientation as Orientation;
};
const withExif = (orientation: number) => (picture: IMagickImage) => {
  turned(orientation)(picture);
  picture.setProfile("exif", exif(orientation));
};
const TURNS = [2, 3, 4, 5, 6, 7, 8];

/** Kinds by format; a name says what is special about a kind. */
export const KINDS: readonly Kind[] = [
  ...kinds("JPEG", {
    plain: () => {},
    "4:4:4": define("JPEG", "sampling-factor", "4:4:4"),
    "4:2:2": define("JPEG", "sampling-factor", "4:2:2"),
    "4:1:1": define("JPEG", "sampling-factor", "4:1:1"),
    progressive: interlaced("Jpeg"),
    arithmetic: define("JPEG", "arithmetic-coding", "on"),
    gray,
    CMYK: cmyk,
    ...turns("JPEG"),
  }),
  ...kinds("PNG", {
    RGB: type("TrueColor"),
    RGBA: type("TrueColorAlpha"),
    gray: together(gray, type("Grayscale")),
    "gray, 4 bits": together(gray, colors(16), type("Grayscale"), depth(4)),
    "gray and alpha": together(gray, type("GrayscaleAlpha")),
    "1 bit": type("Bilevel"),
    "2-bit palette": colors(4),
    "4-bit palette": colors(16),
    "8-bit palette": colors(200),
    "16 bits": together(type("TrueColor"), define("PNG", "bit-depth", "16")),
    interlaced: interlaced("Png"),
    "interlaced palette": together(colors(16), interlaced("Png")),
    ...turns("PNG"),
  }),
  ...kinds("BMP3", {
    "24 bits": type("TrueColor"),
    "32 bits": type("TrueColorAlpha"),
    "8 bits": together(colors(200), packed("NoCompression")),
    "4 bits": together(colors(16), packed("NoCompression")),
    "1 bit": together(type("Bilevel"), packed("NoCompression")),
    "16 bits, 565": define("BMP", "subtype", "RGB565"),
    "16 bits, 555": define("BMP", "subtype", "RGB555"),
  }),
  // Rows may be longer than the picture's; OpenCV then shifts the pixels.
  ...kinds("BMP3", { RLE8: together(colors(200), packed("RLE")) }, {
    alone: true,
  }),
  ...kinds("BMP2", { "24 bits": type("TrueColor"), "8 bits": colors(200) }),
  ...kinds("BMP", { "32 bits": type("TrueColorAlpha") }),
  ...kinds("TIFF", {
    plain: packed("NoCompression"),
    LZW: packed("LZW"),
    zip: packed("Zip"),
    "run lengths": packed("RLE"),
    JPEG: packed("JPEG"),
    "fax group 4": together(type("Bilevel"), packed("Group4")),
    "1 bit": together(type("Bilevel"), packed("NoCompression")),
    "8-bit palette": together(colors(200), packed("LZW")),
    gray: together(gray, type("Grayscale")),
    "gray, 16 bits": together(gray, type("Grayscale"), depth(16)),
    "16 bits": together(depth(16), packed("Zip")),
    alpha: type("TrueColorAlpha"),
    "separate planes": together(
      interlaced("Plane"),
      packed("NoCompression"),
    ),
    "separate planes, LZW": together(interlaced("Plane"), packed("LZW")),
    tiles: define("TIFF", "tile-geometry", "64x48"),
    "tiles, zip": together(
      define("TIFF", "tile-geometry", "32x32"),
      packed("Zip"),
    ),
    "most significant byte first": define("TIFF", "endian", "msb"),
    ...turns("TIFF"),
  }),
  ...kinds("TIFF64", { plain: packed("NoCompression") }),
  ...kinds("TIFF", {
    CMYK: together(cmyk, packed("LZW")),
    "CMYK, separate planes": together(cmyk, interlaced("Plane")),
    float: together(
      depth(32),
      define("QUANTUM", "format", "floating-point"),
    ),
  }, { alone: true }),
  ...kinds("WEBP", {
    plain: () => {},
    lossless: define("WEBP", "lossless", "true"),
    alpha: together(
      type("TrueColorAlpha"),
      define("WEBP", "lossless", "true"),
    ),
  }),
  ...kinds("WEBP", turns("WEBP"), { alone: true }),
  ...kinds("WEBP", { animated: define("WEBP", "lossless", "true") }, {
    alone: true,
    frames: 3,
  }),
  ...kinds("GIF", { plain: () => {}, interlaced: interlaced("Gif") }, {
    alone: true,
  }),
  ...kinds("GIF", { animated: () => {} }, { alone: true, frames: 3 }),
  ...kinds("AVIF", { plain: () => {}, ...turns("AVIF") }, { alone: true }),
];

function kinds(
  format: string,
  wanted: Record<string, (picture: IMagickImage) => void>,
  common: Partial<Kind> = {},
): Kind[] {
  return Object.entries(wanted).map(([name, prepare]) => ({
    name: `${format}, ${name}`,
    format,
    prepare,
    ...common,
  }));
}

/** The seven EXIF orientations other than upright, as the format stores them. */
function turns(format: string) {
  const say = format === "TIFF" ? turned : withExif;
  return Object.fromEntries(
    TURNS.map((
      orientation,
    ) => [`orientation ${orientation}`, say(orientation)]),
  );
}
