// The supported formats, and the header of a picture file, which header.ts reads.
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

/** The four letters that name a part of a file, such as a PNG chunk. */
export function nameAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** What a picture file says about itself; the size is before its orientation is applied. */
export interface ImageHeader extends Size {
  readonly format: ImageFormat;
  /** Whether the file contains the whole picture. */
  readonly complete: boolean;
  /** The decoder that reads this variant of the format correctly, see `decode.ts`. */
  readonly decoder: "jpeg" | "jimp" | "magick";
  /** Whether samples are floating-point numbers, whose range the file does not give. */
  readonly floats?: boolean;
  /** The bytes for the decoder, if not the whole file. */
  readonly picture?: Uint8Array;
}
