// Videos that tests make with ffmpeg, and what is in them. Tests are skipped, with a message, if
// there is no ffmpeg.
import { findFfmpeg } from "mien/video/ffmpeg.ts";
import { VideoReader } from "mien/video/reader.ts";
import { drawScene } from "mien/drawn/scene.ts";

/** The ffmpeg on PATH, or null after saying so. */
export const ffmpeg = await findFfmpeg().catch((error) => {
  console.log(`skipped: no videos without ffmpeg (${error.message})`);
  return null;
});

/** Runs ffmpeg and returns its messages. */
export async function run(...args: string[]): Promise<string> {
  const { stderr, success } = await new Deno.Command(ffmpeg!.path, {
    args: ["-hide_banner", "-y", ...args],
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stderr);
  // `ffmpeg -i FILE` alone describes the file, and fails because no output is named.
  if (!success && args.length > 2) throw new Error(said);
  return said;
}

/** The options that feed ffmpeg `seconds` of a drawn scene with one face, 320 x 240. */
export async function sceneInput(folder: string): Promise<string[]> {
  const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 5 });
  await Deno.writeFile(`${folder}/scene.gray`, image.data);
  // deno-fmt-ignore
  return [
    "-stream_loop", "-1", "-f", "rawvideo", "-pix_fmt", "gray",
    "-s", "320x240", "-r", "25", "-i", `${folder}/scene.gray`,
  ];
}

/** The frames of a video: their times, and the last one's luma. */
export async function framesOf(file: string) {
  const { reader, info } = await VideoReader.open(file, ffmpeg!);
  const { width, height } = info;
  const data = new Uint8Array(width * height * 3 / 2);
  const times: number[] = [];
  let seconds;
  while ((seconds = await reader.read({ width, height, data })) !== null) {
    times.push(seconds);
  }
  await reader.close();
  return { times, info, luma: data.subarray(0, width * height) };
}
