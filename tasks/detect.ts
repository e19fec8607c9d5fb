// Finds faces in a picture: prints their rectangles and, on request, writes
// the picture with frames around them. For emotions, see tasks/classify.ts.

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type Cascade, CascadeError } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { readCompactCascade } from "mien/haar/cascade_json.ts";
import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
import { equalizeHistogram, toGray } from "mien/image/gray.ts";
import type { Box } from "mien/image/box.ts";
import { DETECT_DEFAULTS, detectFaces } from "mien/haar/detector.ts";
import type { ColorImage } from "mien/image/gray.ts";
import { readImage, writePng } from "mien/image/image.ts";
import { naming } from "mien/write_whole.ts";
import {
  checkTarget,
  readNumber,
  readSize,
  runTask,
  UsageError,
  userPath,
} from "./command_line.ts";

const HELP = `Usage: deno task detect IMAGE [options]

Finds faces in a picture with a Haar cascade, as OpenCV does.

  --cascade FILE     another cascade: OpenCV's XML or the compact JSON
  --scale-factor F   ratio of one face size to the next, above 1 (default 1.1)
  --min-neighbors N  raw rectangles that a face needs (default 3; 0: show all)
  --min-size WxH     smallest face in pixels (default: no limit)
  --max-size WxH     largest face in pixels (default: no limit)
  --equalize         equalize the histogram first, for dark or pale pictures
  --json             print only {"image","width","height","rects":[[x,y,w,h]]}
  --out PICTURE      write the picture with the faces framed, as PNG
  --overwrite        replace PICTURE if it exists
  --help             show this text`;

/** In bytes; OpenCV's largest cascade has 3.4 MB. */
const LARGEST_CASCADE = 64_000_000;

function readCascade(path: string | undefined): Cascade {
  if (path === undefined) return frontalFaceCascade();
  const file = userPath(path);
  if (!existsSync(file)) throw new CascadeError(path, "no such file");
  const found = statSync(file);
  if (!found.isFile() || found.size > LARGEST_CASCADE) {
    throw new CascadeError(
      path,
      found.isFile() ? "is too large for a cascade" : "is not a file",
    );
  }
  const text = naming(path, () => readFileSync(file, "utf8"));
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
          x - box.x,
          box.x + box.width - 1 - x,
          y - box.y,
          box.y + box.height - 1 - y,
        );
        if (edge < thick) data.set([40, 220, 90, 255], 4 * (y * width + x));
      }
    }
  }
  return { width, height, data };
}

await runTask({
  help: HELP,
  options: {
    cascade: { type: "string" },
    "scale-factor": { type: "string" },
    "min-neighbors": { type: "string" },
    "min-size": { type: "string" },
    "max-size": { type: "string" },
    equalize: { type: "boolean" },
    json: { type: "boolean" },
    out: { type: "string" },
    overwrite: { type: "boolean" },
  },
  positionals: { least: 1, most: 1, what: "an IMAGE" },
}, async (options, [name]) => {
  const search = {
    scaleFactor: readNumber("scale-factor", options["scale-factor"], {
      least: 1.001,
      most: 1000,
    }) ?? DETECT_DEFAULTS.scaleFactor,
    minNeighbors: readNumber("min-neighbors", options["min-neighbors"], {
      least: 0,
      whole: true,
    }) ?? DETECT_DEFAULTS.minNeighbors,
    minSize: readSize("min-size", options["min-size"]) ??
      DETECT_DEFAULTS.minSize,
    maxSize: readSize("max-size", options["max-size"]) ??
      DETECT_DEFAULTS.maxSize,
  };
  const { out } = options;
  if (out !== undefined) {
    if (!/\.png$/i.test(out)) throw new UsageError(`${out} must end in .png`);
    checkTarget(userPath(out), out, options.overwrite);
  }
  const cascade = readCascade(options.cascade);
  const image = await readImage(userPath(name));
  const { width, height } = image;
  const gray = toGray(image);
  const faces = await detectFaces(
    options.equalize ? equalizeHistogram(gray) : gray,
    cascade,
    search,
  );
  if (out !== undefined) await writePng(userPath(out), frame(image, faces));
  if (options.json) {
    const rects = faces.map((face) => [
      face.x,
      face.y,
      face.width,
      face.height,
    ]);
    console.log(JSON.stringify({ image: name, width, height, rects }));
    return;
  }
  console.log(`${name}: ${width}x${height}, ${faces.length} found`);
  for (const { x, y, width, height, neighbors } of faces) {
    console.log(`  ${width}x${height} at (${x}, ${y}), ${neighbors} neighbors`);
  }
  if (out !== undefined) console.log(`written: ${out}`);
});
