// deno task video: annotates a video with faces and emotions. The work is in
// lib/video/video.ts.

import { dirname } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { FileError } from "mien/write_whole.ts";
import { VideoError } from "mien/video/ffmpeg.ts";
import { InferenceError, loadTrained } from "mien/recognition/recognize.ts";
import { createProgress, type Progress } from "mien/progress.ts";
import { SMOOTHING_SECONDS } from "mien/recognition/tracking.ts";
import { annotateVideo } from "mien/video/video.ts";

const HELP = `Usage: deno task video FILE [options]

Finds the faces in every frame, follows them, classifies their emotions, and
writes three files: FILE's name with .faces.mp4 (annotated, sound kept),
.faces.csv (a row for every frame and face) and .emotions.svg (a chart).

  --out DIR        where to write (default: beside FILE)
  --smoothing S    time constant of the moving average of probabilities in
                   seconds, 0 for none (default: ${SMOOTHING_SECONDS})
  --model DIR      use another trained model
  --overwrite      replace files that exist already
  --json           print the result as JSON
  --help           show this text

Exit status: 0, 1 when it failed or the file was cut off, 2 for wrong usage.`;

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
        out: { type: "string" },
        smoothing: { type: "string", default: String(SMOOTHING_SECONDS) },
        model: { type: "string" },
        overwrite: { type: "boolean" },
        json: { type: "boolean" },
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
if (positionals.length !== 1) wrongUsage("Which video? Exactly one.");
const [file] = positionals;
const smoothingSeconds = Number(options.smoothing);
if (!(smoothingSeconds >= 0)) {
  wrongUsage(`--smoothing ${options.smoothing} is not a number of seconds`);
}

let progress: Progress | undefined, announced = 0;
try {
  const result = await annotateVideo(file, {
    out: options.out ?? dirname(file),
    overwrite: options.overwrite,
    smoothingSeconds,
    trained: await loadTrained(options.model),
    onProgress(frames, total) {
      if (!progress || total > announced * 1.01) {
        progress?.stop();
        progress = createProgress("Annotating", total, "frames");
        announced = total;
      }
      progress.update(frames);
    },
  });
  progress?.stop();
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else {
    console.log(
      `${result.frames} frames of ${result.width} x ${result.height}, ` +
        `${result.tracks} ${result.tracks === 1 ? "face" : "faces"}, ` +
        `${result.framesWithoutFace} frames without one: ` +
        `${result.framesPerSecond.toFixed(1)} frames per second ` +
        `(${result.elapsed.toFixed(1)} s)`,
    );
    for (const path of [result.video, result.table, result.chart]) {
      console.log(`wrote ${path}`);
    }
  }
  if (result.problem) {
    console.error(`${file}: ${result.problem}`);
    process.exitCode = 1;
  }
} catch (error) {
  progress?.stop();
  const expected = error instanceof VideoError ||
    error instanceof InferenceError || error instanceof FileError;
  if (!expected) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
