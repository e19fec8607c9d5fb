// `deno task bench load`: time and memory to load FER-2013's table into one
// Uint8Array, ours in a fresh process and pandas (peer_load.py) in turn. One
// JSON line per file; the imports are in neither time.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import process from "node:process";
import { loadFaces } from "../lib/data/fer2013.ts";
import { UserError } from "../lib/user_error.ts";
import { readNumber, runTask, userPath } from "../tasks/command_line.ts";
import { peakMegabytes } from "./peak_memory.ts";
import { findPython } from "./python.ts";

const HELP = `Usage: deno task bench load [--data FILE]... [--runs N]

Loads FER-2013 and prints {"bench":"load","file","rows","ms","peer","peerMs",
"ratio","peakMB"}. ms and peerMs are the fastest of all runs; ratio is peerMs / ms:
above 1 ours is faster. The comparison needs Debian's python3-pandas.

  --data FILE  the table, once or several times (default: FER2013, or else
               ../shared/fer2013/fer2013.csv.gz)
  --runs N     runs of each side (default 3)
  --once       only ours, once and in this process: prints {"ms","rows","sum","peakMB"}
  --help       show this text`;

const SHARED_DATA = resolve(
  import.meta.dirname!,
  "../../shared/fer2013/fer2013.csv.gz",
);

/** One run; equal sums of the pixels show that both sides read the same. */
interface Run {
  ms: number;
  rows: number;
  sum: number;
  peakMB?: number;
  peer?: string;
}

/** Loads the file in this process. */
async function loadHere(file: string): Promise<Run> {
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

/** The last line that a process prints, as JSON. */
function runProcess(command: string, args: string[]): Run {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: "utf8",
  });
  if (status !== 0) {
    const reason = error?.message ?? stderr.trim().split("\n").at(-1)!;
    throw new UserError(reason.replace(/^error: /, ""));
  }
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

function compare(file: string, runs: number, python: string | null) {
  const self = import.meta.filename!;
  const script = resolve(import.meta.dirname!, "peer_load.py");
  const once = ["run", "-A", self, "--once", "--data", file];
  const ours: Run[] = [], peers: Run[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(runProcess(Deno.execPath(), once));
    if (python) peers.push(runProcess(python, [script, file]));
  }
  const [{ rows, sum }] = ours;
  if (peers.some((peer) => peer.sum !== sum || peer.rows !== rows)) {
    throw new UserError(`${file}: pandas does not read the same faces`);
  }
  const ms = Math.min(...ours.map((run) => run.ms));
  const peerMs = python && Math.min(...peers.map((run) => run.ms));
  return {
    bench: "load",
    file,
    rows,
    ms: Math.round(ms),
    peer: peers[0]?.peer ?? null,
    peerMs: peerMs && Math.round(peerMs),
    ratio: peerMs && Number((peerMs / ms).toFixed(2)),
    peakMB: Math.max(...ours.map((run) => run.peakMB!)),
  };
}

await runTask({
  help: HELP,
  options: {
    data: { type: "string", multiple: true },
    runs: { type: "string" },
    once: { type: "boolean" },
  },
}, async (options) => {
  const runs = readNumber("runs", options.runs, { least: 1, whole: true }) ?? 3;
  const files = options.data?.map(userPath) ??
    [process.env.FER2013 ?? SHARED_DATA];
  const python = options.once ? null : findPython("pandas");
  if (!options.once && !python) {
    console.error("no comparison: install python3-pandas");
  }
  for (const file of files) {
    const line = options.once
      ? await loadHere(file)
      : compare(file, runs, python);
    console.log(JSON.stringify(line));
  }
});
