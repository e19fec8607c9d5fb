// `deno task bench detect`: milliseconds to find faces, ours and OpenCV's in
// turn on the same images, in the yardstick's three settings, one thread
// each. One JSON line a measurement; reading images is not timed.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { drawScene } from "../lib/drawn/scene.ts";
import { type GrayImage, toGray } from "../lib/image/gray.ts";
import { CascadeDetector } from "../lib/haar/detector.ts";
import { readImage } from "../lib/image/image.ts";
import { resizeExact } from "../lib/haar/pyramid.ts";
import { OpenCv } from "./opencv.ts";

const USAGE =
  `Usage: deno task bench detect [--image FILE] [--size WxH] [--runs N]

Finds faces in FILE (default: ../shared/photos/two_people.jpg, else a drawn
scene) at three sizes, or the one given, and prints {"bench":"detect","workers","size",
"scaleFactor","minNeighbors","minSize","faces","ms","peer","peerMs","ratio"};
ms and peerMs are the fastest of N runs (default 15), ratio is peerMs / ms: above
1 ours is faster. The yardstick needs Debian's python3-opencv and opencv-data.`;

const SIZES = [[640, 480], [1280, 720], [1920, 1280]];
const SETTINGS = [[1.3, 5, 0], [1.1, 3, 0], [1.1, 3, 60]];
const ROUNDS = 3;
const PHOTO = resolve(
  import.meta.dirname!,
  "../../shared/photos/two_people.jpg",
);
const CASCADE =
  "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml";

async function readPicture(path: string | undefined): Promise<GrayImage> {
  if (path !== undefined || existsSync(PHOTO)) {
    return toGray(await readImage(path ?? PHOTO));
  }
  return drawScene({ width: 1280, height: 960, faces: 4, seed: 1 }).image;
}

const rounded = (ms: number) => Number(ms.toFixed(2));

const { values } = parseArgs({
  options: {
    image: { type: "string" },
    size: { type: "string" },
    runs: { type: "string", default: "15" },
    help: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const sizes = values.size ? [values.size.split("x").map(Number)] : SIZES;
const sound = Number.isInteger(runs) && runs >= 1 &&
  sizes.every((size) => size.length === 2 && size.every((n) => n >= 24));
if (values.help || !sound) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const picture = await readPicture(values.image);
const yardstick = existsSync(CASCADE)
  ? await OpenCv.start(process.env.PYTHON ?? "/usr/bin/python3")
  : null;
if (!yardstick) console.error("No OpenCV here: our times only");
const perRound = Math.ceil(runs / ROUNDS);

const detector = await CascadeDetector.create();
for (const [width, height] of sizes) {
  const image = resizeExact(picture, width, height);
  for (const [scaleFactor, minNeighbors, minSide] of SETTINGS) {
    const minSize = { width: minSide, height: minSide };
    const options = { scaleFactor, minNeighbors, minSize };
    const ours: number[] = [];
    const theirs: number[] = [];
    let faces = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Not timed: the first image of a size is prepared for.
      for (let i = 0; i < 4; i++) detector.detect(image, options);
      for (let i = 0; i < perRound; i++) {
        const start = performance.now();
        faces = detector.detect(image, options).length;
        ours.push(performance.now() - start);
      }
      if (!yardstick) continue;
      theirs.push(
        ...await yardstick.opencv.ask({
          ...{ ask: "time", threads: 1, runs: perRound, width, height },
          ...{ cascade: CASCADE, scaleFactor, minNeighbors },
          ...{ minSize: [minSide, minSide], maxSize: [0, 0] },
        }, image.data),
      );
    }
    const ms = Math.min(...ours);
    const peerMs = yardstick && Math.min(...theirs);
    console.log(JSON.stringify({
      ...{ bench: "detect", workers: 1, size: [width, height] },
      ...{ scaleFactor, minNeighbors, minSize: minSide, faces },
      ms: rounded(ms),
      peer: yardstick && `opencv ${yardstick.version}`,
      peerMs: peerMs && rounded(peerMs),
      ratio: peerMs && rounded(peerMs / ms),
    }));
  }
}
yardstick?.opencv.stop();
