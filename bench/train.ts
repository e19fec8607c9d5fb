// `deno task bench train`: the time of a training step and of forward passes, ours
// and PyTorch's in turn on the same cores. One JSON line per measurement.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import * as tf from "@tensorflow/tfjs";
import {
  noAugmentation,
  referenceAugmentation,
} from "../lib/training/augment.ts";
import { drawFaces } from "../lib/drawn/faces.ts";
import { FACE_PIXELS } from "../lib/emotions.ts";
import { findFaces } from "../lib/drawn/find_faces.ts";
import { SPLITS } from "../lib/data/faces.ts";
import { buildMiniXception } from "../lib/model/mini_xception.ts";
import { buildWideXception } from "../lib/model/wide_xception.ts";
import { readTrained } from "../lib/network/trained.ts";
import { train } from "../lib/training/train.ts";
import { readChoice, readNumber, runTask } from "../tasks/command_line.ts";
import { type ForwardTimes, JavascriptPeers } from "./javascript_peers.ts";
import { findPython } from "./python.ts";
import type { BenchRequest } from "./train_worker.ts";

const HELP = `Usage: deno task bench train [options]

Prints {"bench","workers","batch","ms","peer","peerMs","ratio"} for a training step
(forward, backward, Adam) with one and two workers, without and with augmentation,
and for forward passes of 64 faces and of one. ms and peerMs are the medians of the
fastest round; ratio is peerMs / ms: above 1 ours is faster. The comparison needs
Debian's python3-torch; peer is the fastest of PyTorch's settings.

  --model M     mini (default) or wide: mini-Xception or wide-Xception
  --runs N      passes per measurement and round (default 15)
  --rounds N    how often each side runs, in turn (default 3)
  --javascript  also measure, as "javascript", other ways to run a network in
                JavaScript: TensorFlow.js on WebAssembly, and onnxruntime (Deno
                downloads 147 MB into its cache the first time;
                onnxruntime needs Deno 2.7.14 or newer)
  --epoch       also time one epoch of the trainer, on FER-2013 if found, and
                the same number of steps without the trainer
  --help        show this text`;

const BATCH = 64;

const NETWORKS = { mini: buildMiniXception, wide: buildWideXception };
type Architecture = keyof typeof NETWORKS;

/** A line of peer_train.py. */
interface PeerLine extends ForwardTimes {
  layout: string;
  parameters: number;
  train_step_ms: number;
}

type Which = "train_step_ms" | "forward_ms" | "one_face_ms";

interface Measurement {
  bench: string;
  kind: BenchRequest["kind"];
  workers: number;
  batch: number;
  augmented: boolean;
  /** The yardstick's number to compare with. */
  which: Which;
}

const MEASUREMENTS: Measurement[] = [
  ...[false, true].flatMap((augmented) =>
    [1, 2].map((workers): Measurement => ({
      bench: "train_step",
      kind: "step",
      which: "train_step_ms",
      workers,
      batch: BATCH,
      augmented,
    }))
  ),
  ...[1, 2].map((workers): Measurement => ({
    bench: "forward",
    kind: "forward",
    which: "forward_ms",
    workers,
    batch: BATCH,
    augmented: false,
  })),
  {
    bench: "forward",
    kind: "forward",
    which: "one_face_ms",
    workers: 1,
    batch: 1,
    augmented: false,
  },
];

/** Whether a yardstick uses no more threads than ours; for one face it may use all. */
const fits = ({ workers, batch }: Measurement, { threads }: ForwardTimes) =>
  batch === 1 || threads <= workers;

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function rounded(ms: number): number {
  return Number(ms.toFixed(ms < 10 ? 3 : 2));
}

/** The times of one round, in ms, as the first worker measured them. */
async function measure(
  { kind, workers, batch, augmented }: Measurement,
  runs: number,
  network: Pick<BenchRequest, "graph" | "parameters" | "statistics">,
  pixels: Uint8Array,
): Promise<number[]> {
  const shared = (bytes: number) => new SharedArrayBuffer(bytes);
  const control = new Int32Array(shared(4 * (1 + workers)));
  const { length } = network.parameters;
  const shares = Array.from(
    { length: workers },
    () => new Float32Array(shared(length * 4)),
  );
  const team = shares.map(() =>
    new Worker(new URL("./train_worker.ts", import.meta.url), {
      type: "module",
    })
  );
  const times = await Promise.all(team.map((worker, index) => {
    const request: BenchRequest = {
      kind,
      ...network,
      pixels,
      runs,
      worker: index,
      control,
      shares,
      count: batch / workers,
      augmentation: augmented ? referenceAugmentation : noAugmentation,
    };
    return new Promise<number[]>((done, failed) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = (event) => failed(new Error(event.message));
      worker.postMessage(request);
    });
  }));
  for (const worker of team) worker.terminate();
  return times[0];
}

