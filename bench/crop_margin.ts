// How far a crop should reach beyond the detector's box: what CROP_MARGIN in
// lib/recognition/crop.ts was chosen by, and how a detector's crop differs from
// the data's, which is what a training run's augmentation copies. Four
// measurements:
// 1. Framing: faces of the data set, enlarged with their edges continued, are
//    searched for. How large is the detector's box beside the data's crop, and
//    how far off its center? Quantiles, as parts of the data's side.
// 2. Blur: the data's crop is moved and scaled to the detector's box by the
//    augmentation of lib/training/augment.ts; the blur that brings it nearest to
//    the detector's crop.
// 3. Accuracy: the same faces, as given and cropped from the box with each
//    margin.
// 4. Steadiness: how much the probabilities change from frame to frame of a
//    video (half the sum of differences), where one is given.
// Usage: deno run -A bench/crop_margin.ts FACES [--model DIR] [--video FILE]
// FACES is anything that lib/data/fer2013.ts reads; PublicTest is used.

import process from "node:process";
import { parseArgs } from "node:util";
import { cropFace } from "mien/recognition/crop.ts";
import { indexOfLargest } from "mien/emotions.ts";
import { FACE_PIXELS, FACE_SIZE } from "mien/emotions.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { selectSplit } from "mien/data/faces.ts";
import { findFfmpeg } from "mien/video/ffmpeg.ts";
import { CascadeDetector } from "mien/haar/detector.ts";
import type { GrayImage } from "mien/image/gray.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { Recognizer, VIDEO_SEARCH } from "mien/recognition/recognizer.ts";
import { warpFace } from "mien/training/augment.ts";
import { VideoReader } from "mien/video/reader.ts";
import { lumaToGray } from "mien/video/yuv.ts";

const { values: options, positionals: [path] } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { model: { type: "string" }, video: { type: "string" } },
});
if (!path) {
  console.error(
    "Usage: bench/crop_margin.ts FACES [--model DIR] [--video FILE]",
  );
  process.exit(2);
}

const MARGINS = [-0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.3];
/** Enlargement, and pixels of continued edge on each side before it. */
const FACTOR = 4, BORDER = 24;
const SIDE = (FACE_SIZE + 2 * BORDER) * FACTOR;

/** A face enlarged with smooth interpolation, its edges continued. */
function enlarge(pixels: Uint8Array): GrayImage {
  const data = new Uint8Array(SIDE * SIDE);
  const place = (i: number) => {
    const exact = (i + 0.5) / FACTOR - BORDER - 0.5;
    const at = Math.min(Math.max(exact, 0), FACE_SIZE - 1);
    const low = Math.min(Math.floor(at), FACE_SIZE - 2);
    return { low, part: at - low };
  };
  for (let y = 0; y < SIDE; y++) {
    const { low: row, part: down } = place(y);
    for (let x = 0; x < SIDE; x++) {
      const { low: column, part: across } = place(x);
      const at = row * FACE_SIZE + column;
      const above = pixels[at] * (1 - across) + pixels[at + 1] * across;
      const below = pixels[at + FACE_SIZE] * (1 - across) +
        pixels[at + FACE_SIZE + 1] * across;
      data[y * SIDE + x] = above * (1 - down) + below * down + 0.5;
    }
  }
  return { width: SIDE, height: SIDE, data };
}

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
function quantiles(values: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return QUANTILES.map((part) =>
    Number(sorted[Math.floor(part * (sorted.length - 1))].toFixed(3))
  );
}

const BLURS = Array.from({ length: 12 }, (_, k) => 0.03 * k);
const warped = new Float32Array(FACE_PIXELS);
/** The blur with which a warped face is nearest to a detector's crop of it. */
function fitBlur(
  given: Uint8Array,
  place: { side: number; across: number; down: number },
  crop: Uint8Array,
): number {
  const errors = BLURS.map((blur) => {
    warpFace(
      given,
      0,
      FACE_SIZE,
      {
        ...{ a: place.side, b: 0, c: place.across * FACE_SIZE },
        ...{ d: 0, e: place.side, f: place.down * FACE_SIZE },
        ...{ contrast: 1, brightness: 0, blur },
      },
      warped,
      0,
    );
    return warped.reduce(
      (sum, value, i) => sum + (value - (crop[i] / 127.5 - 1)) ** 2,
      0,
    );
  });
  return BLURS[errors.indexOf(Math.min(...errors))];
}

