/**
 * Video files through ffmpeg: frames out of one, annotated frames into one.
 *
 * ffmpeg is the one on PATH, else the one of the package
 * `@ffmpeg-installer/ffmpeg`; both run as separate programs, joined to this
 * one by pipes. Frames keep their number, order, size and time stamps, at a
 * constant frame rate or not. What is in the frames is left to `video.ts`.
 *
 * @module
 */
import { chmod, rename, rm, stat } from "node:fs/promises";
import { matroskaFrame, matroskaHeader } from "./matroska.ts";
import type { YuvFrame } from "./yuv.ts";

/** A video that cannot be read or written: names the file and says why. */
export class VideoError extends Error {
  override readonly name = "VideoError";
  constructor(readonly file: string, readonly reason: string) {
    super(`${file}: ${reason}`);
  }
}

/** An ffmpeg that can be run. */
export interface Ffmpeg {
  readonly path: string;
  /** Its own words, such as "5.1.9-0+deb12u1". */
  readonly version: string;
  /** The encoder for H.264, else for MPEG-4 part 2. */
  readonly encoder: "libx264" | "mpeg4";
  /** The option that keeps every frame: its name changed in version 5.1. */
  readonly everyFrame: readonly [string, string];
}

/**
 * Finds an ffmpeg: on PATH, else in the package.
 *
 * @throws {VideoError} when neither can be run
 */
export async function findFfmpeg(): Promise<Ffmpeg> {
  return await askFfmpeg("ffmpeg") ?? await packagedFfmpeg();
}

/** The ffmpeg of the package, whatever is on PATH. */
export async function packagedFfmpeg(): Promise<Ffmpeg> {
  const missing = "neither on PATH nor in node_modules for this system: " +
    "install ffmpeg (https://ffmpeg.org/download.html) and try again";
  const path = await import("@ffmpeg-installer/ffmpeg").then(
    (module) => module.default.path as string,
    () => null, // The package throws where it has no binary.
  );
  if (path === null) throw new VideoError("ffmpeg", missing);
  let found = await askFfmpeg(path);
  if (!found && Deno.build.os !== "windows") {
    await chmod(path, 0o755).catch(() => {});
    found = await askFfmpeg(path);
  }
  if (!found) throw new VideoError("ffmpeg", missing);
  return found;
}

