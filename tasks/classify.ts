// deno task classify: finds the faces in pictures or folders and classifies
// their emotions. The work is in lib/recognition/recognize.ts and lib/recognition/annotate.ts.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, extname, join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { annotate } from "mien/recognition/annotate.ts";
import {
  IMAGE_EXTENSIONS,
  ImageError,
  readImage,
  writePng,
} from "mien/image/image.ts";
import { loadRecognizer, recognize } from "mien/recognition/recognize.ts";
import { createProgress } from "mien/progress.ts";
import type { RecognizedFace } from "mien/recognition/recognizer.ts";

const HELP = `Usage: deno task classify PATH… [options]

Finds the faces in pictures and says which emotion each shows. A PATH is a
picture (JPEG, PNG, BMP, GIF, TIFF, WebP) or a folder, taken with its
subfolders. A file that cannot be read is reported and skipped.

  --json         print everything as JSON
  --csv FILE     write a table: a row for each face
  --out DIR      write the pictures with the faces drawn in, as PNG
  --model DIR    use another trained model
  --emotions A,B  the names of its classes, in its order, where it has none
  --scale 0..1   what black and white are to it, where not -1..1
  --overwrite    replace files that exist already
  --help         show this text

Exit status: 0 when every file was read, 1 when one was not, 2 for wrong usage.`;

function wrongUsage(message: string): never {
  console.error(`${message} (--help shows how it is used)`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      allowPositionals: true,
      options: {
        json: { type: "boolean" },
        csv: { type: "string" },
        out: { type: "string" },
        model: { type: "string" },
        emotions: { type: "string" },
        scale: { type: "string" },
        overwrite: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    wrongUsage((error as Error).message);
  }
}

const { values: options, positionals } = readArguments();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
if (positionals.length === 0) wrongUsage("Which pictures?");

/** A picture, and where it lies below the path that the user gave. */
interface Input {
  readonly path: string;
  readonly below: string;
}

/** Pictures below a folder, by name; other files are passed over. */
function picturesIn(folder: string, top = folder): Input[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return picturesIn(path, top);
      const known: readonly string[] = IMAGE_EXTENSIONS;
      return known.includes(extname(path).toLowerCase())
        ? [{ path, below: relative(top, path) }]
        : [];
    });
}

const inputs = positionals.flatMap((path): Input[] => {
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    return [{ path, below: basename(path) }];
  }
  const pictures = picturesIn(path);
  if (pictures.length === 0) console.error(`${path}: no pictures in it`);
  return pictures;
});

if (options.csv && existsSync(options.csv) && !options.overwrite) {
  wrongUsage(`${options.csv} exists already: --overwrite replaces it`);
}

const round = (value: number) => Number(value.toFixed(5));

function asJson(face: RecognizedFace) {
  return {
    box: face.box,
    neighbours: face.neighbours,
    emotion: face.emotion,
    confidence: round(face.confidence),
    probabilities: Object.fromEntries(
      recognizer.emotions.map((
        name,
        i,
      ) => [name, round(face.probabilities[i])]),
    ),
  };
}

const quote = (text: string) =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function asRow(file: string, face: RecognizedFace): string {
  const { x, y, width, height } = face.box;
  const probabilities = Array.from(face.probabilities, (p) => p.toFixed(5));
  return [
    ...[quote(file), x, y, width, height, face.neighbours],
    ...[face.emotion, face.confidence.toFixed(5), ...probabilities],
  ].join(",");
}

/** Writes the annotated picture; its name keeps the source's. */
async function writeAnnotated(
  { below }: Input,
  out: string,
  image: Awaited<ReturnType<typeof readImage>>,
  faces: RecognizedFace[],
) {
  const target = join(out, `${below}.faces.png`);
  if (existsSync(target) && !options.overwrite) {
    throw new ImageError(target, "exists already: --overwrite replaces it");
  }
  mkdirSync(join(target, ".."), { recursive: true });
  await writePng(target, annotate(image, faces, recognizer.emotions));
}

const recognizer = await loadRecognizer(options.model, options).catch(
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
const results = [], rows = [];
const progress = createProgress("Classifying", inputs.length, "pictures");
let failures = 0;
for (const [i, input] of inputs.entries()) {
  const { path } = input;
  try {
    const image = await readImage(path);
    const faces = await recognize(image, recognizer);
    if (options.out) await writeAnnotated(input, options.out, image, faces);
    const { width, height } = image;
    results.push({ file: path, width, height, faces: faces.map(asJson) });
    rows.push(...faces.map((face) => asRow(path, face)));
    if (!options.json) {
      const found = faces.map(({ emotion, confidence, box }) =>
        `${emotion} ${Math.round(confidence * 100)}% at (${box.x}, ${box.y})`
      );
      console.log(`${path}: ${found.join("; ") || "no face found"}`);
    }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    failures++;
    results.push({ file: path, error: error.reason });
    console.error(error.message);
  }
  progress.update(i + 1);
}
progress.stop();

if (options.csv) {
  const columns = "file,x,y,width,height,neighbours,emotion,confidence";
  const table = [`${columns},${recognizer.emotions.join(",")}`, ...rows].join(
    "\n",
  );
  const partial = `${options.csv}.${process.pid}.part`;
  writeFileSync(partial, `${table}\n`);
  renameSync(partial, options.csv);
}
if (options.json) console.log(JSON.stringify(results, null, 2));
if (failures > 0) {
  console.error(`${failures} of ${inputs.length} files could not be used`);
}
process.exit(failures > 0 || inputs.length === 0 ? 1 : 0);
