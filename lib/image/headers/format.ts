// The supported formats, and what the header of a picture file says. header.ts reads it.
import type { Size } from "../box.ts";

/** The supported formats. */
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
  /** Whether the file contains the whole picture. */
  readonly complete: boolean;
  /** The decoder that reads this variant of the format correctly, see `decode.ts`. */
  readonly decoder: "jpeg" | "jimp" | "magick";
  /** Whether samples are floating-point numbers, whose range the file does not give. */
  readonly floats?: boolean;
  /** What the decoder gets, if not the whole file. */
  readonly picture?: Uint8Array;
}
