// The container of a JPEG file: its segments, scans and frame header. The coded data is left to the
// decoder, which reports when it ends early.
import { Buffer } from "node:buffer";
import type { ImageHeader } from "./format.ts";

/**
 * The most coefficients that a picture's scans may visit: 30 scans of 50 megapixels.
 * Encoders write about ten scans; a small file with a thousand empty ones would take minutes.
 */
const MOST_WORK = 1.5e9;
const MOST_SCANS = 200;

interface Frame {
  /** The low four bits of its marker: 0 baseline, 1 extended, 2 progressive, … */
  readonly kind: number;
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  /** For each component, in the frame's order: how many bits of each of its 64 coefficients are
   * still missing; 99 before its first scan. */
  readonly missing: Map<number, Uint8Array>;
  /** Four components that are stored as luminance, two colors and black. */
  readonly ycck: boolean;
}

/** Segments up to the end marker, or to the end of the file if that is missing. */
export function readJpegHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  let frame: Frame | undefined;
  let scans = 0, at = 2, ended = false, adobe = false;
  while (at < bytes.length) {
    if (bytes[at] !== 0xff) return "is not a valid JPEG: a marker is missing";
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    ended = marker === 0xd9;
    if (ended || marker === undefined) break;
    if (marker === 0x01 || (marker & 0xf8) === 0xd0) {
      at += 2;
      continue;
    }
    const segment = at + 4, length = view.getUint16(at + 2);
    at = segment + length - 2;
    if (length < 2 || at > bytes.length) break;
    adobe ||= marker === 0xee && bytes[segment] === 0x41;
    if (isFrame(marker)) {
      if (frame) return "is not a valid JPEG: it has two frame headers";
      const read = readFrame(view, marker, segment, at);
      if (typeof read === "string") return read;
      frame = read;
    }
    if (marker !== 0xda) continue;
    if (!frame) return "is not a valid JPEG: a scan without a frame header";
    const problem = addScan(frame, view, segment, at);
    if (problem) return problem;
    const pixels = frame.width * frame.height;
    if (++scans > MOST_SCANS || scans * pixels > MOST_WORK) {
      return `has at least ${scans} scans, too many for its size: save it again`;
    }
    at = findMarker(bytes, at);
  }
  if (!frame) return "is cut off within its header";
  return describe(bytes, frame, ended, adobe);
}

function describe(
  bytes: Uint8Array,
  frame: Frame,
  ended: boolean,
  adobe: boolean,
): ImageHeader {
  const { kind, precision, width, height } = frame;
  const coefficients = [...frame.missing.values()];
  const started = coefficients.every((missing) => missing[0] < 99);
  const finished = coefficients.every((missing) =>
    missing.every((bits) => bits === 0)
  );
  // A block of 8 x 8 pixels takes at least one bit, except in arithmetic coding.
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const enough = kind >= 9 || kind === 3 || bytes.length * 8 > blocks;
  // A missing end marker is added for the decoder, which reports if it comes too early.
  const complete = enough && started && (ended || finished);
  const usual = kind <= 2 && precision === 8 && coefficients.length !== 4;
  const parts = [bytes.subarray(0, 2)];
  if (frame.ycck && !adobe) parts.push(ADOBE_YCCK);
  parts.push(bytes.subarray(2));
  if (!ended) parts.push(END);
  return {
    format: "JPEG",
    width,
    height,
    complete,
    decoder: usual ? "jpeg" : "magick",
    picture: parts.length > 2 ? Buffer.concat(parts) : undefined,
  };
}

const END = Uint8Array.of(0xff, 0xd9);

/** Adobe's marker for four components of which three are stored as luminance and two colors. */
// deno-fmt-ignore
const ADOBE_YCCK = Uint8Array.of(
  0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 2,
);

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf &&
    marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(
  view: DataView,
  marker: number,
  at: number,
  end: number,
): Frame | string {
  const kind = marker & 15, components = view.getUint8(at + 5);
  if (![0, 1, 2, 3, 9, 10].includes(kind)) {
    return "is a hierarchical or lossless JPEG of a kind that is not supported";
  }
  if (![1, 3, 4].includes(components) || at + 6 + 3 * components !== end) {
    return `is a JPEG with ${components} components: 1, 3 and 4 are supported`;
  }
  const missing = new Map<number, Uint8Array>();
  for (let i = 0; i < components; i++) {
    missing.set(view.getUint8(at + 6 + 3 * i), new Uint8Array(64).fill(99));
  }
  if (missing.size < components) {
    return "is not a valid JPEG: a component occurs twice in its frame";
  }
  const precision = view.getUint8(at);
  const height = view.getUint16(at + 1), width = view.getUint16(at + 3);
  // Without Adobe's marker, only the colors' own tables or sampling tell YCCK from CMYK.
  const coding = Array.from(
    { length: components },
    (_, i) => view.getUint16(at + 7 + 3 * i),
  );
  const [y, cb, cr, k] = coding;
  const ycck = components === 4 && y === k && cb === cr && y !== cb;
  return { kind, precision, width, height, missing, ycck };
}

/** Records what a scan contains; returns what is wrong with it, if anything. */
function addScan(
  frame: Frame,
  view: DataView,
  at: number,
  end: number,
): string | undefined {
  const components = view.getUint8(at), spectrum = at + 1 + 2 * components;
  if (spectrum + 3 !== end) {
    return "is not a valid JPEG: a scan header has the wrong length";
  }
  const progressive = frame.kind === 2 || frame.kind === 10;
  const first = progressive ? view.getUint8(spectrum) : 0;
  const last = progressive ? view.getUint8(spectrum + 1) : 63;
  const bits = progressive ? view.getUint8(spectrum + 2) & 15 : 0;
  for (let i = 0; i < components; i++) {
    const missing = frame.missing.get(view.getUint8(at + 1 + 2 * i));
    if (!missing || first > last || last > 63) {
      return "is not a valid JPEG: a scan of a component that its frame lacks";
    }
    missing.fill(bits, first, last + 1);
  }
}

/** The end of coded data, in which 0xff is followed by 0 or a restart marker (d0 to d7). */
function findMarker(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(0xff, from);
  while (
    at >= 0 && (bytes[at + 1] === 0 || (bytes[at + 1] & 0xf8) === 0xd0)
  ) at = bytes.indexOf(0xff, at + 2);
  return at < 0 ? bytes.length : at;
}
