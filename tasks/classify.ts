// deno task classify: finds the faces in pictures or folders and classifies
// their emotions. The work is in lib/recognition/recognize.ts and lib/recognition/annotate.ts.

import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { annotate } from "mien/recognition/annotate.ts";
import { ImageError, readImage, writePng } from "mien/image/image.ts";
import { loadRecognizer, recognize } from "mien/recognition/recognize.ts";
import { createProgress } from "mien/progress.ts";
import type { RecognizedFace } from "mien/recognition/recognizer.ts";
import { makeFolder } from "mien/write_whole.ts";
import {
  readNumber,
  runTask,
  tryFolder,
  UsageError,
  userPath,
} from "./command_line.ts";
import { FacesCsv } from "./faces_csv.ts";
import {
  describeLeftOut,
  findPictures,
  type FoundPicture,
} from "./find_pictures.ts";
import { JsonList } from "./json_list.ts";

const HELP = `Usage: deno task classify PATH… [options]

Finds the faces in pictures and says which emotion each shows. A PATH is a
picture (JPEG, PNG, BMP, GIF, TIFF, WebP, HEIC, AVIF) or a folder, including
its subfolders. Files that cannot be read are named and skipped; files that are
not pictures, and results of earlier runs, are counted and left out.

  --json         print everything as JSON
  --csv FILE     write a table with a row for each face as soon as it is found
  --out DIR      write the pictures with the faces drawn in, as PNG
  --thorough     also find tilted and turned faces; slower
  --threshold P  the confidence, 0 to 1, below which a face is unsure, 0 for none
                 (default: the model's)
  --model DIR    use another trained model
  --emotions A,B the names of its classes, in its order, if it has none
  --scale 0..1   the values it expects for black and white, if not -1..1
  --overwrite    replace existing files
  --resume       continue the table of a run that was stopped
  --help         show this text

Ctrl-C stops after the current picture and keeps the results so far.

Exit status: 0 if every file was read, 1 if one was not, 2 for incorrect usage,
130 after Ctrl-C.`;

const round = (value: number) => Number(value.toFixed(5));

function asJson(face: RecognizedFace, emotions: readonly string[]) {
  return {
    box: face.box,
    turn: face.turn,
    neighbours: face.neighbours,
    emotion: face.emotion,
    confidence: round(face.confidence),
    unsure: face.unsure,
    probabilities: Object.fromEntries(
      emotions.map((name, i) => [name, round(face.probabilities[i])]),
    ),
  };
}

function asText(faces: readonly RecognizedFace[]): string {
  const found = faces.map(({ emotion, confidence, unsure, box }) =>
    `${unsure ? "unsure, perhaps " : ""}${emotion} ${
      Math.round(confidence * 100)
    }% at (${box.x}, ${box.y})`
  );
  return found.join("; ") || "no face found";
}

/** macOS and Windows ignore case, and treat composed and decomposed letters as the same. */
const key = (path: string) => path.normalize("NFC").toLowerCase();

/**
 * Where each annotated picture goes: at its path below its folder. Pictures that would collide
 * keep more of their paths, until all pictures differ.
 */
function chooseTargets(
  pictures: readonly FoundPicture[],
  out: string,
): string[] {
  const counts = new Map<string, number>();
  for (const { below } of pictures) {
    counts.set(key(below), (counts.get(key(below)) ?? 0) + 1);
  }
  const common = commonFolder(pictures.map(({ path }) => dirname(path)));
  const targets = pictures.map(({ below, path }) => {
    const place = counts.get(key(below)) === 1 ? below : relative(common, path);
    return resolve(out, `${place}.faces.png`);
  });
  const sources = new Set(pictures.map(({ path }) => key(path)));
  const taken = new Map<string, string>();
  pictures.forEach(({ name }, i) => {
    const other = taken.get(key(targets[i]));
    if (other !== undefined) {
      throw new UsageError(
        `"${other}" and "${name}" would have the same result, ${targets[i]}: ` +
          "classify them one at a time, each with its own --out",
      );
    }
    if (sources.has(key(targets[i]))) {
      throw new UsageError(
        `the result for "${name}" would replace ${targets[i]}, one of the ` +
          "pictures to classify: choose another --out",
      );
    }
    taken.set(key(targets[i]), name);
  });
  return targets;
}

