/**
 * Describes a video before its frames are read: ffmpeg decodes the first one.
 *
 * Facts about the picture come from the filter `showinfo`, whose log lines have
 * a random name in each run, so that a file's metadata cannot imitate them.
 * Length and sound come from the rest of ffmpeg's log.
 *
 * @module
 */
import { open, stat } from "node:fs/promises";
import {
  type Ffmpeg,
  fileArgument,
  type LogLine,
  readLog,
  VideoError,
} from "./ffmpeg.ts";

/** How a video's colors are encoded, in ffmpeg's terms; "" if unknown. */
export interface VideoColor {
  /** "tv": luma 16 to 235; "pc": 0 to 255. */
  readonly range: string;
  readonly space: string;
  readonly primaries: string;
  /** The transfer curve, such as "bt709" or "smpte2084" (HDR). */
  readonly transfer: string;
}

/** The properties of a video. */
export interface VideoInfo {
  /** Of the first frame, in pixels. */
  readonly sourceWidth: number;
  /** Of the first frame, in pixels. */
  readonly sourceHeight: number;
  /** In pixels, even: an odd source is padded by one. */
  readonly width: number;
  /** In pixels, even: an odd source is padded by one. */
  readonly height: number;
  /** Frames per second, according to the file; 0 if unknown. */
  readonly frameRate: number;
  /** The first frame's time in seconds: sound may start before it. */
  readonly start: number;
  /** Length in seconds, according to the file; 0 if unknown. */
  readonly seconds: number;
  /** The codec of each audio track. */
  readonly sound: readonly string[];
  /** Pixel shape, such as "1/1". */
  readonly pixelAspect: string;
  readonly color: VideoColor;
  /** The tick of the file's clock in seconds, such as "1/90000". */
  readonly timeBase: string;
  /** ffmpeg's name for the container, such as "matroska,webm". */
  readonly container: string;
}

/** The transfer curves of HDR: PQ and HLG. */
export function isHdr({ transfer }: VideoColor): boolean {
  return transfer === "smpte2084" || transfer === "arib-std-b67";
}

/** What the filter `showinfo` logs about a frame. */
export interface FrameFacts {
  /** Its time in ticks of the file's clock; null if the file has none. */
  readonly ticks: number | null;
  readonly width: number;
  readonly height: number;
  readonly pixelAspect: string;
}

/** The filter `showinfo`, under a name that no file can guess. */
export class FrameLog {
  readonly name = `showinfo@${crypto.randomUUID().slice(0, 13)}`;
  readonly filter = `${this.name}=checksum=0`;
  /** Seconds in a tick. */
  timeBase = "1/90000";
  /** Frames per second; 0 if unknown. */
  frameRate = 0;
  private color: VideoColor | undefined;

  /** The frame that a line of the log describes, if any. */
  take({ from, text }: LogLine): FrameFacts | undefined {
    if (from !== this.name) return;
    const [, base, above, below] = text.match(
      /^config in time_base: (\d+\/\d+), frame_rate: (\d+)\/(\d+)/,
    ) ?? [];
    if (base) {
      this.timeBase = base;
      this.frameRate = Number(below) > 0 ? Number(above) / Number(below) : 0;
    }
    const [, range, space, primaries, transfer] = text.match(
      /^color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/,
    ) ?? [];
    if (range) this.color ??= { range, space, primaries, transfer };
    const [, ticks, pixelAspect, width, height] = text.match(
      /^n: *\d+ pts: *(\S+) .*\bsar:(\d+\/\d+) s:(\d+)x(\d+) /,
    ) ?? [];
    if (!ticks) return;
    return {
      ticks: ticks === "NOPTS" ? null : Number(ticks),
      pixelAspect: pixelAspect.startsWith("0/") ? "1/1" : pixelAspect,
      width: Number(width),
      height: Number(height),
    };
  }

  /** The colors of the first frame. */
  firstColor(): VideoColor {
    const known = (word = "") => /^(unknown|reserved)$/.test(word) ? "" : word;
    const { range, space, primaries, transfer } = this.color ?? {};
    return {
      range: known(range),
      space: known(space),
      primaries: known(primaries),
      transfer: known(transfer),
    };
  }

  /** Ticks in seconds. */
  seconds(ticks: number): number {
    const [above, below] = this.timeBase.split("/").map(Number);
    return ticks * above / below;
  }
}

