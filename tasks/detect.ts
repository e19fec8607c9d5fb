// Finds faces in a picture: prints their rectangles and, where asked, writes
// the picture with frames around them. Emotions are in tasks/classify.ts.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Cascade, CascadeError } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { readCompactCascade } from "mien/haar/cascade_json.ts";
import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
import { equalizeHistogram, toGray } from "mien/image/gray.ts";
import type { Box } from "mien/image/box.ts";
import { DETECT_DEFAULTS, detectFaces } from "mien/haar/detector.ts";
import type { ColorImage } from "mien/image/gray.ts";
import { ImageError, readImage, writePng } from "mien/image/image.ts";

const HELP = `Usage: deno task detect IMAGE [options]

Finds faces in a picture with a Haar cascade, as OpenCV does.

  --cascade FILE     another cascade: OpenCV's XML or the compact JSON
  --scale-factor F   how much larger from size to size, above 1 (default 1.1)
  --min-neighbors N  raw rectangles that a face needs (default 3; 0: all raw)
  --min-size WxH     smallest face in pixels (default no limit)
  --max-size WxH     largest face in pixels (default no limit)
  --equalize         equalise the histogram first, for dark or pale pictures
  --json             print {"image","width","height","rects":[[x,y,w,h]]} only
  --out PICTURE      write the picture with the faces framed, a PNG
  --force            replace PICTURE if it is there
  --help             show this text`;

/** What a person can mend: a message, no stack. */
class UsageError extends Error {}

function sizeFrom(text: string | undefined, name: string) {
  if (text === undefined) return DETECT_DEFAULTS.minSize;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width === undefined) {
    throw new UsageError(`--${name} is "${text}", not WxH such as 40x40`);
  }
  return { width: Number(width), height: Number(height) };
}

function numberFrom(text: string, name: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new UsageError(`--${name} is "${text}", not a number`);
  }
  return value;
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cascade: { type: "string" },
      "scale-factor": { type: "string", default: "1.1" },
      "min-neighbors": { type: "string", default: "3" },
      "min-size": { type: "string" },
      "max-size": { type: "string" },
      equalize: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      out: { type: "string" },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (positionals.length !== 1) throw new UsageError("one IMAGE is needed");
  return {
    ...values,
    image: positionals[0],
    search: {
      scaleFactor: numberFrom(values["scale-factor"], "scale-factor"),
      minNeighbors: numberFrom(values["min-neighbors"], "min-neighbors"),
      minSize: sizeFrom(values["min-size"], "min-size"),
      maxSize: sizeFrom(values["max-size"], "max-size"),
    },
  };
}

function readCascade(path: string | undefined): Cascade {
  if (path === undefined) return frontalFaceCascade();
  if (!existsSync(path)) throw new CascadeError(path, "there is no such file");
  const text = readFileSync(path, "utf8");
  if (!text.trimStart().startsWith("{")) {
    return readCascadeXml(text, basename(path));
  }
  try {
    return readCompactCascade(JSON.parse(text), basename(path));
  } catch (error) {
    if (error instanceof CascadeError) throw error;
    throw new CascadeError(path, "this is neither XML nor JSON");
  }
}

/** Draws frames of two or more pixels in green. */
function frame(image: ColorImage, boxes: readonly Box[]): ColorImage {
  const { width, height } = image;
  const data = image.data.slice();
  const thick = Math.max(2, Math.round(Math.min(width, height) / 250));
  for (const box of boxes) {
    for (let y = box.y; y < box.y + box.height; y++) {
      for (let x = box.x; x < box.x + box.width; x++) {
        const edge = Math.min(
          ...[x - box.x, box.x + box.width - 1 - x],
          ...[y - box.y, box.y + box.height - 1 - y],
        );
        if (edge < thick) data.set([40, 220, 90, 255], 4 * (y * width + x));
      }
    }
  }
  return { width, height, data };
}

async function main() {
  const options = readOptions();
  if (options.out && !/\.png$/i.test(options.out)) {
    throw new UsageError(`${options.out} must end in .png`);
  }
  if (options.out && existsSync(options.out) && !options.force) {
    throw new UsageError(`${options.out} is there: use --force to replace it`);
  }
  const cascade = readCascade(options.cascade);
  const image = await readImage(options.image);
  const { width, height } = image;
  const gray = toGray(image);
  const faces = await detectFaces(
    options.equalize ? equalizeHistogram(gray) : gray,
    cascade,
    options.search,
  );
  if (options.out) await writePng(options.out, frame(image, faces));
  if (options.json) {
    const rects = faces.map((
      face,
    ) => [face.x, face.y, face.width, face.height]);
    console.log(JSON.stringify({ image: options.image, width, height, rects }));
    return;
  }
  console.log(`${options.image}: ${width}x${height}, ${faces.length} found`);
  for (const { x, y, width, height, neighbors } of faces) {
    console.log(`  ${width}x${height} at (${x}, ${y}), ${neighbors} neighbors`);
  }
  if (options.out) console.log(`written: ${options.out}`);
}

try {
  await main();
} catch (error) {
  const { message, code } = error as Error & { code?: string };
  const wrongUse = error instanceof UsageError || error instanceof RangeError ||
    String(code).startsWith("ERR_PARSE_ARGS");
  if (wrongUse) {
    console.error(`${message} (see --help)`);
    process.exit(2);
  }
  if (error instanceof CascadeError || error instanceof ImageError) {
    console.error(message);
    process.exit(1);
  }
  throw error;
}
