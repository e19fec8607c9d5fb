/**
 * Emotions in a video: finds, classifies and tracks the faces in every frame, and
 * writes an annotated MP4, a table and a chart.
 *
 * Decoding and encoding run in ffmpeg, detection and classification in
 * workers, tracking and drawing here; they work on different frames at the
 * same time. A fixed number of frames is in memory, whatever the length.
 * Live video from a camera is in `explorer/rooms/camera.ts`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { drawFaces, type PanelSide } from "../recognition/annotate.ts";
import { FacesTable } from "./faces_table.ts";
import { makeFolder, writeWhole } from "../write_whole.ts";
import { type Ffmpeg, findFfmpeg, VideoError } from "./ffmpeg.ts";
import type { VideoInfo } from "./probe.ts";
import { loadTrained } from "../recognition/recognize.ts";
import type { RecognizedFace } from "../recognition/recognizer.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { Timeline } from "./timeline.ts";
import { FaceTracker, SMOOTHING_SECONDS } from "../recognition/tracking.ts";
import { VideoReader } from "./reader.ts";
import { FrameTeam, type Slot } from "./team.ts";
import { VideoWriter } from "./writer.ts";
import { lumaToGray, Overlay } from "./yuv.ts";

/** What can be chosen; everything but the folder has a default. */
export interface VideoOptions {
  /** The folder for the results; it is created if missing. */
  readonly out: string;
  /** Whether results of an earlier run may be replaced; by default, no. */
  readonly overwrite?: boolean;
  /** The network; by default that of the default model. */
  readonly trained?: TrainedNetwork;
  /** Also finds tilted and turned faces, see `recognition/recognize.ts`. */
  readonly thorough?: boolean;
  /** The confidence below which a face is unsure; by default the model's. */
  readonly threshold?: number;
  /** Time constant of the moving average in seconds; see `recognition/tracking.ts`. */
  readonly smoothingSeconds?: number;
  /** Workers that find faces; by default one for each core, four at most. */
  readonly workers?: number;
  readonly ffmpeg?: Ffmpeg;
  /** Stops the work: no file is left behind, and the promise is rejected. */
  readonly signal?: AbortSignal;
  /** Called after every frame; `total` is an estimate, 0 if unknown. */
  readonly onProgress?: (frames: number, total: number) => void;
}

/** The result of annotating a video. */
export interface VideoResult {
  /** The annotated MP4. */
  readonly video: string;
  /** The table: a row for every frame and face. */
  readonly table: string;
  /** The chart of emotion over time, SVG. */
  readonly chart: string;
  readonly frames: number;
  /** Frames without a face. */
  readonly framesWithoutFace: number;
  readonly tracks: number;
  /** Seconds of video. */
  readonly seconds: number;
  /** Seconds of work, decoding and encoding included. */
  readonly elapsed: number;
  readonly framesPerSecond: number;
  readonly width: number;
  readonly height: number;
  /** What was wrong with the file, such as a missing end; null if nothing. */
  readonly problem: string | null;
  /** What the user should know, such as times that go back. */
  readonly warnings: readonly string[];
}

/**
 * Where the results of a video go: three files named after it. An extension
 * other than .mp4 stays in the name, so that clip.mp4 and clip.mov have separate
 * results.
 */
function resultPaths(file: string, out: string) {
  const name = extname(file) === ".mp4"
    ? basename(file, ".mp4")
    : basename(file);
  return {
    video: join(out, `${name}.faces.mp4`),
    table: join(out, `${name}.faces.csv`),
    chart: join(out, `${name}.emotions.svg`),
  };
}

/**
 * Annotates a video: `<name>.faces.mp4` with the sound kept,
 * `<name>.faces.csv` and `<name>.emotions.svg` in the folder `out`.
 *
 * @throws {VideoError} when the file is not a video that can be read, a
 * result cannot be written, or already exists
 * @throws {FileError} when the folder or the table cannot be written
 */
