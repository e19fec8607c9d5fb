// The formats that are read, and what the header of a picture file tells. Reading it is in header.ts.
import type { Size } from "../box.ts";

/** The formats that are read. */
export type ImageFormat =
  | "JPEG"
  | "PNG"
  | "BMP"
  | "GIF"
  | "TIFF"
  | "WebP"
  | "HEIC"
  | "AVIF";

/** What a picture file says about itself; the size is before its orientation is applied. */
export interface ImageHeader extends Size {
  readonly format: ImageFormat;
  /** False when the file ends before its picture does. */
  readonly complete: boolean;
  /** The decoder that reads this kind of the format rightly, see `decode.ts`. */
  readonly decoder: "jpeg" | "jimp" | "magick";
  /** Samples are floating-point numbers, whose range the file does not tell. */
  readonly floats?: boolean;
  /** What the decoder gets, where that is not the whole file. */
  readonly picture?: Uint8Array;
}