/** @throws {Error} if its network is not ours */
function runPeer(
  python: string,
  architecture: Architecture,
  runs: number,
  parameters: number,
): PeerLine[] {
  const script = resolve(import.meta.dirname!, "peer_train.py");
  const args = [script, architecture, String(BATCH), String(runs)];
  const { status, stdout, stderr } = spawnSync(python, args);
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`);
  const lines: PeerLine[] = stdout.toString().trim().split("\n")
    .map((line: string) => JSON.parse(line));
  const other = lines.find((line) => line.parameters !== parameters);
  if (!other) return lines;
  throw new Error(
    `${script} has ${other.parameters} parameters, we ${parameters}`,
  );
}

/** The yardstick's best setting and round. */
function bestPeer(
  measurement: Measurement,
  rounds: PeerLine[][],
): { peer: string; ms: number } | null {
  const lines = (rounds[0] ?? []).map((line, i) => ({
    line,
    ms: Math.min(...rounds.map((round) => round[i][measurement.which])),
  })).filter(({ line }) => fits(measurement, line));
  if (lines.length === 0) return null;
  const { line, ms } = lines.reduce((a, b) => a.ms < b.ms ? a : b);
  const layout = line.layout.endsWith("channels_last")
    ? "channels last"
    : "default layout";
  const threads = `${line.threads} thread${line.threads > 1 ? "s" : ""}`;
  return { peer: `${line.peer}, ${threads}, ${layout}`, ms };
}

/** Other ways in JavaScript: the best round of each that uses no more threads than ours. */
function otherPeers(
  measurement: Measurement,
  rounds: ForwardTimes[][],
  ms: number,
) {
  const { which } = measurement;
  if (which === "train_step_ms" || rounds.length === 0) return null;
  return rounds[0].map(({ peer }, i) => {
    const best = Math.min(...rounds.map((round) => round[i][which]));
    return { peer, ms: rounded(best), ratio: Number((best / ms).toFixed(2)) };
  }).filter((_, i) => fits(measurement, rounds[0][i]));
}

/** One epoch of the trainer, and the same number of steps without it. */
async function measureEpoch(
  architecture: Architecture,
  bareMs: number,
): Promise<void> {
  const faces = await findFaces();
  const training = faces.splits.filter((s) => SPLITS[s] === "Training").length;
  const { history } = await train({
    faces,
    model: NETWORKS[architecture](),
    config: {
      epochs: 1,
      batchSize: BATCH,
      workers: 2,
      augmentation: referenceAugmentation,
    },
  });
  const steps = Math.ceil(training / BATCH);
  const bare = steps * bareMs / 1000;
  const { seconds } = history[0];
  console.log(JSON.stringify({
    bench: "epoch",
    workers: 2,
    batch: BATCH,
    faces: training,
    steps,
    seconds: rounded(seconds),
    bareSeconds: rounded(bare),
    timesBare: Number((seconds / bare).toFixed(2)),
    // All workers are threads of this process.
    megabytes: Math.round(Deno.memoryUsage().rss / 2 ** 20),
  }));
}

await runTask({
  help: HELP,
  options: {
    model: { type: "string" },
    runs: { type: "string" },
    rounds: { type: "string" },
    epoch: { type: "boolean" },
    javascript: { type: "boolean" },
  },
}, async (options) => {
  const architecture = readChoice("model", options.model, ["mini", "wide"]) ??
    "mini";
  const count = { least: 1, whole: true };
  const runs = readNumber("runs", options.runs, count) ?? 15;
  const rounds = readNumber("rounds", options.rounds, count) ?? 3;
  await tf.setBackend("cpu");
  const model = NETWORKS[architecture]();
  const network = readTrained(model);
  const { pixels } = drawFaces({ count: 2 * BATCH, seed: 1 });
  const peer = findPython("torch");
  if (!peer) console.error("no comparison: install python3-torch");
  const javascript = options.javascript
    ? await JavascriptPeers.prepare(
      model,
      pixels.subarray(0, BATCH * FACE_PIXELS),
    )
    : null;
  const ours = MEASUREMENTS.map(() => [] as number[]);
  const theirs: PeerLine[][] = [];
  const others: ForwardTimes[][] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [i, measurement] of MEASUREMENTS.entries()) {
      const passes = measurement.batch === 1 ? 20 * runs : runs;
      const times = await measure(measurement, passes, network, pixels);
      ours[i].push(median(times));
    }
    if (peer) {
      theirs.push(runPeer(peer, architecture, runs, network.parameters.length));
    }
    if (javascript) others.push(javascript.measure(BATCH, runs));
  }
  javascript?.stop();
  for (const [i, measurement] of MEASUREMENTS.entries()) {
    const { bench, workers, batch, augmented } = measurement;
    const ms = Math.min(...ours[i]);
    const best = bestPeer(measurement, theirs);
    console.log(JSON.stringify({
      bench,
      model: architecture,
      workers,
      batch,
      augmented,
      ms: rounded(ms),
      ...(best && {
        peer: best.peer,
        peerMs: best.ms,
        ratio: Number((best.ms / ms).toFixed(2)),
      }),
      javascript: otherPeers(measurement, others, ms) ?? undefined,
    }));
  }
  if (options.epoch) await measureEpoch(architecture, Math.min(...ours[1]));
});