/** Options for reading a file that may be hostile. */
// deno-fmt-ignore
export const READ_OPTIONS = [
  "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info",
  // A playlist must not make ffmpeg fetch from elsewhere.
  "-protocol_whitelist", "file,pipe",
];

/**
 * Reads the properties of a video.
 *
 * @throws {VideoError} no such file, a single picture, no frame that can be
 * read
 */
export async function probeVideo(
  file: string,
  ffmpeg: Ffmpeg,
): Promise<VideoInfo> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new VideoError(file, "no such file");
  if (!found.isFile()) throw new VideoError(file, "is not a file");
  const frames = new FrameLog(), words = new Words();
  let first: FrameFacts | undefined;
  const child = new Deno.Command(ffmpeg.path, {
    // deno-fmt-ignore
    args: [
      ...READ_OPTIONS, "-i", fileArgument(file), "-map", "0:V:0",
      "-vf", frames.filter, ...ffmpeg.everyFrame,
      "-frames:v", "1", "-f", "null", "-",
      // The audio tracks, in a machine-readable form.
      "-map", "0:V:0", "-map", "0:a?", "-c", "copy", "-frames:v", "1",
      "-shortest", "-f", "framecrc", "pipe:1",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const sound: string[] = [];
  await Promise.all([
    readLog(child.stdout, ({ text }) => {
      const codec = text.match(/^#codec_id [1-9]\d*: (\S+)/)?.[1];
      if (codec) sound.push(codec);
    }),
    readLog(child.stderr, (line) => {
      words.take(line);
      const facts = frames.take(line);
      first ??= facts;
    }),
  ]);
  await child.status;
  if (isPicture(words.container)) {
    throw new VideoError(
      file,
      "is a picture, not a video: deno task classify finds its faces",
    );
  }
  if (!first) throw new VideoError(file, await whyUnreadable(file, words));
  const { width, height, pixelAspect } = first;
  return {
    sourceWidth: width,
    sourceHeight: height,
    width: width + width % 2,
    height: height + height % 2,
    frameRate: frames.frameRate,
    start: first.ticks === null ? 0 : frames.seconds(first.ticks),
    seconds: words.seconds,
    sound,
    pixelAspect,
    color: frames.firstColor(),
    timeBase: frames.timeBase,
    container: words.container,
  };
}

/** What ffmpeg logs about a file; from `Stream mapping` on, only its errors. */
class Words {
  container = "";
  seconds = 0;
  readonly troubles: string[] = [];
  private over = false;

  take({ from, level, text }: LogLine) {
    if (/^(error|fatal)$/.test(level) && this.troubles.length < 9) {
      this.troubles.push(text);
    }
    if (from !== "" || this.over) return;
    if (/^(Stream mapping|Output #)/.test(text)) this.over = true;
    this.container ||= text.match(/^Input #0, (\S+), from /)?.[1] ?? "";
    const [, h, m, s] = text.match(/^ {2}Duration: (\d+):(\d+):([\d.]+),/) ??
      [];
    if (h) this.seconds ||= Number(h) * 3600 + Number(m) * 60 + Number(s);
  }
}

/** Containers that hold one picture; an animated GIF is a video. */
function isPicture(container: string): boolean {
  return /^(image2|\w+_pipe)$/.test(container);
}

async function whyUnreadable(file: string, words: Words): Promise<string> {
  const said = words.troubles.join("\n");
  if (/matches no streams/.test(said)) return "contains no video";
  if (/moov atom not found/.test(said) && await isMp4(file)) {
    return "cannot be read: it is cut off, and the index at the end of an MP4 " +
      "is missing; copy or download it again";
  }
  if (words.container !== "" && words.troubles.length === 0) {
    return "contains no frames";
  }
  const about = words.troubles.find((t) => t.includes(file)) ??
    words.troubles[0] ?? "no frame was found";
  return `is not a video that ffmpeg can read (${about})`;
}

/** Whether a file begins as an MP4 does, whatever its name. */
async function isMp4(file: string): Promise<boolean> {
  const handle = await open(file);
  const head = new Uint8Array(8);
  await handle.read(head, 0, 8, 0);
  await handle.close();
  return String.fromCharCode(...head.subarray(4)) === "ftyp";
}
