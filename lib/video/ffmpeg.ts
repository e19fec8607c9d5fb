/**
 * Finds ffmpeg on PATH, asks what it supports, and reads its log.
 *
 * It runs as a separate process, connected by pipes: see `probe.ts`, `reader.ts`
 * and `writer.ts`.
 *
 * @module
 */
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
  /** For H.264 if it has that, otherwise for MPEG-4 part 2. */
  readonly encoder: "libx264" | "mpeg4";
  /** The option that keeps every frame, whose name changed in version 5.1. */
  readonly everyFrame: readonly [string, string];
  /** Whether it can convert HDR to standard brightness (zscale and tonemap). */
  readonly toneMaps: boolean;
}

const INSTALL: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "sudo apt install ffmpeg (Debian, Ubuntu), sudo dnf install " +
    "ffmpeg-free (Fedora) or sudo pacman -S ffmpeg (Arch)",
  darwin: "brew install ffmpeg",
  windows: "winget install Gyan.FFmpeg, then open a new terminal",
};

/**
 * Finds the ffmpeg on PATH.
 *
 * @throws {VideoError} when it is missing, with the command that installs it
 */
export async function findFfmpeg(): Promise<Ffmpeg> {
  const found = await askFfmpeg();
  if (found) return found;
  const command = INSTALL[Deno.build.os] ?? "see https://ffmpeg.org/download";
  throw new VideoError(
    "ffmpeg",
    `is needed to read and write videos, but cannot be run: ${command}`,
  );
}

async function askFfmpeg(): Promise<Ffmpeg | null> {
  const path = "ffmpeg";
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
    const [encoders, filters] = await Promise.all([
      ask("-encoders"),
      ask("-filters"),
    ]);
    const [, major, minor] = version.match(/^n?(\d+)\.(\d+)/) ?? [];
    const build = version.match(/^N-(\d+)/)?.[1];
    const modern = major
      ? Number(major) * 100 + Number(minor) >= 501
      : Number(build) >= 107000;
    return {
      path,
      encoder: /\blibx264\b/.test(encoders) ? "libx264" : "mpeg4",
      everyFrame: [modern ? "-fps_mode" : "-vsync", "passthrough"],
      toneMaps: / zscale /.test(filters) && / tonemap /.test(filters),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/**
 * A file as ffmpeg's argument. Without the protocol, `12:30 talk.mp4` would
 * be a protocol called 12 and `-dash.mp4` an option.
 */
export function fileArgument(path: string): string {
  return `file:${path}`;
}

/** A line of ffmpeg's log with `-loglevel level+…`. */
export interface LogLine {
  /** What wrote it, such as "showinfo@7f3a" or "mp4"; "" for ffmpeg itself. */
  readonly from: string;
  /** "info", "warning", "error" or "fatal"; "" if the line has none. */
  readonly level: string;
  readonly text: string;
}

/** Passes each line of ffmpeg's log to `take` until the stream ends. */
export async function readLog(
  stream: ReadableStream<Uint8Array>,
  take: (line: LogLine) => void,
): Promise<void> {
  let rest = "";
  const text = stream.pipeThrough(
    new TextDecoderStream() as TransformStream<Uint8Array, string>,
  );
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    // An endless line must not fill the memory.
    rest = lines.pop()!.slice(0, 100_000);
    for (const line of lines) take(parseLogLine(line));
  }
  if (rest) take(parseLogLine(rest));
}

function parseLogLine(line: string): LogLine {
  const [, from = "", level = "", text = line] = line.match(
    /^(?:\[([^\]]*?) @ [^\]]*\] )*\[(\w+)\] ?(.*?)\r?$/,
  ) ?? [];
  return { from, level, text };
}
