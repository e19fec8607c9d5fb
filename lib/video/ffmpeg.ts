/**
 * ffmpeg: finding one that can be run, and what it tells of a video.
 *
 * It is the one on PATH, else the one of the package
 * `@ffmpeg-installer/ffmpeg`. It runs as a separate program, joined to this
 * one by pipes: see `reader.ts` and `writer.ts`.
 *
 * @module
 */
import { chmod } from "node:fs/promises";
import { UserError } from "../user_error.ts";

/** A video that cannot be read or written: names the file and says why. */
export class VideoError extends UserError {
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
