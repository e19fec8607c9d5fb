/**
 * Frames into an MP4, encoded by ffmpeg in a process of its own, with the
 * sound of another file. The file appears whole or not at all.
 *
 * @module
 */
import { rename, rm } from "node:fs/promises";
import { type Ffmpeg, VideoError, type VideoInfo } from "./ffmpeg.ts";
import { matroskaFrame, matroskaHeader } from "./matroska.ts";
import type { YuvFrame } from "./yuv.ts";

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
        ...["-i", "pipe:0", "-protocol_whitelist", "file,pipe"],
        ...["-i", soundFrom],
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
