// Compares picture decoding with OpenCV's, over a matrix of formats and variants, and records the
// result in lib/image/compared_with_opencv.json. What OpenCV cannot read is compared with the
// picture that was written. Needs Debian's python3-opencv.

import { Buffer } from "node:buffer";
import { resolve } from "node:path";
import { drawScene } from "mien/drawn/scene.ts";
import type { ColorImage } from "mien/image/gray.ts";
import { ImageError, readImage } from "mien/image/image.ts";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { OpenCv } from "../bench/opencv.ts";
import { encodeWithMagick, type Kind, KINDS } from "../bench/picture_files.ts";
import { runTask } from "./command_line.ts";

const RECORD = resolve(
  import.meta.dirname!,
  "../lib/image/compared_with_opencv.json",
);

const HELP = `Usage: deno task compare-decoders [options]

Compares picture decoding with OpenCV's, over a matrix of formats.

  --python PATH  a Python with OpenCV (default /usr/bin/python3)
  --record       write the result to lib/image/compared_with_opencv.json
  --help         show this text`;

/** How far apart two decodings are, in gray levels of 0 to 255. */
interface Difference {
  readonly kind: string;
  readonly comparedWith: "OpenCV" | "source";
  readonly mean: number;
  readonly largest: number;
}

/**
 * Mean differences that are allowed. OpenCV and this project use related libraries, whose rounding
 * of JPEG and WebP colors differs by one or two levels. Against the source, a lossy format may
 * lose what its coding loses, and a palette what its colors cannot show.
 */
function tolerance({ name, format, alone }: Kind): number {
  if (alone) return name.includes("lossless") ? 0 : 4;
  return ["JPEG", "WEBP"].includes(format) || name === "TIFF, JPEG" ? 1 : 0.5;
}

/** A drawn scene with a tint gradient; neither side is a multiple of 8. */
function drawSource(): ColorImage {
  const { image } = drawScene({ width: 170, height: 121, faces: 1, seed: 3 });
  const { width, height } = image;
  const data = new Uint8Array(width * height * 4);
  image.data.forEach((gray, i) => {
    const across = i % width / width, down = Math.floor(i / width) / height;
    data.set([gray, gray * (1 - across), gray * (1 - down), 255], 4 * i);
  });
  return { width, height, data };
}

function difference(ours: ColorImage, theirs: ColorImage) {
  let sum = 0, largest = 0;
  for (let i = 0; i < ours.data.length; i++) {
    if (i % 4 === 3) continue;
    const apart = Math.abs(ours.data[i] - theirs.data[i]);
    sum += apart;
    largest = Math.max(largest, apart);
  }
  const mean = sum / (ours.data.length * 3 / 4);
  return { mean: Number(mean.toFixed(3)), largest };
}

async function readWithOpenCv(
  opencv: OpenCv,
  bytes: Uint8Array,
): Promise<ColorImage | null> {
  const read = await opencv.ask({ ask: "read", bytes: bytes.length }, bytes);
  if (!read) return null;
  const { width, height, bgr } = read;
  const data = new Uint8Array(width * height * 4);
  const values: Buffer = Buffer.from(bgr, "hex");
  for (let i = 0; i < width * height; i++) {
    data.set([values[3 * i + 2], values[3 * i + 1], values[3 * i], 255], 4 * i);
  }
  return { width, height, data };
}

/** The picture turned as its EXIF orientation says (EXIF 2.3, table 6). */
function turn(image: ColorImage, orientation: number): ColorImage {
  const lying = orientation <= 4;
  const width = lying ? image.width : image.height;
  const height = lying ? image.height : image.width;
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = [2, 3, 7, 8].includes(orientation);
      const down = [3, 4, 6, 7].includes(orientation);
      const [column, row] = lying ? [x, y] : [y, x];
      const fromX = across ? image.width - 1 - column : column;
      const fromY = down ? image.height - 1 - row : row;
      const from = 4 * (fromY * image.width + fromX);
      data.set(image.data.subarray(from, from + 4), 4 * (y * width + x));
    }
  }
  return { width, height, data };
}

await runTask({
  help: HELP,
  options: {
    python: { type: "string", default: "/usr/bin/python3" },
    record: { type: "boolean", default: false },
  },
}, async ({ python, record }) => {
  const started = await OpenCv.start(python);
  if (!started) {
    throw new UserError(
      `${python} has no OpenCV: install Debian's python3-opencv`,
    );
  }
  const { opencv, version } = started;
  const source = drawSource();
  const results: Difference[] = [], failures: string[] = [];
  for (const kind of KINDS) {
    const bytes = await encodeWithMagick(
      source,
      kind.format,
      kind.prepare,
      kind.frames,
    );
    const read = await readImage(bytes, kind.name).catch((error) => {
      if (!(error instanceof ImageError)) throw error;
      failures.push(error.message);
    });
    if (!read) continue;
    const theirs = kind.alone
      ? turn(source, Number(/orientation (\d)/.exec(kind.name)?.[1] ?? 1))
      : await readWithOpenCv(opencv, bytes);
    if (!theirs) {
      failures.push(`${kind.name}: OpenCV cannot read it`);
      continue;
    }
    if (theirs.width !== read.width || theirs.height !== read.height) {
      const size = `${read.width}x${read.height}`;
      failures.push(
        `${kind.name}: ${size}, not ${theirs.width}x${theirs.height}`,
      );
      continue;
    }
    const apart = difference(read, theirs);
    const comparedWith = kind.alone ? "source" : "OpenCV";
    results.push({ kind: kind.name, comparedWith, ...apart });
    if (apart.mean > tolerance(kind)) {
      failures.push(`${kind.name}: ${apart.mean} levels apart on average`);
    }
  }
  opencv.stop();
  console.log(`${results.length} kinds compared with OpenCV ${version}`);
  for (const { kind, comparedWith, mean, largest } of results) {
    console.log(`${kind} (${comparedWith}): ${mean}, at most ${largest}`);
  }
  if (failures.length > 0) throw new UserError(failures.join("\n"));
  if (record) {
    const content = { opencv: version, kinds: results };
    writeWhole(RECORD, `${JSON.stringify(content, null, 2)}\n`);
    console.log(`written: ${RECORD}`);
  }
});
