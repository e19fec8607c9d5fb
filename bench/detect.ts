// `deno task bench detect`: the time to find faces, ours and OpenCV's in turn on
// the same images, one thread each. One JSON line per measurement; reading images is not timed.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { drawScene } from "../lib/drawn/scene.ts";
import { type GrayImage, toGray } from "../lib/image/gray.ts";
import { CascadeDetector } from "../lib/haar/detector.ts";
import { readImage } from "../lib/image/image.ts";
import { resizeExact } from "../lib/haar/pyramid.ts";
import {
  readNumber,
  readSize,
  runTask,
  userPath,
} from "../tasks/command_line.ts";
import { OpenCv } from "./opencv.ts";
import { findPython } from "./python.ts";

const HELP =
  `Usage: deno task bench detect [--image FILE] [--size WxH] [--runs N]

Finds faces in a picture at three sizes and in three settings each, and prints
{"bench":"detect","workers","size","scaleFactor","minNeighbors","minSize",
"faces","ms","peer","peerMs","ratio"}. ms and peerMs are the fastest of all runs;
ratio is peerMs / ms: above 1 ours is faster. The comparison needs Debian's
python3-opencv and opencv-data.

  --image FILE  the picture (default: ../shared/photos/two_people.jpg, or else a
                drawn scene)
  --size WxH    only this size, such as 1280x720
  --runs N      runs of each side (default 15)
  --help        show this text`;

const SIZES = [[640, 480], [1280, 720], [1920, 1280]]
  .map(([width, height]) => ({ width, height }));
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

await runTask({
  help: HELP,
  options: {
    image: { type: "string" },
    size: { type: "string" },
    runs: { type: "string" },
  },
}, async (options) => {
  const runs = readNumber("runs", options.runs, { least: 1, whole: true }) ??
    15;
  const size = readSize("size", options.size, 24); // the side of the cascade's window
  const picture = await readPicture(options.image && userPath(options.image));
  const python = findPython("cv2");
  const started = python && existsSync(CASCADE) && await OpenCv.start(python);
  if (!started) {
    console.error("no comparison: install python3-opencv and opencv-data");
  }
  try {
    await measure(
      picture,
      size ? [size] : SIZES,
      Math.ceil(runs / ROUNDS),
      started || null,
    );
  } finally {
    if (started) started.opencv.stop();
  }
});

async function measure(
  picture: GrayImage,
  sizes: { width: number; height: number }[],
  perRound: number,
  peer: { opencv: OpenCv; version: string } | null,
): Promise<void> {
  const detector = await CascadeDetector.create();
  for (const { width, height } of sizes) {
    const image = resizeExact(picture, width, height);
    for (const [scaleFactor, minNeighbors, minSide] of SETTINGS) {
      const minSize = { width: minSide, height: minSide };
      const options = { scaleFactor, minNeighbors, minSize };
      const ours: number[] = [];
      const theirs: number[] = [];
      let faces = 0;
      for (let round = 0; round < ROUNDS; round++) {
        // Untimed, because the first searches of a size set up their memory.
        for (let i = 0; i < 4; i++) detector.detect(image, options);
        for (let i = 0; i < perRound; i++) {
          const start = performance.now();
          faces = detector.detect(image, options).length;
          ours.push(performance.now() - start);
        }
        if (!peer) continue;
        const times: number[] = await peer.opencv.ask({
          ask: "time",
          threads: 1,
          runs: perRound,
          width,
          height,
          cascade: CASCADE,
          scaleFactor,
          minNeighbors,
          minSize: [minSide, minSide],
          maxSize: [0, 0],
        }, image.data);
        theirs.push(...times);
      }
      const ms = Math.min(...ours);
      const peerMs = peer && Math.min(...theirs);
      console.log(JSON.stringify({
        bench: "detect",
        workers: 1,
        size: [width, height],
        scaleFactor,
        minNeighbors,
        minSize: minSide,
        faces,
        ms: rounded(ms),
        peer: peer && `opencv ${peer.version}`,
        peerMs: peerMs && rounded(peerMs),
        ratio: peerMs && rounded(peerMs / ms),
      }));
    }
  }
}
