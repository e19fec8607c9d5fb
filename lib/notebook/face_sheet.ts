// A sheet of faces: rows of small pictures with captions, as one chart that
// contains one image. Charts of numbers are in charts.ts.

import { createHash } from "node:crypto";
import { Jimp } from "jimp";
import { type Chart, escapeXml, frame, INK } from "./chart.ts";
import { FACE_SIZE } from "../emotions.ts";

/** One face of a sheet. */
export interface SheetFace {
  /** 48 x 48 gray values 0 to 255, row-major. */
  pixels: ArrayLike<number>;
  /** A word or two below it; a line break starts a second line. */
  caption?: string;
  /** Whether the caption is a right or a wrong answer: a sign and a color. */
  verdict?: "right" | "wrong";
}

/** A row of a sheet, with its name on the left. */
export interface SheetRow {
  label?: string;
  faces: SheetFace[];
}

/** Quality of the image inside, 1 to 100: high, yet a third of a PNG's size. */
const JPEG_QUALITY = 90;

const GAP = 6;

/**
 * Draws rows of faces.
 *
 * @param title What the sheet shows, above it; may be empty.
 * @param options `size`: a face's side in CSS pixels (default 64).
 *
 * @example
 * ```ts
 * import { faceSheet } from "mien/notebook/face_sheet.ts";
 * const pixels = new Uint8Array(48 * 48).fill(128);
 * const rows = [{ label: "happy", faces: [{ pixels, caption: "happy" }] }];
 * const sheet = await faceSheet("One gray face", rows);
 * ```
 */
export async function faceSheet(
  title: string,
  rows: SheetRow[],
  options: { size?: number } = {},
): Promise<Chart> {
  const { size = 64 } = options;
  const columns = Math.max(1, ...rows.map((row) => row.faces.length));
  const labels = rows.map((row) => row.label ?? "");
  const left = Math.max(0, ...labels.map((label) => label.length)) * 7.5 + 14;
  const captions = rows.some((row) => row.faces.some((face) => face.caption));
  const pitchX = size + GAP;
  const lines =
    rows.some((row) => row.faces.some((face) => face.caption?.includes("\n")))
      ? 2
      : 1;
  const pitchY = size + GAP + (captions ? 2 + 14 * lines : 0);
  const faces = rows.flatMap((row, y) =>
    row.faces.map((face, x) => ({ face, x, y }))
  );
  const picture = await pictureOf(faces, columns, rows.length);
  const parts = faces.map(({ face, x, y }) => {
    const corner = `translate(${left + x * pitchX},${8 + y * pitchY})`;
    const view = `viewBox="${x * FACE_SIZE} ${y * FACE_SIZE} ` +
      `${FACE_SIZE} ${FACE_SIZE}"`;
    return `<g transform="${corner}"><svg width="${size}" height="${size}" ` +
      `${view}><use href="#${picture.id}"/></svg>${captionOf(face, size)}</g>`;
  });
  const names = labels.map((label, y) =>
    label === "" ? "" : `<text x="${left - 8}" text-anchor="end" ` +
      `y="${8 + y * pitchY + size / 2 + 4}" font-size="13">` +
      `${escapeXml(label)}</text>`
  );
  const shown = labels.filter((label) => label !== "").join(", ");
  return frame(
    title,
    `${title || "Faces"}: ${faces.length} faces${shown && `; rows: ${shown}`}.`,
    Math.ceil(left + columns * pitchX + 8),
    8 + rows.length * pitchY + 6,
    `<defs>${picture.image}</defs>${names.join("")}${parts.join("")}`,
  );
}

/** All faces in one picture, each in its own cell. */
async function pictureOf(
  faces: { face: SheetFace; x: number; y: number }[],
  columns: number,
  rows: number,
): Promise<{ id: string; image: string }> {
  const width = columns * FACE_SIZE;
  const height = rows * FACE_SIZE;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (const { face, x, y } of faces) {
    for (let i = 0; i < FACE_SIZE * FACE_SIZE; i++) {
      const column = x * FACE_SIZE + i % FACE_SIZE;
      const row = y * FACE_SIZE + Math.floor(i / FACE_SIZE);
      const at = (row * width + column) * 4;
      data[at] = data[at + 1] = data[at + 2] = face.pixels[i];
    }
  }
  const picture = Jimp.fromBitmap({ width, height, data });
  const url = await picture.getBase64("image/jpeg", { quality: JPEG_QUALITY });
  // A page may have several sheets: a unique id ties each to its image.
  const id = `faces-${
    createHash("sha256").update(url).digest("hex").slice(0, 8)
  }`;
  const image = `<image id="${id}" href="${url}" ` +
    `width="${width}" height="${height}"/>`;
  return { id, image };
}

function captionOf(face: SheetFace, size: number): string {
  if (!face.caption) return "";
  const sign = { right: "✓ ", wrong: "✗ ", none: "" }[face.verdict ?? "none"];
  const ink = face.verdict === "wrong"
    ? INK.second
    : face.verdict === "right"
    ? INK.third
    : "currentColor";
  return `${sign}${face.caption}`.split("\n").map((line, number) =>
    `<text x="${size / 2}" y="${size + 13 + 14 * number}" ` +
    `text-anchor="middle" font-size="11" ` +
    `fill="${number === 0 ? ink : "currentColor"}">${escapeXml(line)}</text>`
  ).join("");
}
