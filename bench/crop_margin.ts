// `deno task bench crop_margin`: how far a crop should reach beyond the detector's
// box, which is how CROP_MARGIN in lib/recognition/crop.ts was chosen, and how a
// detector's crop differs from the data's, which augmentation imitates.

import { cropFace } from "mien/recognition/crop.ts";
import { FACE_PIXELS, FACE_SIZE, indexOfLargest } from "mien/emotions.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { findVotes, majorityFaces } from "mien/data/ferplus.ts";
import { type Faces, selectSplit } from "mien/data/faces.ts";
import { findFfmpeg } from "mien/video/ffmpeg.ts";
import { CascadeDetector } from "mien/haar/detector.ts";
import type { GrayImage } from "mien/image/gray.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { Recognizer, VIDEO_SEARCH } from "mien/recognition/recognizer.ts";
import { warpFace } from "mien/training/augment.ts";
import { VideoReader } from "mien/video/reader.ts";
import { lumaToGray } from "mien/video/yuv.ts";
import { createProgress } from "mien/progress.ts";
import { readChoice, runTask, userPath } from "../tasks/command_line.ts";

const HELP =
  `Usage: deno task bench crop_margin FACES [--labels NAME] [--model DIR]
       [--video FILE]

FACES is FER-2013 in any form; PublicTest is used. Each face is enlarged, its edges
continued, and searched for. Prints JSON lines:
  framing   the detector's box beside the data's crop: its side and its distance
            from the center, as quantiles and parts of the data's side; and the
            blur of lib/training/augment.ts that makes a face moved and scaled to
            the box most similar to the detector's crop
  accuracy  of the same faces as given, and cropped with each margin; and the
            loss, with half of the width of its 95 % interval (face by face)
  change    with --video: how much the probabilities change between frames (half
            the sum of the differences), and the confidence, for each margin

  --labels NAME fer2013 (default), or ferplus: the faces with a majority of FER+
  --model DIR   use another trained model
  --video FILE  a video with a face
  --help        show this text`;

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

// By nearest rank: a statistics package would be larger than this bench.
const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];
function quantiles(values: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return QUANTILES.map((part) =>
    Number(sorted[Math.floor(part * (sorted.length - 1))].toFixed(3))
  );
}

/** A detector's box beside the data's crop: its side and its center's distance, as parts of that. */
interface Place {
  side: number;
  across: number;
  down: number;
}

const BLURS = Array.from({ length: 12 }, (_, k) => 0.03 * k);
const warped = new Float32Array(FACE_PIXELS);
/** The blur with which a warped face is nearest to a detector's crop of it. */
function fitBlur(
  given: Uint8Array,
  place: Place,
  crop: Uint8Array,
): number {
  const errors = BLURS.map((blur) => {
    warpFace(
      given,
      0,
      FACE_SIZE,
      {
        a: place.side,
        b: 0,
        c: place.across * FACE_SIZE,
        d: 0,
        e: place.side,
        f: place.down * FACE_SIZE,
        contrast: 1,
        brightness: 0,
        blur,
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

/** The faces that are found, with a crop for each margin. */
function findFaces(faces: Faces, detector: CascadeDetector) {
  const places: Place[] = [], labels: number[] = [], given: Uint8Array[] = [];
  const crops: Uint8Array[][] = MARGINS.map(() => []);
  const bar = createProgress("Finding faces", faces.length, "faces");
  let searched = 0;
  for (let i = 0; i < faces.length; i++) {
    const pixels = faces.pixels.subarray(
      i * FACE_PIXELS,
      (i + 1) * FACE_PIXELS,
    );
    const image = enlarge(pixels);
    const found = detector.detect(image, {
      scaleFactor: 1.05,
      minSize: { width: SIDE / 4, height: SIDE / 4 },
    });
    searched++;
    bar.update(i + 1);
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
  bar.stop();
  return { searched, places, labels, given, crops };
}

/** How steady the probabilities are from frame to frame, for each margin. */
async function measureSteadiness(
  video: string,
  recognizer: Recognizer,
): Promise<void> {
  const { reader, info } = await VideoReader.open(video, await findFfmpeg());
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
      margin,
      frames: seen,
      changeAFrame: Number((change[k] / seen).toFixed(4)),
      confidence: Number((confidence[k] / seen).toFixed(4)),
    }))
  );
}

await runTask({
  help: HELP,
  options: {
    labels: { type: "string" },
    model: { type: "string" },
    video: { type: "string" },
  },
  positionals: { least: 1, most: 1, what: "FACES" },
}, async ({ labels: whose, model, video }, [path]) => {
  const byVotes = readChoice("labels", whose, ["fer2013", "ferplus"]) ===
    "ferplus";
  const all = await loadFaces(userPath(path));
  const recognizer = await Recognizer.create(
    await loadTrained(model && userPath(model)),
  );
  const { searched, places, labels, given, crops } = findFaces(
    selectSplit(
      byVotes ? majorityFaces(await findVotes(all)) : all,
      "PublicTest",
    ),
    await CascadeDetector.create(),
  );
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

  const rightOf = (list: Uint8Array[]) =>
    recognizer.classify(list).map((p, i) =>
      Number(indexOfLargest(p) === labels[i])
    );
  const mean = (numbers: number[]) =>
    numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const rounded = (part: number) => Number(part.toFixed(4));
  const asGiven = rightOf(given);
  console.log(
    JSON.stringify({ asGiven: rounded(mean(asGiven)), faces: given.length }),
  );
  for (const [k, margin] of MARGINS.entries()) {
    const right = rightOf(crops[k]);
    const lost = asGiven.map((was, i) => was - right[i]);
    const loss = mean(lost);
    const deviation = Math.sqrt(mean(lost.map((x) => (x - loss) ** 2)));
    console.log(JSON.stringify({
      margin,
      accuracy: rounded(mean(right)),
      loss: rounded(loss),
      interval: rounded(1.96 * deviation / Math.sqrt(lost.length)),
    }));
  }
  if (video) await measureSteadiness(userPath(video), recognizer);
});
