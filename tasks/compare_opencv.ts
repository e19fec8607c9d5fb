// Compares detection, gray conversion and equalization with OpenCV's on random
// images, sizes and options, and records the result in
// lib/haar/wasm/compared_with_opencv.json. Needs Debian's python3-opencv and
// opencv-data.

import { existsSync, readdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { Cascade } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { equalizeHistogram, type GrayImage, toGray } from "mien/image/gray.ts";
import { CascadeDetector } from "mien/haar/detector.ts";
import { readImage } from "mien/image/image.ts";
import { createProgress } from "mien/progress.ts";
import { resizeExact } from "mien/haar/pyramid.ts";
import { createRandom, type Random } from "mien/random.ts";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { OpenCv } from "../bench/opencv.ts";
import { readNumber, runTask } from "./command_line.ts";

const CASCADES = "/usr/share/opencv4/haarcascades";
const RECORD = resolve(
  import.meta.dirname!,
  "../lib/haar/wasm/compared_with_opencv.json",
);

const HELP = `Usage: deno task compare-opencv [options]

Compares detection with OpenCV's on random images.

  --count N      detections to compare (default 3000)
  --seed N       seed of the random numbers (default 1)
  --photos DIR   also use parts of the pictures in this folder
  --python PATH  a Python with OpenCV (default /usr/bin/python3)
  --record       write the result to lib/haar/wasm/compared_with_opencv.json
  --help         show this text`;

/** Noise of random coarseness and contrast. */
function noise(random: Random, width: number, height: number): GrayImage {
  const coarse = 1 + random.integer(12);
  const small = {
    width: Math.ceil(width / coarse) + 1,
    height: Math.ceil(height / coarse) + 1,
  };
  const contrast = random.next();
  const bright = random.next() * 255;
  const data = Uint8Array.from(
    { length: small.width * small.height },
    () => Math.max(0, Math.min(255, bright + contrast * 100 * random.normal())),
  );
  return resizeExact({ ...small, data }, width, height);
}

/** A random part of a picture, resized. */
function part(
  random: Random,
  picture: GrayImage,
  width: number,
  height: number,
): GrayImage {
  const cutWidth = Math.min(
    picture.width,
    Math.ceil(width * (0.4 + 2 * random.next())),
  );
  const cutHeight = Math.min(
    picture.height,
    Math.ceil(height * (0.4 + 2 * random.next())),
  );
  const left = random.integer(picture.width - cutWidth + 1);
  const top = random.integer(picture.height - cutHeight + 1);
  const data = new Uint8Array(cutWidth * cutHeight);
  for (let y = 0; y < cutHeight; y++) {
    const start = (top + y) * picture.width + left;
    data.set(
      picture.data.subarray(start, start + cutWidth),
      y * cutWidth,
    );
  }
  const cut = { width: cutWidth, height: cutHeight, data };
  return resizeExact(cut, width, height);
}

async function pictures(folder: string | undefined): Promise<GrayImage[]> {
  const drawn = Array.from(
    { length: 8 },
    (_, seed) =>
      drawScene({ width: 480, height: 360, seed, faces: 1 + seed % 4 }).image,
  );
  if (folder === undefined) return drawn;
  if (!existsSync(folder)) throw new UserError(`${folder} does not exist`);
  const photos: GrayImage[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (!/\.(jpe?g|png)$/i.test(name)) continue;
    photos.push(toGray(await readImage(resolve(folder, name))));
  }
  return [...drawn, ...photos, ...photos];
}

/** The side of a random picture: mostly small, occasionally larger. */
function randomSide(random: Random): number {
  const kind = random.next();
  if (kind < 0.1) return 1 + random.integer(40);
  return kind < 0.85 ? 20 + random.integer(180) : 100 + random.integer(600);
}

function randomOptions(random: Random, cascade: Cascade) {
  const size = (share: number, most: number) =>
    random.next() < share
      ? { width: random.integer(most), height: random.integer(most) }
      : { width: 0, height: 0 };
  const minSize = random.next() < 0.2
    ? { width: cascade.width, height: cascade.height }
    : size(0.3, 120);
  return {
    scaleFactor: [1.05, 1.1, 1.2, 1.3, 1.5, 2, 1.01 + random.next()][
      random.integer(7)
    ],
    minNeighbors: random.next() < 0.6 ? 0 : random.integer(6),
    minSize,
    maxSize: size(0.3, 300),
  };
}

const sorted = (boxes: number[][]) =>
  boxes.map((box) => box.join(" ")).sort().join("; ");

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

async function compare(
  options: {
    photos?: string;
    python: string;
    record?: boolean;
    count: number;
    seed: number;
  },
): Promise<void> {
  const { count, seed } = options;
  if (!existsSync(CASCADES)) {
    throw new UserError(`${CASCADES} is missing: install Debian's opencv-data`);
  }
  const detectors: { path: string; detector: CascadeDetector }[] = [];
  for (const name of readdirSync(CASCADES).sort()) {
    const path = resolve(CASCADES, name);
    const text = await Deno.readTextFile(path);
    const cascade = readCascadeXml(text, basename(name, ".xml"));
    detectors.push({ path, detector: await CascadeDetector.create(cascade) });
  }
  const started = await OpenCv.start(options.python);
  if (!started) {
    throw new UserError(
      `${options.python} has no OpenCV: install Debian's python3-opencv`,
    );
  }
  const { opencv, version } = started;
  const sources = await pictures(options.photos);
  const random = createRandom(seed);
  const tally = { detections: 0, raw: 0, boxes: 0, gray: 0, equalized: 0 };
  const different: string[] = [];
  const progress = createProgress("comparing", count, "detections");
  for (let i = 0; i < count; i++) {
    const width = randomSide(random);
    const height = randomSide(random);
    const image = random.next() < 0.35
      ? noise(random, width, height)
      : part(random, sources[random.integer(sources.length)], width, height);
    const usual = detectors.find(({ path }) =>
      /frontalface_default/.test(path)
    );
    const { path, detector } = random.next() < 0.3 && usual
      ? usual
      : detectors[random.integer(detectors.length)];
    const wanted = randomOptions(random, detector.cascade);
    const question = {
      ask: "detect",
      width,
      height,
      cascade: path,
      ...wanted,
      minSize: [wanted.minSize.width, wanted.minSize.height],
      maxSize: [wanted.maxSize.width, wanted.maxSize.height],
    };
    const theirs: number[][] = await opencv.ask(question, image.data);
    const ours = detector.detect(image, wanted)
      .map(({ x, y, width, height }) => [x, y, width, height]);
    if (sorted(ours) !== sorted(theirs)) {
      different.push(
        `${JSON.stringify(question)} ${sorted(ours)} | ${sorted(theirs)}`,
      );
    }
    tally.detections++;
    if (wanted.minNeighbors === 0) tally.raw++;
    tally.boxes += theirs.length;
    if (i % 10 === 0) {
      const size = { width, height };
      const equalized = await opencv.ask(
        { ask: "equalize", ...size },
        image.data,
      );
      const mine = equalizeHistogram(image).data;
      if (equalized !== hexadecimal(mine)) different.push(`equalize ${i}`);
      tally.equalized++;
      const color = Uint8Array.from(
        { length: width * height * 4 },
        () => random.integer(256),
      );
      const gray = await opencv.ask({ ask: "gray", ...size }, color);
      const converted = toGray({ width, height, data: color }).data;
      if (gray !== hexadecimal(converted)) different.push(`gray ${i}`);
      tally.gray++;
    }
    progress.update(i + 1);
  }
  progress.stop();
  opencv.stop();

  const result = {
    opencv: version,
    cascades: detectors.length,
    seed: seed,
    pictures: options.photos
      ? "noise, drawn scenes and photos"
      : "noise and drawn scenes",
    ...tally,
    different: different.length,
  };
  console.log(JSON.stringify(result));
  if (different.length > 0) {
    throw new UserError(
      `different from OpenCV:\n${different.slice(0, 10).join("\n")}`,
    );
  }
  if (options.record) {
    writeWhole(RECORD, JSON.stringify(result, null, 2) + "\n");
    console.log(`written: ${RECORD}`);
  }
}

await runTask({
  help: HELP,
  options: {
    count: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    photos: { type: "string" },
    python: { type: "string", default: "/usr/bin/python3" },
    record: { type: "boolean" },
  },
}, (values) =>
  compare({
    ...values,
    count: readNumber("count", values.count, { least: 1, whole: true })!,
    seed: readNumber("seed", values.seed, { whole: true })!,
  }));
