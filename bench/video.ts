// `deno task bench video`: frames a second of annotating a video, decoding and
// encoding in, ours and the same job written with OpenCV and PyTorch
// (peer_video.py) in turn. Loading the network is outside of both times,
// starting our workers is inside.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { defaultModel, loadTrained } from "../lib/recognition/recognize.ts";
import { buildMiniXception } from "../lib/model/mini_xception.ts";
import { readTrained, type TrainedNetwork } from "../lib/network/trained.ts";
import { annotateVideo, type VideoResult } from "../lib/video/video.ts";

const USAGE = `Usage: deno task bench video [--video FILE] [--runs N]

Annotates FILE (default: ../shared/videos/woman2.mp4) and prints {"bench",
"file","size","frames","cores","fps","peer","peerFps","ratio"}; fps and peerFps
are the fastest of N runs (default 3), ratio is fps / peerFps: above 1 ours is
faster. The yardstick needs Debian's python3-opencv, python3-torch, opencv-data
and ffmpeg.`;

const CLIP = resolve(import.meta.dirname!, "../../shared/videos/woman2.mp4");
const { values } = parseArgs({
  options: {
    video: { type: "string", default: CLIP },
    runs: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
if (values.help || !Number.isInteger(runs) || runs < 1) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
if (!existsSync(values.video)) {
  console.error(`${values.video}: no such file; --video names another`);
  process.exit(2);
}

/** The default model; random weights, which are as fast, where there is none. */
async function network(): Promise<TrainedNetwork> {
  try {
    return await loadTrained(defaultModel());
  } catch {
    const model = buildMiniXception();
    return readTrained(model);
  }
}

/** One run of the yardstick; null where Python or a package is missing. */
async function runPeer(
  out: string,
): Promise<{ peer: string; framesPerSecond: number } | null> {
  const script = join(import.meta.dirname!, "peer_video.py");
  try {
    const { success, stdout, stderr } = await new Deno.Command(
      process.env.PYTHON ?? "/usr/bin/python3",
      { args: [script, values.video, out] },
    ).output();
    const text = new TextDecoder();
    if (success) return JSON.parse(text.decode(stdout));
    console.error(`No yardstick: ${text.decode(stderr).trim()}`);
  } catch (error) {
    console.error(`No yardstick: ${(error as Error).message}`);
  }
  return null;
}

const fastest = (rates: number[]) => Number(Math.max(...rates).toFixed(1));

const trained = await network();
const out = await mkdtemp(join(tmpdir(), "mien-bench-"));
const ours: number[] = [], peers: number[] = [];
let result: VideoResult | undefined, peer: string | undefined;
try {
  for (let run = 0; run < runs; run++) {
    result = await annotateVideo(values.video, {
      ...{ out, overwrite: true, trained },
    });
    ours.push(result.framesPerSecond);
    const other = await runPeer(out);
    if (!other) continue;
    peer = other.peer;
    peers.push(other.framesPerSecond);
  }
} finally {
  await rm(out, { recursive: true });
}
console.log(JSON.stringify({
  bench: "video",
  file: basename(values.video),
  size: [result!.width, result!.height],
  frames: result!.frames,
  cores: navigator.hardwareConcurrency,
  fps: fastest(ours),
  ...(peers.length > 0
    ? {
      peer,
      peerFps: fastest(peers),
      ratio: Number((fastest(ours) / fastest(peers)).toFixed(2)),
    }
    : {}),
}));
