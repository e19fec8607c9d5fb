// The container of a GIF file, up to the end of its first frame.
import { explainSize } from "../box.ts";
import type { ImageHeader } from "./format.ts";

/** Blocks up to the end of the first frame. */
export function readGifHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  const width = view.getUint16(6, true), height = view.getUint16(8, true);
  const tableBytes = (flags: number) => flags & 0x80 ? 6 << (flags & 7) : 0;
  const header = { format: "GIF", width, height, decoder: "magick" } as const;
  let at = 13 + tableBytes(view.getUint8(10)), hasTable = at > 13;
  while (at < bytes.length) {
    const kind = bytes[at];
    if (kind === 0x3b) {
      return "contains no picture: the GIF ends before its first frame";
    }
    if (kind !== 0x21 && kind !== 0x2c) {
      return "is not a valid GIF: a block of unknown type";
    }
    if (kind === 0x2c) {
      const [left, top, frameWidth, frameHeight] = [1, 3, 5, 7]
        .map((by) => view.getUint16(at + by, true));
      const problem = explainSize(frameWidth, frameHeight);
      if (problem) return `${problem}, in its first frame`;
      if (left + frameWidth > width || top + frameHeight > height) {
        return "is not a valid GIF: its first frame is larger than the picture";
      }
      const ownTable = tableBytes(view.getUint8(at + 9));
      hasTable ||= ownTable > 0;
      at += 11 + ownTable;
    } else at += 2;
    let length = 1;
    while (length > 0 && at < bytes.length) {
      length = bytes[at];
      at += 1 + length;
    }
    if (kind === 0x21) continue;
    if (!hasTable) return "is not a valid GIF: its color table is missing";
    const complete = length === 0 && at <= bytes.length;
    // Only the first frame, with the trailer that ends a GIF.
    const picture = new Uint8Array(at + 1);
    picture.set(bytes.subarray(0, at));
    picture[at] = 0x3b;
    return { ...header, complete, picture };
  }
  return { ...header, complete: false };
}