export async function annotateVideo(
  file: string,
  options: VideoOptions,
): Promise<VideoResult> {
  const { signal } = options;
  const paths = resultPaths(file, options.out);
  if (!options.overwrite) Object.values(paths).forEach(refuseExisting);
  const ffmpeg = options.ffmpeg ?? await findFfmpeg();
  const network = options.trained ?? await loadTrained();
  const threshold = options.threshold ?? network.threshold ?? 0;
  const trained = { ...network, threshold };
  const started = performance.now();
  const { reader, info } = await VideoReader.open(file, ffmpeg);
  let writer: VideoWriter | undefined, table: FacesTable | undefined;
  let team: FrameTeam | undefined;
  try {
    signal?.throwIfAborted();
    makeFolder(options.out);
    table = new FacesTable(paths.table, trained.emotions);
    writer = await VideoWriter.create(paths.video, file, info, ffmpeg);
    team = await FrameTeam.start(
      info,
      trained,
      options.thorough ?? false,
      options.workers ?? Math.min(navigator.hardwareConcurrency || 1, 4),
    );
    const seen = await annotateFrames(
      reader,
      info,
      team,
      writer,
      table,
      { ...options, trained, threshold },
    );
    if (seen.frames === 0) throw new VideoError(file, "contains no frames");
    const unheard = await writer.finish();
    const complaint = await reader.complaint() ?? unheard;
    table.finish();
    signal?.throwIfAborted();
    writeWhole(paths.chart, seen.timeline.toSvg(basename(file)));
    table.publish();
    writer.publish();
    const elapsed = (performance.now() - started) / 1000;
    return {
      ...paths,
      frames: seen.frames,
      framesWithoutFace: seen.framesWithoutFace,
      tracks: seen.tracks,
      seconds: seen.seconds,
      elapsed,
      framesPerSecond: seen.frames / elapsed,
      width: info.width,
      height: info.height,
      problem: complaint &&
        `cut off or damaged: ${seen.frames} frames up to second ` +
          `${seen.seconds.toFixed(1)} of ${info.seconds.toFixed(1)} could be ` +
          `read (ffmpeg: ${complaint})`,
      warnings: reader.warnings,
    };
  } catch (error) {
    await writer?.abort();
    table?.abort();
    // Ctrl-C also stops ffmpeg: its complaint then says nothing new.
    signal?.throwIfAborted();
    throw error;
  } finally {
    team?.stop();
    await reader.close();
  }
}

/** Reads frames and gives them to workers ahead of the one that is written. */
async function annotateFrames(
  reader: VideoReader,
  info: VideoInfo,
  team: FrameTeam,
  writer: VideoWriter,
  table: FacesTable,
  options: VideoOptions & { trained: TrainedNetwork },
) {
  const { emotions } = options.trained;
  const total = Math.round((info.seconds - info.start) * info.frameRate);
  const tracker = new FaceTracker(
    options.smoothingSeconds ?? SMOOTHING_SECONDS,
    options.threshold,
  );
  const overlay = new Overlay(info.width, info.height);
  const sides = new Map<number, PanelSide>();
  const timeline = new Timeline(emotions);
  const seen = {
    frames: 0,
    framesWithoutFace: 0,
    tracks: 0,
    seconds: 0,
    timeline,
  };
  const queue: {
    slot: Slot;
    seconds: number;
    work: Promise<RecognizedFace[]>;
  }[] = [];
  let atEnd = false;
  const readAhead = async () => {
    while (!atEnd && queue.length < team.slots.length) {
      const slot = team.slots.find((s) => !s.busy)!;
      const seconds = await reader.read(slot.frame);
      if (seconds === null) {
        atEnd = true;
        return;
      }
      lumaToGray(slot.frame, slot.gray);
      queue.push({ slot, seconds, work: team.recognize(slot) });
    }
  };
  await readAhead();
  while (queue.length > 0) {
    options.signal?.throwIfAborted();
    const { slot, seconds, work } = queue[0];
    const faces = tracker.update(await work, seconds);
    drawFaces(overlay.image, faces, {
      sides,
      touched: overlay.touched,
      emotions,
    });
    overlay.blendInto(slot.frame);
    const written = writer.write(slot.frame, seconds);
    table.add(seen.frames, seconds, faces);
    timeline.reach(seconds);
    for (const { track, probabilities, face } of faces) {
      timeline.add(track, seconds, probabilities, face.crop);
      seen.tracks = Math.max(seen.tracks, track);
    }
    seen.frames++;
    seen.seconds = seconds;
    if (faces.length === 0) seen.framesWithoutFace++;
    options.onProgress?.(
      seen.frames,
      total > 0 ? Math.max(total, seen.frames) : 0,
    );
    await written;
    slot.busy = false;
    queue.shift();
    await readAhead();
  }
  return seen;
}

function refuseExisting(path: string) {
  if (!existsSync(path)) return;
  throw new VideoError(
    path,
    "already exists: choose another folder, or allow replacing it",
  );
}
