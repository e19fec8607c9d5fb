/**
 * Emotions in a video: every frame's faces found, classified, tracked and
 * drawn in; written as an annotated MP4, a table and a chart.
 *
 * Decoding and encoding run in ffmpeg, detection and classification in
 * workers, tracking and drawing here; they work on different frames at the
 * same time. A fixed number of frames is in memory, whatever the length.
 * Live pictures from a camera are in `explorer/server.ts`.
 *
 * @module
 */
import { mkdir, open, rename } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import process from "node:process";
import { drawFaces, type PanelSide } from "../recognition/annotate.ts";
import { FacesTable } from "./faces_table.ts";
import {
  type Ffmpeg,
  findFfmpeg,
  VideoError,
  type VideoInfo,
} from "./ffmpeg.ts";
import { loadTrained } from "../recognition/recognize.ts";
import {
  type FaceSearch,
  type RecognizedFace,
  type TrainedNetwork,
  VIDEO_SEARCH,
} from "../recognition/recognizer.ts";
import { Timeline } from "./timeline.ts";
import { FaceTracker, SMOOTHING_SECONDS } from "../recognition/tracking.ts";
import { VideoReader } from "./reader.ts";
import { FrameTeam, type Slot } from "./team.ts";
import { VideoWriter } from "./writer.ts";
import { lumaToGray, Overlay } from "./yuv.ts";

/** What may be chosen; every field has a default. */
export interface VideoOptions {
  /** The folder for the results; it is made if missing. */
  readonly out: string;
  /** Whether results of an earlier run may be replaced; false. */
  readonly overwrite?: boolean;
  /** The network; by default that of the default model. */
  readonly trained?: TrainedNetwork;
  readonly search?: FaceSearch;
  /** Time constant of the moving average in seconds; see `recognition/tracking.ts`. */
  readonly smoothingSeconds?: number;
  /** Workers that find faces; by default one for each core, four at most. */
  readonly workers?: number;
  readonly ffmpeg?: Ffmpeg;
  /** Told after every frame; `total` is an estimate, 0 where unknown. */
  readonly onProgress?: (frames: number, total: number) => void;
}

/** What was made of a video. */
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
}

/** Where the results of a video go: three files named after it. */
export function videoResultPaths(file: string, out: string) {
  const name = basename(file, extname(file));
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
 * result cannot be written, or exists already
 */
export async function annotateVideo(
  file: string,
  options: VideoOptions,
): Promise<VideoResult> {
  const paths = videoResultPaths(file, options.out);
  const ffmpeg = options.ffmpeg ?? await findFfmpeg();
  const trained = options.trained ?? await loadTrained();
  const started = performance.now();
  const { reader, info } = await VideoReader.open(file, ffmpeg);
  let writer: VideoWriter | undefined, table: FacesTable | undefined;
  let team: FrameTeam | undefined;
  try {
    await mkdir(options.out, { recursive: true });
    if (!options.overwrite) {
      for (const path of Object.values(paths)) await refuseExisting(path);
    }
    team = await FrameTeam.start(
      info,
      trained,
      options.search ?? VIDEO_SEARCH,
      options.workers ?? Math.min(navigator.hardwareConcurrency || 1, 4),
    );
    writer = await VideoWriter.create(paths.video, file, info, ffmpeg);
    table = await FacesTable.create(paths.table);
    const seen = await annotateFrames(
      reader,
      info,
      team,
      writer,
      table,
      options,
    );
    if (seen.frames === 0) throw new VideoError(file, "has no frame in it");
    await writer.close();
    await table.close();
    await writeWhole(paths.chart, seen.timeline.toSvg(basename(file)));
    const elapsed = (performance.now() - started) / 1000;
    const complaint = await reader.complaint();
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
    };
  } catch (error) {
    await writer?.abort();
    await table?.abort();
    throw error;
  } finally {
    team?.stop();
    await reader.close();
  }
}

/** Reads and hands out frames ahead of the one that is drawn and written. */
async function annotateFrames(
  reader: VideoReader,
  info: VideoInfo,
  team: FrameTeam,
  writer: VideoWriter,
  table: FacesTable,
  options: VideoOptions,
) {
  const total = Math.round((info.seconds - info.start) * info.frameRate);
  const tracker = new FaceTracker(
    options.smoothingSeconds ?? SMOOTHING_SECONDS,
  );
  const overlay = new Overlay(info.width, info.height);
  const sides = new Map<number, PanelSide>();
  const timeline = new Timeline();
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
    const { slot, seconds, work } = queue[0];
    const faces = tracker.update(await work, seconds);
    drawFaces(overlay.image, faces, sides, overlay.touched);
    overlay.blendInto(slot.frame);
    const written = writer.write(slot.frame, seconds);
    await table.add(seen.frames, seconds, faces);
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

async function refuseExisting(path: string) {
  const exists = await open(path, "r").then(
    async (handle) => {
      await handle.close();
      return true;
    },
    () => false,
  );
  if (exists) {
    throw new VideoError(
      path,
      "exists already: choose another folder, or allow to replace it",
    );
  }
}

async function writeWhole(path: string, text: string) {
  const partial = `${path}.${process.pid}.part`;
  const handle = await open(partial, "w");
  await handle.write(text);
  await handle.close();
  await rename(partial, path);
}
