// `deno task bench scale`: how time and memory grow with the work. Each job runs in its own process
// (scale_job.ts). One JSON line per job, and one with the growth.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { UserError } from "../lib/user_error.ts";
import { readNumber, runTask } from "../tasks/command_line.ts";
import { childEnvironment } from "../tasks/setup.ts";
import type { JOBS, ScaleAnswer } from "./scale_job.ts";

const HELP = `Usage: deno task bench scale [NAME ...] [options]

Measures jobs of increasing size. NAME is one of:
  train     an epoch of mini-Xception, by the number of faces
  detect    a search for faces of every size, by megapixels
  classify  the task, by the number of pictures
  video     the task, by seconds of video; needs ffmpeg
Without a NAME, runs all of them, in about four minutes. Prints a line per job,
{"bench":"scale","job","amount","unit","seconds","cpuSeconds","peakMB"}, then
{"bench":"scale","job","timeExponent","memoryExponent"}: CPU time and peak memory
grow with this power of the amount, measured on the two largest jobs. 1 means in
proportion, 0 means constant. Warns if time grows faster than the work, or if memory
grows that should be constant.

  --runs N   report the fastest of N runs (default 1)
  --full     full sizes, in about two hours: 28,709 faces, twice and four times as
             many; 100, 1,000 and 10,000 pictures; 1, 5 and 20 minutes of video
  --help     show this text`;

type Name = keyof typeof JOBS;

interface Row {
  unit: string;
  amounts: number[];
  full?: number[];
  /** Whether memory may grow: with the faces or pixels themselves, or not at all. */
  memory: "flat" | "with the work";
}

const ROWS: Record<Name, Row> = {
  train: {
    unit: "faces",
    memory: "with the work",
    amounts: [2000, 4000, 8000],
    full: [28709, 57418, 114836],
  },
  detect: {
    unit: "megapixels",
    memory: "with the work",
    amounts: [0.3, 1, 3, 12, 50],
  },
  classify: {
    unit: "pictures",
    memory: "flat",
    amounts: [50, 150, 450],
    full: [100, 1000, 10000],
  },
  video: {
    unit: "seconds of video",
    memory: "flat",
    amounts: [10, 30, 90],
    full: [60, 300, 1200],
  },
};

/** How far a power may be above 1, or 0: some room for a machine that is in use. */
const ROOM = 0.2;

function runJob(name: Name, amount: number): ScaleAnswer {
  const script = resolve(import.meta.dirname!, "scale_job.ts");
  const { status, stdout, stderr } = spawnSync(
    Deno.execPath(),
    ["run", "-A", "--no-check", script, name, String(amount)],
    { encoding: "utf8", maxBuffer: 2 ** 28, env: childEnvironment() },
  );
  if (status !== 0) throw new UserError(`${name} of ${amount}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

const rounded = (value: number) => Number(value.toPrecision(3));

function measure(name: Name, full: boolean, runs: number): void {
  const { unit, memory, ...row } = ROWS[name];
  const amounts = full && row.full || row.amounts;
  const answers = amounts.map((amount) => {
    const all = Array.from({ length: runs }, () => runJob(name, amount));
    const least = (key: keyof ScaleAnswer) =>
      rounded(Math.min(...all.map((answer) => answer[key])));
    const answer = {
      seconds: least("seconds"),
      cpuSeconds: least("cpuSeconds"),
      peakMB: least("peakMB"),
    };
    const line = { bench: "scale", job: name, amount, unit, ...answer };
    console.log(JSON.stringify(line));
    return answer;
  });
  const power = (key: keyof ScaleAnswer) => {
    const [a, b] = answers.slice(-2).map((answer) => Math.log(answer[key]));
    const [from, to] = amounts.slice(-2).map(Math.log);
    return Number(((b - a) / (to - from)).toFixed(2));
  };
  const timeExponent = power("cpuSeconds"), memoryExponent = power("peakMB");
  console.log(JSON.stringify({
    bench: "scale",
    job: name,
    timeExponent,
    memoryExponent,
  }));
  if (timeExponent > 1 + ROOM) {
    console.error(`${name}: time grows faster than the work`);
  }
  if (memoryExponent > (memory === "flat" ? 0 : 1) + ROOM) {
    console.error(`${name}: memory should be ${memory}`);
  }
}

const NAMES = Object.keys(ROWS) as Name[];

await runTask({
  help: HELP,
  options: { full: { type: "boolean" }, runs: { type: "string" } },
  positionals: { least: 0, most: 4, what: "NAME", choices: NAMES },
}, ({ full = false, runs }, names) => {
  const times = readNumber("runs", runs, { least: 1, whole: true }) ?? 1;
  const wanted = names.length > 0 ? names as Name[] : NAMES;
  for (const name of wanted) measure(name, full, times);
});
