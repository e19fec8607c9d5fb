// The user's own pictures in the page: from a file to pixels, and to a face crop. Also checks whether
// the browser lets a page read pixels at all.

import { drawFaces } from "../../drawn/faces.ts";
import { FACE_PIXELS } from "../../emotions.ts";
import { DRAWN_SEED } from "../drawn_seed.ts";
import { CascadeDetector } from "../../haar/detector.ts";
import { type GrayImage, toGray } from "../../image/gray.ts";
import { cropFace } from "../../recognition/crop.ts";
import { FaceFinder } from "../../recognition/face_finder.ts";
import { PHOTO_SEARCH } from "../../recognition/recognizer.ts";

/** Larger pictures are shrunk to this many pixels on their longer side. */
export const LONGEST_SIDE = 960;

let detector: Promise<CascadeDetector> | undefined;

/** The frontal face detector, compiled once. */
export function faceDetector(): Promise<CascadeDetector> {
  return detector ??= CascadeDetector.create();
}

let finder: Promise<FaceFinder> | undefined;

/** The face finder, which also searches the edges; compiled once. */
export function faceFinder(): Promise<FaceFinder> {
  return finder ??= FaceFinder.create();
}

let readable: boolean | undefined;

/**
 * Whether a page reads from a canvas what it drew. Some privacy settings
 * return noise instead, which makes every answer meaningless.
 */
export function canReadPixels(): boolean {
  if (readable !== undefined) return readable;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "rgb(40, 90, 200)";
  context.fillRect(0, 0, 32, 32);
  const { data } = context.getImageData(0, 0, 32, 32);
  readable = true;
  for (let i = 0; i < data.length; i += 4) {
    const same = Math.abs(data[i] - 40) <= 1 &&
      Math.abs(data[i + 1] - 90) <= 1 && Math.abs(data[i + 2] - 200) <= 1;
    if (!same) readable = false;
  }
  return readable;
}

/** The message when pixels cannot be read. */
export const NOISE_WORDS =
  "This browser replaces a picture's pixels with noise when a page reads " +
  "them (a privacy setting against fingerprinting), so the answers would be " +
  "meaningless. Allow this page to read canvases, or use another browser. " +
  "The drawn faces still work.";

/** A picture from a file, shrunk to a workable size. @throws Error that says what is wrong. */
export async function readPicture(file: Blob & { name?: string }) {
  if (!canReadPixels()) throw new Error(NOISE_WORDS);
  const url = URL.createObjectURL(file);
  try {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    const { naturalWidth, naturalHeight } = picture;
    const longest = Math.max(naturalWidth, naturalHeight);
    const scale = Math.min(1, LONGEST_SIDE / longest);
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(naturalHeight * scale));
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  } catch {
    const name = file.name ?? "The file";
    throw new Error(
      `${name} cannot be shown: this browser does not support its format. ` +
        "JPEG, PNG and WebP always work.",
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The largest face in a picture as a crop; nothing if none is found. */
async function findFace(image: GrayImage): Promise<Uint8Array | undefined> {
  // A face that reaches the edges fills the picture, which is then taken whole.
  const search = { ...PHOTO_SEARCH, beyondEdges: false };
  const found = (await faceFinder()).find(image, search);
  const [face] = found.sort((a, b) => b.box.width - a.box.width);
  return face && cropFace(image, face.box);
}

/** A picture's face, or else the whole picture as a face; and what to say. */
export async function readFace(
  file: File,
): Promise<{ face: Uint8Array; words: string }> {
  const gray = toGray(await readPicture(file));
  const face = await findFace(gray);
  if (face) return { face, words: "" };
  const { width, height } = gray;
  return {
    face: cropFace(gray, { x: 0, y: 0, width, height }),
    words: `No face was found in ${file.name}, so the whole picture is ` +
      "treated as a face.",
  };
}

/** Drawn faces are made this many at a time, the smallest possible number. */
const CHUNK = 70;
const chunks = new Map<number, { faces: Uint8Array[]; labels: Uint8Array }>();

function cutFaces(
  { pixels, labels }: { pixels: Uint8Array; labels: Uint8Array },
) {
  const faces = Array.from(
    labels,
    (_, i) => pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS),
  );
  return { faces, labels };
}

/** The first faces as drawn by the server, labels first, so that a page can show them at once. */
export function takeDrawnFaces(bytes: Uint8Array): void {
  chunks.set(
    0,
    cutFaces({
      labels: bytes.subarray(0, CHUNK),
      pixels: bytes.subarray(CHUNK),
    }),
  );
}

/** A drawn face by its number, from 0; 70 are drawn together, each once. */
export function drawnFace(number: number): { face: Uint8Array; label: number } {
  const index = Math.floor(number / CHUNK);
  let chunk = chunks.get(index);
  if (!chunk) {
    chunk = cutFaces(drawFaces({ count: CHUNK, seed: DRAWN_SEED + index }));
    chunks.set(index, chunk);
  }
  const place = number % CHUNK;
  return { face: chunk.faces[place], label: chunk.labels[place] };
}
