// The container of HEIC and AVIF files: its boxes, and the sizes of the pictures in it.
import { explainSize, type Size } from "../box.ts";
import { type ImageHeader, nameAt } from "./format.ts";

// deno-fmt-ignore
const BRANDS: Record<string, "HEIC" | "AVIF"> = {
  heic: "HEIC", heix: "HEIC", heim: "HEIC", heis: "HEIC", mif1: "HEIC",
  msf1: "HEIC", hevc: "HEIC", hevx: "HEIC", avif: "AVIF", avis: "AVIF",
};

/** Whether the file starts with a box that names one of the brands. */
export function isHeif(bytes: Uint8Array): boolean {
  return nameAt(bytes, 4) === "ftyp" && nameAt(bytes, 8) in BRANDS;
}

/** All boxes; the picture's size is the largest size in the file. */
export function readHeifHeader(
  bytes: Uint8Array,
  view: DataView,
): ImageHeader | string {
  let size: Size = { width: 0, height: 0 }, found = false;
  let complete = true, problem: string | undefined;
  const brands: string[] = [];

  /** Boxes from `at` to `end`, including those inside others. */
  function readBoxes(at: number, end: number, depth: number): void {
    while (at + 8 <= end && !problem) {
      const kind = nameAt(bytes, at + 4), long = view.getUint32(at) === 1;
      let length = view.getUint32(at);
      if (long) length = Number(view.getBigUint64(at + 8));
      if (length === 0) length = end - at;
      const inside = at + (long ? 16 : 8), next = at + length;
      if (next > end || next < inside) {
        if (depth > 0 || next < inside) {
          problem =
            `is not a valid HEIF file: the length of "${kind}" is wrong`;
        }
        complete = false;
        return;
      }
      if (kind === "ftyp") {
        for (let i = inside; i + 4 <= next; i += 4) {
          brands.push(nameAt(bytes, i));
        }
      }
      if (kind === "meta" || kind === "iprp" || kind === "ipco") {
        found ||= kind === "meta";
        readBoxes(inside + (kind === "meta" ? 4 : 0), next, depth + 1);
      }
      if (kind === "ispe") noteSize(inside + 4);
      at = next;
    }
    if (depth === 0 && at < end) complete = false;
  }

  function noteSize(at: number): void {
    const width = view.getUint32(at), height = view.getUint32(at + 4);
    problem ??= explainSize(width, height);
    if (width * height > size.width * size.height) size = { width, height };
  }

  readBoxes(0, bytes.length, 0);
  if (problem) return problem;
  const format = brands.includes("avif") ? "AVIF" : BRANDS[brands[0]];
  if (complete && (!found || size.width === 0)) {
    return `is an ${format} file without a still picture`;
  }
  if (!complete) size = { width: 1, height: 1 };
  return { format, ...size, complete, decoder: "magick" };
}
