// Damages the files that the project reads, at random but reproducibly by seed, and lists whatever
// does not end in one of our errors: hangs, crashes, too much memory, other exceptions, and
// changes that a checksum should have caught. What is tried is in bench/fuzz/targets.ts. fast-check,
// which the tests use, neither ends a process that hangs nor measures its memory.
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Outcome } from "../bench/fuzz/child.ts";
import { createProgress } from "mien/progress.ts";
import { readChoice, readNumber, runTask } from "./command_line.ts";

const NAMES = [
  "table",
  "gzip",
  "zip",
  "cascade-xml",
  "cascade-json",
  "picture",
  "model",
  "weights",
  "state",
  "log",
  "ffmpeg",
];

const HELP = `Usage: deno task fuzz [--seconds N] [--seed N] [--target NAME]

Reads damaged files until the time is up. Exits with 1 if it found a problem;
each one is shown with the command that reproduces it.

  --seconds N     for all targets together (default 60)
  --seed N        a different seed damages the files differently (default 1)
  --target NAME   only one of ${NAMES.join(", ")}
  --first N       the number of the first case, to reproduce a problem
  --help          show this text`;

/** Seconds allowed for one case, and for a process to start. */
const CASE_SECONDS = 10;
const START_SECONDS = 60;
const MOST_MEMORY = 2 ** 30;

/** The outcome of a target's cases. */
interface Tally {
  cases: number;
  refused: number;
  finds: { number: number; what: string }[];
}

/** Runs one process that tries cases from `first` on; returns the number of the next case. */
async function watch(
  name: string,
  seed: number,
  first: number,
  end: number,
  tally: Tally,
): Promise<number> {
  const folder = fs.mkdtempSync(join(tmpdir(), "mien-fuzz-"));
  const child = new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: [
      "run", "-A", "--no-check",
      resolve(import.meta.dirname!, "../bench/fuzz/child.ts"),
      name, String(seed), String(first), folder,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let current = first, started = false, hung = false, ended = false;
  let last = Date.now();
  const kill = () => {
    ended = true;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has already ended on its own.
    }
  };
  const timer = setInterval(() => {
    const waited = (Date.now() - last) / 1000;
    hung = waited > (started ? CASE_SECONDS : START_SECONDS);
    if (hung || memoryOf(child.pid) > 2 * MOST_MEMORY) kill();
  }, 200);
  const find = (number: number, what: string) => {
    tally.cases++;
    tally.finds.push({ number, what });
  };
  try {
    let rest = "";
    for await (
      const chunk of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!.slice(-100_000);
      for (const line of lines) {
        const [, kind, number, json] =
          line.match(/^(start|end) (\d+) ?(.*)$/) ?? [];
        if (!kind) continue;
        last = Date.now();
        started = true;
        current = Number(number);
        if (kind === "start") continue;
        const outcome: Outcome = JSON.parse(json);
        const peak = Math.max(outcome.memory, memoryOf(child.pid));
        current++;
        if (outcome.kind === "found") find(current - 1, outcome.what!);
        else if (peak > MOST_MEMORY) {
          find(current - 1, `${Math.round(peak / 2 ** 20)} MB of memory`);
          kill();
        } else {
          tally.cases++;
          if (outcome.kind === "refused") tally.refused++;
        }
      }
      if (Date.now() > end) kill();
      if (ended) break;
    }
    await child.status;
    if (hung) {
      find(current++, started ? "a hang" : "the process does not start");
    } else if (!ended) {
      find(
        current++,
        started ? "the process crashed" : "the process does not start",
      );
    }
    return current;
  } finally {
    clearInterval(timer);
    kill();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A process's peak memory, where the system provides it; otherwise 0. */
function memoryOf(pid: number): number {
  try {
    const text = fs.readFileSync(`/proc/${pid}/status`, "utf8");
    return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function fuzz(
  names: string[],
  seconds: number,
  seed: number,
  first: number,
): Promise<number> {
  const bar = createProgress("Breaking files", names.length, "targets");
  const tallies: [string, Tally][] = [];
  for (const [index, name] of names.entries()) {
    const tally: Tally = { cases: 0, refused: 0, finds: [] };
    const end = Date.now() + 1000 * seconds / names.length;
    let next = first;
    // For a target that keeps ending its process, the first finds are enough.
    while (Date.now() < end && tally.finds.length < 20) {
      next = await watch(name, seed, next, end, tally);
    }
    tallies.push([name, tally]);
    bar.update(index + 1);
  }
  bar.stop();
  let all = 0, found = 0;
  for (const [name, { cases, refused, finds }] of tallies) {
    all += cases;
    found += finds.length;
    console.log(
      `${
        name.padEnd(13)
      }${cases} cases, ${refused} refused, ${finds.length} finds`,
    );
    for (const { number, what } of finds) {
      console.log(
        `  ${what}\n    deno task fuzz --target ${name} --seed ${seed} --first ${number} --seconds 10`,
      );
    }
  }
  console.log(`${all} cases, ${found} finds`);
  return found > 0 ? 1 : 0;
}

const text = { type: "string" } as const;
await runTask({
  help: HELP,
  options: { seconds: text, seed: text, target: text, first: text },
}, ({ target, ...given }) => {
  const name = readChoice("target", target, NAMES);
  const whole = { least: 0, whole: true };
  return fuzz(
    name === undefined ? NAMES : [name],
    readNumber("seconds", given.seconds, { least: 1 }) ?? 60,
    readNumber("seed", given.seed, whole) ?? 1,
    readNumber("first", given.first, whole) ?? 0,
  );
});
