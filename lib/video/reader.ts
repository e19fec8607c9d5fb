/**
 * Decodes the frames of a video file with ffmpeg, in a separate process: each
 * frame once, with its time, in the source's order and at the size of the first
 * one.
 *
 * @module
 */
import { type Ffmpeg, fileArgument, type LogLine, readLog } from "./ffmpeg.ts";
import { FrameClock } from "./frame_clock.ts";
import {
  type FrameFacts,
  FrameLog,
  isHdr,
  probeVideo,
  READ_OPTIONS,
  type VideoInfo,
} from "./probe.ts";
import type { YuvFrame } from "./yuv.ts";

/** Reads the frames of one video, in order. */
export class VideoReader {
  /** What the user should know about this video, as far as it has been read. */
  readonly warnings: string[] = [];
  private pending = new Uint8Array(0);
  private readonly facts: FrameFacts[] = [];
  private readonly troubles: string[] = [];
  private readonly clock: FrameClock;
  private size: string;
  private wake = () => {};
  private readonly logEnded: Promise<void>;
  private readonly stdout: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    info: VideoInfo,
    private readonly frames: FrameLog,
    private readonly child: Deno.ChildProcess,
  ) {
    this.clock = new FrameClock(info);
    this.size = `${info.sourceWidth} x ${info.sourceHeight}`;
    this.stdout = child.stdout.getReader();
    this.logEnded = readLog(child.stderr, (line) => this.takeLine(line))
      .then(() => this.wake());
  }

  /**
   * Starts reading.
   *
   * @throws {VideoError} no such file, not a video, no frame in it
   */
  static async open(
    file: string,
    ffmpeg: Ffmpeg,
  ): Promise<{ reader: VideoReader; info: VideoInfo }> {
    const source = await probeVideo(file, ffmpeg);
    const hdr = isHdr(source.color), frames = new FrameLog();
    const child = new Deno.Command(ffmpeg.path, {
      // deno-fmt-ignore
      args: [
        ...READ_OPTIONS, "-i", fileArgument(file), "-map", "0:V:0",
        "-vf",
        [
          frames.filter,
          ...(hdr && ffmpeg.toneMaps ? [toneMapping(source)] : []),
          fitting(source),
          // The muxer needs increasing times; FrameClock gets the true ones.
          "format=yuv420p,setpts=100*N/TB",
        ].join(","),
        ...ffmpeg.everyFrame, "-f", "rawvideo", "pipe:1",
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const info = {
      ...source,
      color: { ...source.color, ...(hdr && ffmpeg.toneMaps ? SDR : TV) },
    };
    const reader = new VideoReader(info, frames, child);
    if (hdr && !ffmpeg.toneMaps) {
      reader.warnings.push(
        "is an HDR video, and this ffmpeg has no zscale filter to convert it " +
          "to standard brightness: faces look gray and their emotions are " +
          "less certain; the result keeps the HDR colors",
      );
    }
    return { reader, info };
  }

  /**
   * Reads the next frame into `frame.data`.
   *
   * @returns the frame's time in seconds, later than the one before; null
   * after the last frame
   */
  async read(frame: YuvFrame): Promise<number | null> {
    let filled = 0;
    while (filled < frame.data.length) {
      if (this.pending.length === 0 && !await this.fetchMore()) return null;
      const part = this.pending.subarray(0, frame.data.length - filled);
      frame.data.set(part, filled);
      filled += part.length;
      this.pending = this.pending.subarray(part.length);
    }
    const facts = await this.nextFacts();
    return facts && this.timeOf(facts);
  }

  private timeOf({ ticks, width, height }: FrameFacts): number {
    const time = ticks === null ? null : this.frames.seconds(ticks);
    const seconds = this.clock.next(time);
    if (this.clock.jumped && this.warnings.length < 20) {
      this.warnings.push(
        `its times go back to ${time!.toFixed(2)} s after ` +
          `${this.clock.before.toFixed(2)} s, as if two recordings were ` +
          "joined: the second part is placed after the first",
      );
    }
    const size = `${width} x ${height}`;
    if (size !== this.size && this.warnings.length < 20) {
      this.warnings.push(
        `its picture changes from ${this.size} to ${size} at second ` +
          `${seconds.toFixed(2)}: it is fitted into the first size, with bars`,
      );
    }
    this.size = size;
    return seconds;
  }

  /** After the last frame: what ffmpeg complained about, or null. */
  async complaint(): Promise<string | null> {
    await this.logEnded;
    return this.troubles[0] ?? null;
  }

  /** Stops reading, even before the last frame. */
  async close(): Promise<void> {
    try {
      this.child.kill();
    } catch {
      // It has ended by itself.
    }
    await this.stdout.cancel();
    await this.logEnded;
    await this.child.status;
  }

  /** Waits for the next frame's facts, which ffmpeg logs before it. */
  private async nextFacts(): Promise<FrameFacts | null> {
    while (this.facts.length === 0) {
      const ended = await Promise.race([
        new Promise<boolean>((resolve) => this.wake = () => resolve(false)),
        this.logEnded.then(() => true),
      ]);
      if (ended && this.facts.length === 0) return null;
    }
    return this.facts.shift()!;
  }

  private async fetchMore(): Promise<boolean> {
    const { value, done } = await this.stdout.read();
    if (done) return false;
    this.pending = value as Uint8Array<ArrayBuffer>;
    return true;
  }

  private takeLine(line: LogLine) {
    const facts = this.frames.take(line);
    if (facts) {
      this.facts.push(facts);
      this.wake();
    } else if (/^(error|fatal)$/.test(line.level) && this.troubles.length < 9) {
      this.troubles.push(line.text);
    }
  }
}

/** What the frames have after tone mapping. */
const SDR = {
  range: "tv",
  space: "bt709",
  primaries: "bt709",
  transfer: "bt709",
};
/** What all frames have: `fitting` converts them. */
const TV = { range: "tv" };

/**
 * From HDR to standard brightness: light relative to `WHITE`, the colors of
 * BT.709, and compressed highlights.
 */
function toneMapping({ color }: VideoInfo): string {
  const { space, primaries, transfer, range } = color;
  return [
    `setparams=range=${range || "tv"}:colorspace=${space || "bt2020nc"}:` +
    `color_primaries=${primaries || "bt2020"}:color_trc=${transfer}`,
    `zscale=t=linear:npl=${WHITE}`,
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=mobius:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
  ].join(",");
}

/** White in standard video, in candela per square meter (ITU-R BT.2035). */
const WHITE = 100;

/**
 * Fits every frame into the first one's size, in case the size changes
 * mid-stream, and pads odd sides by one.
 */
function fitting(info: VideoInfo): string {
  const { sourceWidth, sourceHeight, width, height, color } = info;
  const range = color.range === "pc" ? ":out_range=tv" : "";
  return `scale=${sourceWidth}:${sourceHeight}:` +
    `force_original_aspect_ratio=decrease${range},` +
    `pad=${width}:${height}:floor((ow-iw)/4)*2:floor((oh-ih)/4)*2`;
}