async function askFfmpeg(path: string): Promise<Ffmpeg | null> {
  const ask = async (option: string) => {
    const { stdout, success } = await new Deno.Command(path, {
      args: ["-hide_banner", option],
      stdin: "null",
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout) : "";
  };
  try {
    const version = (await ask("-version")).match(/^ffmpeg version (\S+)/)?.[1];
    if (!version) return null;
    const encoder = /\blibx264\b/.test(await ask("-encoders"))
      ? "libx264"
      : "mpeg4";
    const [, major, minor] = version.match(/^n?(\d+)\.(\d+)/) ?? [];
    const build = version.match(/^N-(\d+)/)?.[1];
    const modern = major
      ? Number(major) * 100 + Number(minor) >= 501
      : Number(build) >= 107000;
    const everyFrame = [modern ? "-fps_mode" : "-vsync", "passthrough"];
    return {
      path,
      version,
      encoder,
      everyFrame: everyFrame as [string, string],
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/** What a video says about itself before its frames are read. */
export interface VideoInfo {
  /** In pixels, even: an odd source is padded by one. */
  readonly width: number;
  /** In pixels, even: an odd source is padded by one. */
  readonly height: number;
  /** Frames a second, as the file says; 0 where it does not. */
  readonly frameRate: number;
  /** The first frame's time in seconds: sound may start before it. */
  readonly start: number;
  /** Length in seconds, as the file says; 0 where it does not. */
  readonly seconds: number;
  /** The codec of the sound, or "" without sound. */
  readonly sound: string;
  /** Pixel shape, such as "1/1". */
  readonly pixelAspect: string;
  /** How colours are coded, such as "bt709", or "" where it is not said. */
  readonly colorSpace: string;
  /** The tick of the file's clock in seconds, such as "1/90000". */
  readonly timeBase: string;
}

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
        ...["-loglevel", "level+info", "-i", file, "-map", "0:V:0"],
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
      throw new VideoError(this.file, this.whyUnreadable());
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

  private whyUnreadable(): string {
    if (/matches no streams/.test(this.log)) return "has no pictures in it";
    if (/moov atom not found/.test(this.log)) {
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

/** Sound that an MP4 can hold as it is; other sound is coded again as AAC. */
const MP4_SOUND = ["aac", "mp3", "ac3", "eac3", "alac"];

/** Writes frames as an MP4, with the sound of another file. */
export class VideoWriter {
  private readonly stdin: WritableStreamDefaultWriter<Uint8Array>;
  private readonly errors: Promise<string>;

  private constructor(
    readonly file: string,
    private readonly partial: string,
    private readonly child: Deno.ChildProcess,
  ) {
    this.stdin = child.stdin.getWriter();
    this.errors = new Response(child.stderr).text();
  }

  /** Starts writing; `file` appears when `close` has ended. */
  static async create(
    file: string,
    soundFrom: string,
    info: VideoInfo,
    ffmpeg: Ffmpeg,
  ): Promise<VideoWriter> {
    const partial = `${file}.${Deno.pid}.part`;
    const sound = MP4_SOUND.includes(info.sound) ? "copy" : "aac";
    const coder = ffmpeg.encoder === "libx264"
      ? ["-c:v", "libx264", "-preset", "superfast", "-crf", "20"]
      : ["-c:v", "mpeg4", "-q:v", "3"];
    const color = info.colorSpace === "bt709"
      ? ["-colorspace", "1", "-color_primaries", "1", "-color_trc", "1"]
      : [];
    const child = new Deno.Command(ffmpeg.path, {
      args: [
        ...["-hide_banner", "-loglevel", "error", "-y"],
        ...["-itsoffset", String(info.start), "-f", "matroska"],
        ...["-i", "pipe:0", "-i", soundFrom],
        ...["-map", "0:v:0", "-map", "1:a?", "-c:a", sound, ...coder],
        ...["-vf", `settb=${info.timeBase},setsar=${info.pixelAspect}`],
        ...["-enc_time_base", info.timeBase.replace("/", ":"), ...color],
        ...[...ffmpeg.everyFrame, "-pix_fmt", "yuv420p"],
        ...["-movflags", "+faststart", "-f", "mp4", partial],
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = new VideoWriter(file, partial, child);
    await writer.send(matroskaHeader(info.width, info.height));
    return writer;
  }

  /** Writes the next frame; its data may be changed when this has ended. */
  async write(frame: YuvFrame, seconds: number): Promise<void> {
    await this.send(matroskaFrame(frame.data.length, seconds));
    await this.send(frame.data);
  }

  private async send(bytes: Uint8Array) {
    try {
      await this.stdin.write(bytes);
    } catch {
      const errors = (await this.errors).trim().split("\n")[0];
      await rm(this.partial, { force: true });
      throw new VideoError(this.file, `cannot be written (${errors})`);
    }
  }

  /**
   * Ends the file and gives it its name.
   *
   * @throws {VideoError} when ffmpeg could not write it
   */
  async close(): Promise<void> {
    await this.stdin.close().catch(() => {});
    const { success } = await this.child.status;
    const errors = (await this.errors).trim().split("\n")[0];
    if (!success) {
      await rm(this.partial, { force: true });
      throw new VideoError(this.file, `cannot be written (${errors})`);
    }
    await rename(this.partial, this.file);
  }

  /** Stops writing and leaves no file. */
  async abort(): Promise<void> {
    try {
      this.child.kill();
    } catch {
      // It has ended by itself.
    }
    await this.stdin.abort().catch(() => {});
    await this.errors;
    await this.child.status;
    await rm(this.partial, { force: true });
  }
}
