// `deno task bench load`: seconds and memory to load FER-2013's table into one
// Uint8Array, ours in a fresh process and pandas in turn, three times each.
// One JSON line a file; imports are outside of both times.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { loadFaces } from "../lib/data/fer2013.ts";
import { peakMegabytes } from "./peak_memory.ts";

const USAGE = `Usage: deno task bench load [--data FILE]... [--runs N]

Loads FILE (default: FER2013, else ../shared/fer2013/fer2013.csv.gz) and prints
{"bench":"load","file","rows","ms","peer","peerMs","ratio","peakMB"}; ms and
peerMs are the fastest of N runs (default 3), ratio is peerMs / ms.`;

const ROOT = resolve(import.meta.dirname!, "..");
const PEER = resolve(ROOT, "../shared/bench/peer_load.py");
const SHARED_DATA = resolve(ROOT, "../shared/fer2013/fer2013.csv.gz");

/** One run: the sum of the pixels shows that both read the same. */
interface Run {
  ms: number;
  rows: number;
  sum: number;
  peakMB?: number;
  peer?: string;
}

/** Loads the file in this process. */
async function runOurs(file: string): Promise<Run> {
  const started = performance.now();
  const { pixels, length } = await loadFaces(file);
  const ms = performance.now() - started;
  return {
    ms,
    rows: length,
    sum: pixels.reduce((sum, value) => sum + value, 0),
    peakMB: peakMegabytes(),
  };
}

/** The last line of a process's output, as JSON. */
function runProcess(command: string, args: string[]) {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new Error(error?.message ?? String(stderr).trim().split("\n").at(-1));
  }
  return JSON.parse(String(stdout).trim().split("\n").at(-1)!);
}

function runPeer(file: string): Run {
  const python = existsSync("/usr/bin/python3")
    ? "/usr/bin/python3"
    : "python3";
  const { peer, rows, total_s, sum } = runProcess(python, [PEER, file]);
  return { ms: total_s * 1000, rows, sum, peer };
}

function compare(file: string, runs: number) {
  const ours: Run[] = [];
  const peers: Run[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(
      runProcess(Deno.execPath(), [
        "run",
        "-A",
        import.meta.filename!,
        "--once",
        file,
      ]),
    );
    if (existsSync(PEER)) peers.push(runPeer(file));
  }
  if (peers.some(({ sum }) => sum !== ours[0].sum)) {
    throw new Error(`${file}: pandas reads other pixels than we do`);
  }
  const ms = Math.min(...ours.map((run) => run.ms));
  const peerMs = peers.length > 0
    ? Math.min(...peers.map((run) => run.ms))
    : null;
  return {
    bench: "load",
    file,
    rows: ours[0].rows,
    ms: Math.round(ms),
    peer: peers[0]?.peer ?? null,
    peerMs: peerMs && Math.round(peerMs),
    ratio: peerMs && Number((peerMs / ms).toFixed(2)),
    peakMB: Math.max(...ours.map((run) => run.peakMB!)),
  };
}

try {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      data: { type: "string", multiple: true },
      runs: { type: "string", default: "3" },
      once: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
  } else if (values.once) {
    console.log(JSON.stringify(await runOurs(values.once)));
  } else {
    for (const file of values.data ?? [process.env.FER2013 ?? SHARED_DATA]) {
      console.log(JSON.stringify(compare(file, Number(values.runs))));
    }
  }
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
