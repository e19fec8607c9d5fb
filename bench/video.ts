// `deno task bench video`: frames per second when annotating a video, including
// decoding and encoding, ours and the same job written with OpenCV and PyTorch
// (peer_video.py) in turn. Neither time includes loading the network; ours
// includes starting the workers.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { loadTrained } from "../lib/recognition/recognize.ts";
import { annotateVideo, type VideoResult } from "../lib/video/video.ts";
import { readNumber, runTask, userPath } from "../tasks/command_line.ts";
import { findPython } from "./python.ts";

const HELP = `Usage: deno task bench video [--video FILE] [--runs N]

Annotates a video and prints {"bench","file","size","frames","cores","fps","peer",
"peerFps","ratio"}. fps and peerFps are the fastest of all runs; ratio is
fps / peerFps: above 1 ours is faster. Needs ffmpeg; the comparison needs Debian's
python3-opencv, python3-torch and opencv-data.

  --video FILE  the video (default: ../shared/videos/woman2.mp4)
  --runs N      runs of each side (default 3)
  --help        show this text`;

const CLIP = resolve(import.meta.dirname!, "../../shared/videos/woman2.mp4");

/** One run of the yardstick; `null`, after saying why, if it fails. */
function runPeer(
  python: string,
  video: string,
  out: string,
): { peer: string; framesPerSecond: number } | null {
  const script = join(import.meta.dirname!, "peer_video.py");
  const { status, stdout, stderr } = spawnSync(python, [script, video, out], {
    encoding: "utf8",
  });
  if (status === 0) return JSON.parse(stdout);
  console.error(`no comparison: ${stderr.trim()}`);
  return null;
}

const fastest = (rates: number[]) => Number(Math.max(...rates).toFixed(1));

await runTask({
  help: HELP,
  options: { video: { type: "string" }, runs: { type: "string" } },
}, async (options) => {
  const runs = readNumber("runs", options.runs, { least: 1, whole: true }) ?? 3;
  const video = options.video ? userPath(options.video) : CLIP;
  const trained = await loadTrained();
  const python = findPython("cv2, torch");
  if (!python) {
    console.error("no comparison: install python3-opencv and python3-torch");
  }
  const out = await mkdtemp(join(tmpdir(), "mien-bench-"));
  const ours: number[] = [], peers: number[] = [];
  let result: VideoResult | undefined, peer: string | undefined;
  try {
    for (let run = 0; run < runs; run++) {
      result = await annotateVideo(video, { out, overwrite: true, trained });
      ours.push(result.framesPerSecond);
      const other = python && runPeer(python, video, out);
      if (!other) continue;
      peer = other.peer;
      peers.push(other.framesPerSecond);
    }
  } finally {
    await rm(out, { recursive: true });
  }
  console.log(JSON.stringify({
    bench: "video",
    file: basename(video),
    size: [result!.width, result!.height],
    frames: result!.frames,
    cores: navigator.hardwareConcurrency,
    fps: fastest(ours),
    peer,
    peerFps: peer && fastest(peers),
    ratio: peer && Number((fastest(ours) / fastest(peers)).toFixed(2)),
  }));
});
