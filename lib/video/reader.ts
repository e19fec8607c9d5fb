/**
 * The frames of a video file, decoded by ffmpeg in a process of its own: each
 * with its time, none left out or doubled, in the source's size and order.
 *
 * @module
 */
import { open, stat } from "node:fs/promises";
import { type Ffmpeg, VideoError, type VideoInfo } from "./ffmpeg.ts";
import type { YuvFrame } from "./yuv.ts";

/** Reads the frames of one video, in order. */
export class VideoReader {
  private pending = new Uint8Array(0);
  private readonly times: number[] = [];
  private readonly troubles: string[] = [];
  private wake = () => {};
  private logEnded: Promise<void>;
  private log = "";
  private readonly stdout: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    readonly file: string,
    private readonly child: Deno.ChildProcess,
  ) {
    this.stdout = child.stdout.getReader();
    this.logEnded = this.readLog(child.stderr);
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
    const found = await stat(file).catch(() => null);
    if (!found) throw new VideoError(file, "no such file");
    if (!found.isFile()) throw new VideoError(file, "is not a file");
    const child = new Deno.Command(ffmpeg.path, {
      args: [
        ...["-hide_banner", "-nostdin", "-nostats"],
        // A playlist must not make ffmpeg fetch from elsewhere.
        ...["-loglevel", "level+info", "-protocol_whitelist", "file,pipe"],
        ...["-i", file, "-map", "0:V:0"],
        ...["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,showinfo"],
        ...[...ffmpeg.everyFrame, "-pix_fmt", "yuv420p"],
        ...["-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1"],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const reader = new VideoReader(file, child);
    try {
      return { reader, info: await reader.readHeader() };
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  private async readHeader(): Promise<VideoInfo> {
    const line = await this.readLine();
    if (line === null || !line.startsWith("YUV4MPEG2")) {
      await this.logEnded;
      throw new VideoError(this.file, await this.whyUnreadable());
    }
    await this.nextTime();
    const field = (letter: string) =>
      Number(line.match(new RegExp(` ${letter}(\\d+)`))?.[1]);
    const log = this.log;
    const [, h, m, s] = log.match(/Duration: (\d+):(\d+):([\d.]+)/) ?? [];
    const color = log.match(/color_space:(\S+)/)?.[1] ?? "";
    return {
      width: field("W"),
      height: field("H"),
      frameRate: Number(log.match(/Video: .*?([\d.]+) fps/)?.[1] ?? 0),
      start: this.times[0] ?? 0,
      seconds: h ? Number(h) * 3600 + Number(m) * 60 + Number(s) : 0,
      sound: log.match(/Stream #0.*Audio: (\w+)/)?.[1] ?? "",
      pixelAspect: log.match(/ sar:(\d+\/\d+)/)?.[1] ?? "1/1",
      colorSpace: /^bt|^smpte/.test(color) ? color : "",
      timeBase: log.match(/config in time_base: (\d+\/\d+)/)?.[1] ?? "1/90000",
    };
  }

  private async whyUnreadable(): Promise<string> {
    if (/matches no streams/.test(this.log)) return "has no pictures in it";
    if (/moov atom not found/.test(this.log) && await isMp4(this.file)) {
      return "cannot be read: its index (at the end of an MP4) is missing, " +
        "the file is cut off; copy or download it again";
    }
    const said = this.troubles.find((t) => t.includes(this.file)) ??
      this.troubles[0] ?? "no frame was found";
    return `is not a video that ffmpeg can read (${said})`;
  }

  /**
   * Reads the next frame into `frame.data`.
   *
   * @returns the frame's time in seconds, or null after the last frame
   */
  async read(frame: YuvFrame): Promise<number | null> {
    const line = await this.readLine();
    if (line === null) return null;
    let filled = 0;
    while (filled < frame.data.length) {
      if (this.pending.length === 0 && !await this.fetchMore()) return null;
      const part = this.pending.subarray(0, frame.data.length - filled);
      frame.data.set(part, filled);
      filled += part.length;
      this.pending = this.pending.subarray(part.length);
    }
    await this.nextTime();
    return this.times.shift() ?? null;
  }

  /** After the last frame: what ffmpeg complained about, or null. */
  async complaint(): Promise<string | null> {
    await this.logEnded;
    return this.troubles[0] ?? null;
  }

  /** Stops reading, also before the last frame. */
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

  /** Waits until a frame's time was logged, which ffmpeg does before it. */
  private async nextTime() {
    while (this.times.length === 0) {
      const ended = await Promise.race([
        new Promise<boolean>((resolve) => this.wake = () => resolve(false)),
        this.logEnded.then(() => true),
      ]);
      if (ended) return;
    }
  }

  private async fetchMore(): Promise<boolean> {
    const { value, done } = await this.stdout.read();
    if (done) return false;
    this.pending = value as Uint8Array<ArrayBuffer>;
    return true;
  }

  private async readLine(): Promise<string | null> {
    let line = "";
    while (true) {
      if (this.pending.length === 0 && !await this.fetchMore()) return null;
      const end = this.pending.indexOf(10);
      const part = this.pending.subarray(0, end < 0 ? undefined : end);
      line += String.fromCharCode(...part);
      this.pending = this.pending.subarray(part.length + (end < 0 ? 0 : 1));
      if (end >= 0) return line;
    }
  }

  /** Takes times and errors from the log; keeps the head of the rest. */
  private async readLog(stream: ReadableStream<Uint8Array>) {
    let rest = "";
    const text = stream.pipeThrough(
      new TextDecoderStream() as TransformStream<Uint8Array, string>,
    );
    for await (const chunk of text) {
      const lines = (rest + chunk).split(/[\r\n]+/);
      rest = lines.pop()!;
      for (const line of lines) this.takeLine(line);
    }
    this.takeLine(rest);
    this.wake();
  }

  private takeLine(line: string) {
    const time = line.match(/ n: *\d+ pts: *\S+ pts_time: *([-\d.e+]+)/)?.[1];
    if (this.log.length < 20_000) this.log += `${line}\n`;
    if (time !== undefined) {
      this.times.push(Number(time));
      this.wake();
    } else if (/\[(error|fatal)\] /.test(line) && this.troubles.length < 9) {
      this.troubles.push(line.replace(/^.*\[(error|fatal)\] */, ""));
    }
  }
}

/** Whether a file begins as an MP4 does, whatever its name. */
async function isMp4(file: string): Promise<boolean> {
  const handle = await open(file);
  const head = new Uint8Array(8);
  await handle.read(head, 0, 8, 0);
  await handle.close();
  return String.fromCharCode(...head.subarray(4)) === "ftyp";
}