/** The folder that contains all the folders. */
function commonFolder(folders: readonly string[]): string {
  let common = folders[0] ?? "";
  const inside = (folder: string) =>
    folder === common || folder.startsWith(join(common, "/"));
  while (!folders.every(inside) && dirname(common) !== common) {
    common = dirname(common);
  }
  return common;
}

await runTask({
  help: HELP,
  options: {
    json: { type: "boolean" },
    csv: { type: "string" },
    out: { type: "string" },
    thorough: { type: "boolean" },
    threshold: { type: "string" },
    model: { type: "string" },
    emotions: { type: "string" },
    scale: { type: "string" },
    overwrite: { type: "boolean" },
    resume: { type: "boolean" },
  },
  positionals: { least: 1, most: Infinity, what: "a PATH" },
}, async (options, paths) => {
  const { csv, out, overwrite, resume } = options;
  if (resume && csv === undefined) {
    throw new UsageError("--resume continues the table that --csv names");
  }
  if (resume && overwrite) {
    throw new UsageError("--resume and --overwrite cannot be combined");
  }
  const { pictures, leftOut, unreadable } = findPictures(paths);
  const targets = out === undefined
    ? []
    : chooseTargets(pictures, userPath(out));
  const present = targets.filter((target) => existsSync(target));
  if (present.length > 0 && !overwrite && !resume) {
    throw new UsageError(
      `${present.length} of the results already exist, first ${present[0]}: ` +
        "--overwrite replaces them",
    );
  }
  const recognizer = await loadRecognizer(
    options.model === undefined ? undefined : userPath(options.model),
    {
      thorough: options.thorough,
      threshold: readNumber("threshold", options.threshold, {
        least: 0,
        most: 1,
      }),
      emotions: options.emotions,
      scale: options.scale,
    },
  );
  const { emotions } = recognizer;
  if (out !== undefined) {
    makeFolder(userPath(out));
    tryFolder(userPath(out), out);
  }
  const table = csv === undefined
    ? undefined
    : FacesCsv.open(userPath(csv), csv, { overwrite, resume, emotions });
  const first = table?.resumeAt === undefined
    ? 0
    : pictures.findIndex(({ name }) => name === table.resumeAt);
  if (first < 0) {
    throw new UsageError(
      `${csv} ends with "${
        table!.resumeAt
      }", which is not among the pictures: ` +
        "--resume needs the same PATHs as before",
    );
  }
  for (const message of unreadable) console.error(message);
  if (pictures.length === 0) console.error(`${paths.join(", ")}: no pictures`);
  if (first > 0) {
    console.error(`${first} of ${pictures.length} pictures are already done`);
  }

  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const list = options.json ? new JsonList() : undefined;
  const progress = createProgress("Classifying", pictures.length, "pictures");
  let failures = 0, done = first;
  try {
    for (; done < pictures.length && !stopped; done++) {
      const { name, path } = pictures[done];
      try {
        const image = await readImage(path);
        const faces = await recognize(image, recognizer);
        if (out !== undefined) {
          makeFolder(dirname(targets[done]));
          await writePng(targets[done], annotate(image, faces, emotions));
        }
        table?.add(name, faces);
        const { width, height } = image;
        list?.add({
          file: name,
          width,
          height,
          faces: faces.map((face) => asJson(face, emotions)),
        });
        if (!options.json) console.log(`${name}: ${asText(faces)}`);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        failures++;
        const { reason } = error;
        list?.add({ file: name, error: reason });
        console.error(`${name}: ${reason}`);
      }
      progress.update(done + 1);
    }
  } finally {
    progress.stop();
    table?.close();
    process.removeListener("SIGINT", stop);
    process.removeListener("SIGTERM", stop);
    list?.end();
    for (const line of describeLeftOut(leftOut)) console.error(line);
  }
  const unread = failures + unreadable.length;
  if (unread > 0) {
    const all = pictures.length + unreadable.length;
    console.error(`${unread} of ${all} files could not be used`);
  }
  if (stopped) {
    console.error(
      `stopped after ${done} of ${pictures.length} pictures` +
        (csv === undefined ? "" : "; --resume continues"),
    );
    return 130;
  }
  return unread > 0 || pictures.length === 0 ? 1 : 0;
});
