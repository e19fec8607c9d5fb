// One job of `deno task bench scale`, in its own process so that the peak memory is its own:
// `scale_job.ts NAME AMOUNT`. The last line it prints is a ScaleAnswer.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { drawFaces } from "../lib/drawn/faces.ts";
import { drawScene } from "../lib/drawn/scene.ts";
import { CascadeDetector } from "../lib/haar/detector.ts";
import { resizeExact } from "../lib/haar/pyramid.ts";
import { writePng } from "../lib/image/image.ts";
import { buildMiniXception } from "../lib/model/mini_xception.ts";
import { train } from "../lib/training/train.ts";
import { findFfmpeg } from "../lib/video/ffmpeg.ts";
import { annotateVideo } from "../lib/video/video.ts";
import { peakMegabytes } from "./peak_memory.ts";

/** What a job measured. */
export interface ScaleAnswer {
  seconds: number;
  /** Of all threads of this process. */
  cpuSeconds: number;
  peakMB: number;
}

/** Prepares a job and returns what is measured. */
type Job = (amount: number, folder: string) => Promise<() => unknown>;

export const JOBS = {
  /** One epoch on this many drawn faces; drawing them is not measured. */
  train: (count) => {
    const faces = drawFaces({ count, seed: 1 });
    const model = buildMiniXception();
    return Promise.resolve(() =>
      train({ faces, model, config: { epochs: 1 } })
    );
  },
  /** The second search of a picture of this many megapixels for faces of every size. */
  detect: async (megapixels) => {
    const height = Math.floor(Math.sqrt(megapixels * 1e6 * 3 / 4));
    const width = Math.floor(height * 4 / 3);
    const small = { width: 1280, height: 960, faces: 4, seed: 1 };
    const image = resizeExact(drawScene(small).image, width, height);
    const detector = await CascadeDetector.create();
    detector.detect(image);
    return () => detector.detect(image);
  },
  /** The task itself on a folder of this many pictures, 320 x 240. */
  classify: async (count, folder) => {
    const scene = (seed: number) => join(folder, `scene-${seed}.png`);
    for (let seed = 0; seed < 5; seed++) {
      const { image } = drawScene({ width: 320, height: 240, faces: 2, seed });
      await writePng(scene(seed), image);
    }
    const pictures = join(folder, "pictures");
    mkdirSync(pictures);
    for (let i = 0; i < count; i++) {
      copyFileSync(scene(i % 5), join(pictures, `${i}.png`));
    }
    const table = join(folder, "faces.csv");
    process.argv.splice(2, 2, pictures, "--csv", table);
    return () => import("../tasks/classify.ts");
  },
  /** This many seconds of video, 320 x 240 at 25 frames per second. */
  video: async (seconds, folder) => {
    const ffmpeg = await findFfmpeg();
    const frame = join(folder, "frame.png"), video = join(folder, "video.mp4");
    const scene = { width: 320, height: 240, faces: 2, seed: 1 };
    await writePng(frame, drawScene(scene).image);
    const { success } = await new Deno.Command(ffmpeg.path, {
      // deno-fmt-ignore
      args: [
        "-v", "error", "-loop", "1", "-framerate", "25", "-i", frame,
        "-t", String(seconds), "-pix_fmt", "yuv420p", video,
      ],
    }).output();
    if (!success) throw new Error("ffmpeg cannot write the video");
    const out = join(folder, "out");
    return () => annotateVideo(video, { out, ffmpeg });
  },
} satisfies Record<string, Job>;

if (import.meta.main) {
  const [name, amount] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), "mien-scale-"));
  try {
    const job = await JOBS[name as keyof typeof JOBS](Number(amount), folder);
    const before = process.cpuUsage();
    const started = performance.now();
    await job();
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(before);
    const answer: ScaleAnswer = {
      seconds,
      cpuSeconds: (user + system) / 1e6,
      peakMB: peakMegabytes(),
    };
    console.log(`\n${JSON.stringify(answer)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
