/**
 * Encodes frames as an MP4 with ffmpeg, in a separate process, with the sound of
 * another file. The file appears complete or not at all.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { partialName, publish } from "../write_whole.ts";
import { type Ffmpeg, fileArgument, readLog, VideoError } from "./ffmpeg.ts";
import { matroskaFrame, matroskaHeader } from "./matroska.ts";
import type { VideoColor, VideoInfo } from "./probe.ts";
import type { YuvFrame } from "./yuv.ts";

/** Sound that an MP4 can hold as it is; other sound is converted to AAC. */
const MP4_SOUND = ["aac", "mp3", "ac3", "eac3", "alac"];

/** Writes frames as an MP4, with the sound of another file. */
export class VideoWriter {
  private readonly stdin: WritableStreamDefaultWriter<Uint8Array>;
  private readonly logEnded: Promise<void>;
  /** What ffmpeg complained of in the file that is written. */
  private readonly troubles: string[] = [];
  /** What it complained of in the sound. */
  private readonly soundTroubles: string[] = [];
  private frames = 0;

  private constructor(
    readonly file: string,
    private readonly partial: string,
    private readonly soundFrom: string,
    private readonly info: VideoInfo,
    private readonly ffmpeg: Ffmpeg,
    private readonly child: Deno.ChildProcess,
  ) {
    this.stdin = child.stdin.getWriter();
    this.logEnded = readLog(child.stderr, ({ from, text }) => {
      if (text.trim() === "") return;
      const list = this.isAboutSound(from, text)
        ? this.soundTroubles
        : this.troubles;
      if (list.length < 9) list.push(text);
    });
  }

  /** Starts writing; `publish` makes the file appear. */
  static async create(
    file: string,
    soundFrom: string,
    info: VideoInfo,
    ffmpeg: Ffmpeg,
  ): Promise<VideoWriter> {
    const partial = partialName(file);
    const coder = ffmpeg.encoder === "libx264"
      ? ["-c:v", "libx264", "-preset", "superfast", "-crf", "20"]
      : ["-c:v", "mpeg4", "-q:v", "3"];
    const tags = colorTags(info.color);
    const child = new Deno.Command(ffmpeg.path, {
      // deno-fmt-ignore
      args: [
        "-hide_banner", "-loglevel", "level+error", "-y",
        // ffmpeg cannot read exponents, as in 8.3e-7.
        "-itsoffset", info.start.toFixed(6), "-f", "matroska",
        "-i", "pipe:0", "-protocol_whitelist", "file,pipe",
        "-i", fileArgument(soundFrom),
        "-map", "0:v:0", ...soundOptions(info.sound), ...coder,
        "-vf", `settb=${info.timeBase},setsar=${info.pixelAspect},` + tags,
        "-enc_time_base", info.timeBase.replace("/", ":"),
        ...ffmpeg.everyFrame,
        "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4",
        fileArgument(partial),
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = new VideoWriter(
      file,
      partial,
      soundFrom,
      info,
      ffmpeg,
      child,
    );
    await writer.send(
      matroskaHeader(info.width, info.height, info.frameRate),
    );
    return writer;
  }

  /**
   * Writes the next frame, whose data may be changed afterward.
   *
   * @param seconds the frame's time, as `VideoReader.read` gave it
   */
  async write(frame: YuvFrame, seconds: number): Promise<void> {
    const time = seconds - this.info.start;
    await this.send(matroskaFrame(frame.data.length, time));
    await this.send(frame.data);
    this.frames++;
  }

  private async send(bytes: Uint8Array) {
    try {
      await this.stdin.write(bytes);
    } catch {
      await this.logEnded;
      throw this.failure("ffmpeg ended early");
    }
  }

  private failure(otherwise: string): VideoError {
    const said = this.troubles[0] ?? this.soundTroubles[0] ?? otherwise;
    const reason = /No space left on device/.test(this.troubles.join(" "))
      ? "the disk is full"
      : said;
    return new VideoError(this.file, `cannot be written (${reason})`);
  }

  /**
   * Completes the file, still under its temporary name, and counts its frames.
   *
   * @returns what was wrong with the sound, or null
   * @throws {VideoError} when ffmpeg complained, whatever its exit status, or
   * frames are missing
   */
  async finish(): Promise<string | null> {
    await this.stdin.close().catch(() => {});
    const { success } = await this.child.status;
    await this.logEnded;
    if (!success || this.troubles.length > 0) {
      throw this.failure("ffmpeg gave no reason");
    }
    const written = await countFrames(this.partial, this.ffmpeg);
    if (written !== this.frames) {
      throw new VideoError(
        this.file,
        `cannot be written (it contains ${written} of ${this.frames} frames)`,
      );
    }
    return this.soundTroubles[0] ?? null;
  }

  /** Gives the file its final name. @throws {FileError} */
  publish(): void {
    publish(this.partial, this.file);
  }

  /** Stops writing and leaves no file. */
  async abort(): Promise<void> {
    try {
      this.child.kill();
    } catch {
      // It has ended by itself.
    }
    await this.stdin.abort().catch(() => {});
    await this.logEnded;
    await this.child.status;
    await rm(this.partial, { force: true });
  }

  /** Whether a line of the log is about reading the sound, not writing. */
  private isAboutSound(from: string, text: string): boolean {
    const { container, sound } = this.info;
    return from === container || sound.includes(from) ||
      text.includes(this.soundFrom) || /#1[:/]/.test(`${from} ${text}`);
  }
}

/** Shifts sound whose times go back to follow the last, as `FrameClock` does. */
const FORWARD = "asetpts='st(0,ld(0)+" +
  "if(lt(PTS,PREV_INPTS-0.5/TB),PREV_INPTS-PTS+S,0));PTS+ld(0)'";

/** Options for each audio track; one that cannot be read is left out. */
function soundOptions(sound: readonly string[]): string[] {
  const kept = [...sound.keys()].filter((i) => sound[i] !== "none");
  return kept.flatMap((from, to) => [
    "-map",
    `1:a:${from}`,
    ...(MP4_SOUND.includes(sound[from])
      ? [`-c:a:${to}`, "copy"]
      : [`-c:a:${to}`, "aac", `-filter:a:${to}`, FORWARD]),
  ]);
}

/** The names of colors that the filters `showinfo` and `setparams` share. */
const COLORS = {
  space: "bt709 bt470bg smpte170m smpte240m bt2020nc bt2020c",
  primaries: "bt709 bt470m bt470bg smpte170m smpte240m bt2020 smpte432",
  transfer: "bt709 smpte170m smpte240m linear bt2020-10 bt2020-12 " +
    "smpte2084 arib-std-b67",
};

/** A filter that tags the result with the colors of its frames. */
function colorTags(color: VideoColor): string {
  const tag = (option: string, name: keyof typeof COLORS) =>
    COLORS[name].split(" ").includes(color[name])
      ? `:${option}=${color[name]}`
      : "";
  return "setparams=range=tv" + tag("colorspace", "space") +
    tag("color_primaries", "primaries") + tag("color_trc", "transfer");
}

/** How many frames a video on the disk has. */
async function countFrames(file: string, ffmpeg: Ffmpeg): Promise<number> {
  const child = new Deno.Command(ffmpeg.path, {
    // deno-fmt-ignore
    args: [
      "-hide_banner", "-nostdin", "-loglevel", "error",
      "-i", fileArgument(file), "-map", "0:v:0", "-c", "copy",
      "-f", "framecrc", "pipe:1",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let frames = 0;
  await readLog(child.stdout, ({ text }) => {
    if (/^\d+,/.test(text)) frames++;
  });
  await child.status;
  return frames;
}