const recognizer = await Recognizer.create(await loadTrained(options.model));
const detector = await CascadeDetector.create();
const faces = selectSplit(await loadFaces(path), "PublicTest");
const places: { side: number; across: number; down: number }[] = [];
const labels: number[] = [], given: Uint8Array[] = [];
const crops: Uint8Array[][] = MARGINS.map(() => []);
let searched = 0;
for (let i = 0; i < faces.length; i += 2) {
  const pixels = faces.pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS);
  const image = enlarge(pixels);
  const found = detector.detect(image, {
    scaleFactor: 1.05,
    minSize: { width: SIDE / 4, height: SIDE / 4 },
  });
  searched++;
  if (found.length === 0) continue;
  const box = found[indexOfLargest(found.map((face) => face.neighbors))];
  places.push({
    side: box.width / FACTOR / FACE_SIZE,
    across: (box.x + box.width / 2 - SIDE / 2) / FACTOR / FACE_SIZE,
    down: (box.y + box.height / 2 - SIDE / 2) / FACTOR / FACE_SIZE,
  });
  labels.push(faces.labels[i]);
  given.push(pixels);
  MARGINS.forEach((margin, k) => crops[k].push(cropFace(image, box, margin)));
}
const side = quantiles(places.map((place) => place.side));
const ownMargin = MARGINS.indexOf(0);
console.log(JSON.stringify({
  framing: { searched, found: places.length, quantiles: QUANTILES },
  side,
  across: quantiles(places.map((place) => place.across)),
  down: quantiles(places.map((place) => place.down)),
  blur: quantiles(
    places.map((place, i) => fitBlur(given[i], place, crops[ownMargin][i])),
  ),
  marginOfMedian: Number(((1 / side[2] - 1) / 2).toFixed(3)),
}));

const accuracy = (list: Uint8Array[]) => {
  const answers = recognizer.classify(list);
  const right = answers.filter((p, i) => indexOfLargest(p) === labels[i]);
  return Number((right.length / list.length).toFixed(4));
};
console.log(JSON.stringify({ asGiven: accuracy(given), faces: given.length }));
for (const [k, margin] of MARGINS.entries()) {
  console.log(JSON.stringify({ margin, accuracy: accuracy(crops[k]) }));
}

if (options.video) {
  const ffmpeg = await findFfmpeg();
  const { reader, info } = await VideoReader.open(options.video, ffmpeg);
  const { width, height } = info;
  const frame = { width, height, data: new Uint8Array(width * height * 3 / 2) };
  const gray = { width, height, data: new Uint8Array(width * height) };
  const last: (Float32Array | undefined)[] = MARGINS.map(() => undefined);
  const change = MARGINS.map(() => 0), confidence = MARGINS.map(() => 0);
  let seen = 0;
  while (await reader.read(frame) !== null) {
    lumaToGray(frame, gray.data);
    const [face] = recognizer.recognize(gray, VIDEO_SEARCH);
    if (!face) continue;
    seen++;
    const answers = recognizer.classify(
      MARGINS.map((margin) => cropFace(gray, face.box, margin)),
    );
    answers.forEach((now, k) => {
      const before = last[k] ?? now;
      change[k] += now.reduce((s, p, i) => s + Math.abs(p - before[i]), 0) / 2;
      confidence[k] += Math.max(...now);
      last[k] = now;
    });
  }
  await reader.close();
  MARGINS.forEach((margin, k) =>
    console.log(JSON.stringify({
      ...{ margin, frames: seen },
      changeAFrame: Number((change[k] / seen).toFixed(4)),
      confidence: Number((confidence[k] / seen).toFixed(4)),
    }))
  );
}
