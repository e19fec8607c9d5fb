// The container of a WebP file: its chunks up to the first picture.
import { explainSize, type Size } from "../box.ts";
import { type ImageHeader, nameAt } from "./format.ts";

/** Chunks up to the first picture, which may be the first frame of an animation. */
export function readWebpHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  const end = 8 + view.getUint32(4, true);
  const header = { format: "WebP", decoder: "magick" } as const;
  let canvas: Size | undefined;
  let at = 12;
  while (at + 8 <= Math.min(end, bytes.length)) {
    const kind = nameAt(bytes, at);
    const length = view.getUint32(at + 4, true), start = at + 8;
    if (at === 12 && !["VP8 ", "VP8L", "VP8X"].includes(kind)) {
      return "is a WebP file of an unknown kind";
    }
    if (kind === "VP8X") {
      if (canvas) return "is not a valid WebP: it has two headers";
      canvas = sizeOf24(view, start + 4);
    }
    let frame: Size | string | undefined;
    if (kind === "VP8 " || kind === "VP8L") frame = sizeOf(view, kind, start);
    if (kind === "ANMF") frame = firstFrame(view, start, canvas);
    if (typeof frame === "string") return frame;
    if (frame) {
      const whole = canvas ?? frame;
      const problem = explainSize(frame.width, frame.height);
      if (problem) return problem;
      const differs = frame.width !== whole.width ||
        frame.height !== whole.height;
      if (kind !== "ANMF" && differs) {
        return "is not a valid WebP: two sizes for one picture";
      }
      const complete = start + length <= end && end <= bytes.length;
      return { ...header, ...whole, complete };
    }
    at = start + length + (length & 1);
  }
  return { ...header, ...(canvas ?? { width: 1, height: 1 }), complete: false };
}

/** Two sides of 24 bits, each stored minus one. */
function sizeOf24(view: DataView, at: number): Size {
  const width = (view.getUint32(at, true) & 0xffffff) + 1;
  const height = (view.getUint32(at + 2, true) >>> 8) + 1;
  return { width, height };
}

/** The size in the coded data's own header. */
function sizeOf(view: DataView, kind: string, at: number): Size | string {
  if (kind === "VP8L") {
    if (view.getUint8(at) !== 0x2f) return "is not a valid WebP: no signature";
    const bits = view.getUint32(at + 1, true);
    return { width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 };
  }
  if (view.getUint16(at + 3) !== 0x9d01) {
    return "is not a valid WebP: no start code";
  }
  const width = view.getUint16(at + 6, true) & 0x3fff;
  return { width, height: view.getUint16(at + 8, true) & 0x3fff };
}

/** The size of an animation frame, which lies within the canvas. */
function firstFrame(
  view: DataView,
  at: number,
  canvas: Size | undefined,
): Size | string {
  if (!canvas) return "is not a valid WebP: an animation without its header";
  const left = 2 * (view.getUint32(at, true) & 0xffffff);
  const top = 2 * (view.getUint32(at + 2, true) >>> 8);
  const frame = sizeOf24(view, at + 6);
  return left + frame.width > canvas.width ||
      top + frame.height > canvas.height
    ? "is not a valid WebP: its first frame is larger than the picture"
    : frame;
}
