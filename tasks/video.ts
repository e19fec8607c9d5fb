// deno task video: annotates a video with faces and emotions. The work is in
// lib/video/video.ts.

import { dirname } from "node:path";
import process from "node:process";
import { loadTrained } from "mien/recognition/recognize.ts";
import { createProgress, type Progress } from "mien/progress.ts";
import { SMOOTHING_SECONDS } from "mien/recognition/tracking.ts";
import { annotateVideo, type VideoResult } from "mien/video/video.ts";
import { readNumber, runTask, userPath } from "./command_line.ts";

const HELP = `Usage: deno task video FILE [options]

Finds the faces in every frame, tracks them, classifies their emotions, and
writes three files: FILE's name with .faces.mp4 (annotated, sound kept),
.faces.csv (a row for every frame and face) and .emotions.svg (a chart).
The extension is kept unless it is .mp4: clip.mov gives clip.mov.faces.mp4.
Needs ffmpeg on PATH.

  --out DIR        where to write (default: next to FILE)
  --smoothing S    time constant of the moving average of probabilities in
                   seconds, 0 for none (default: ${SMOOTHING_SECONDS})
  --thorough       also find tilted and turned faces; slower
  --threshold P    the confidence, 0 to 1, below which a face is unsure, 0 for
                   none (default: the model's)
  --model DIR      use another trained model
  --emotions A,B   the names of its classes, in its order, if it has none
  --scale 0..1     the values it expects for black and white, if not -1..1
  --overwrite      replace existing files
  --json           print the result as JSON
  --help           show this text

Ctrl-C stops and leaves no file behind.
Exit status: 0 for success, 1 if it failed or the file was truncated, 2 for
incorrect usage.`;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A progress bar that starts over if the estimate grew. */
class Frames {
  private bar: Progress | undefined;
  private announced = 0;

  update(frames: number, total: number) {
    if (!this.bar || total > this.announced * 1.01) {
      this.stop();
      this.bar = createProgress("Annotating", total, "frames");
      this.announced = total;
    }
    this.bar.update(frames);
  }

  stop() {
    this.bar?.stop();
  }
}

function tell(result: VideoResult) {
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

await runTask({
  help: HELP,
  options: {
    out: { type: "string" },
    smoothing: { type: "string" },
    thorough: { type: "boolean" },
    threshold: { type: "string" },
    model: { type: "string" },
    emotions: { type: "string" },
    scale: { type: "string" },
    overwrite: { type: "boolean" },
    json: { type: "boolean" },
  },
  positionals: { least: 1, most: 1, what: "FILE" },
}, async (options, positionals) => {
  const smoothingSeconds = readNumber("smoothing", options.smoothing, {
    least: 0,
  });
  const threshold = readNumber("threshold", options.threshold, {
    least: 0,
    most: 1,
  });
  const file = userPath(positionals[0]);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130); // A second Ctrl-C: at once.
    stop.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const progress = new Frames();
  try {
    const result = await annotateVideo(file, {
      out: options.out ? userPath(options.out) : dirname(file),
      overwrite: options.overwrite,
      smoothingSeconds,
      thorough: options.thorough,
      threshold,
      trained: await loadTrained(
        options.model && userPath(options.model),
        options,
      ),
      signal: stop.signal,
      onProgress: (frames, total) => progress.update(frames, total),
    });
    progress.stop();
    for (const warning of result.warnings) {
      console.error(`${file}: ${warning}`);
    }
    if (options.json) console.log(JSON.stringify(result, null, 2));
    else tell(result);
    if (result.problem) {
      console.error(`${file}: ${result.problem}`);
      return 1;
    }
  } catch (error) {
    progress.stop();
    if (!stop.signal.aborted) throw error;
    console.error(`${file}: stopped; nothing was written`);
    return 130;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
});
