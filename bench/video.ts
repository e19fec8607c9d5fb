// Annotating a video, decoding and encoding in, beside the same job written
// with OpenCV and PyTorch (peer_video.py), in turns on the same machine.
// Usage: deno run -A bench/video.ts VIDEO [runs]
// Prints one JSON line for each, and the ratio of the medians.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { defaultModel, loadTrained } from "mien/inference.ts";
import { annotateVideo } from "mien/video.ts";

const [video, runsText = "3", model] = process.argv.slice(2);
if (!video) {
  console.error("Usage: deno run -A bench/video.ts VIDEO [runs] [model]");
  process.exit(2);
}
const runs = Number(runsText);
const trained = await loadTrained(model ?? defaultModel());
const out = await mkdtemp(join(tmpdir(), "mien-bench-"));
const ours: number[] = [], peers: number[] = [];
const middle = (rates: number[]) =>
  rates.toSorted((a, b) => a - b)[rates.length >> 1];

/** One run of the yardstick; null where Python or a package is missing. */
async function runPeer() {
  const { success, stdout, stderr } = await new Deno.Command(
    Deno.env.get("PYTHON") ?? "/usr/bin/python3",
    { args: [join(import.meta.dirname!, "peer_video.py"), video, out] },
  ).output().catch((error) => ({
    success: false,
    stdout: new Uint8Array(),
    stderr: new TextEncoder().encode(String(error)),
  }));
  const text = new TextDecoder();
  if (success) return JSON.parse(text.decode(stdout));
  console.error(`The yardstick did not run: ${text.decode(stderr).trim()}`);
  return null;
}

for (let run = 0; run < runs; run++) {
  const { frames, width, height, elapsed, framesPerSecond, tracks } =
    await annotateVideo(video, { out, overwrite: true, trained });
  ours.push(framesPerSecond);
  console.log(JSON.stringify({
    ...{ mien: "video", frames, width, height, tracks },
    seconds: Number(elapsed.toFixed(2)),
    framesPerSecond: Number(framesPerSecond.toFixed(1)),
  }));
  const peer = await runPeer();
  if (!peer) continue;
  peers.push(peer.framesPerSecond);
  console.log(JSON.stringify(peer));
}
await rm(out, { recursive: true });
if (peers.length > 0) {
  console.log(JSON.stringify({
    mien: Number(middle(ours).toFixed(1)),
    peer: middle(peers),
    ratio: Number((middle(ours) / middle(peers)).toFixed(2)),
  }));
}
