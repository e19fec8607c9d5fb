// `deno task bench table`: README's tables of speeds, measured now, as Markdown, with the machine,
// the date and the versions of both sides. `deno fmt` aligns them: no Markdown package is needed.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "../lib/user_error.ts";
import { writeWhole } from "../lib/write_whole.ts";
import { readNumber, runTask, userPath } from "../tasks/command_line.ts";
import { childEnvironment, projectRoot } from "../tasks/setup.ts";

const HELP = `Usage: deno task bench table [options]

Runs the benches train, detect, video and load and prints two Markdown tables:
one against PyTorch, OpenCV and pandas, one against other ways to run a network in
JavaScript. Takes about five minutes; results from a busy machine mean little. The
first time, Deno downloads onnxruntime (147 MB) into its cache; it needs Deno 2.7.14
or newer, and is left out if it fails.

  --write FILE  put the tables into FILE, between the lines ${"`"}<!-- speeds -->${"`"}
                and ${"`"}<!-- end of speeds -->${"`"}
  --rounds N    how often each side runs, in turn (default 2)
  --help        show this text`;

const START = "<!-- speeds -->", END = "<!-- end of speeds -->";

// deno-lint-ignore no-explicit-any
type Line = any;

type Lines = Record<"train" | "detect" | "video" | "load", Line[]>;

/** The JSON lines of a bench; if it fails, says so and returns none. */
async function runBench(command: string): Promise<Line[]> {
  const [name, ...args] = command.split(" ");
  const script = resolve(import.meta.dirname!, `${name}.ts`);
  const started = performance.now();
  const child = spawn(Deno.execPath(), ["run", "-A", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: childEnvironment(),
  });
  const ended = new Promise((done) => child.once("close", done));
  const lines = (await text(child.stdout)).trim().split("\n");
  const failed = await ended !== 0;
  const seconds = Math.round((performance.now() - started) / 1000);
  console.error(`${name}: ${failed ? "failed" : "measured"} in ${seconds} s`);
  return failed ? [] : lines.map((line) => JSON.parse(line));
}

/** At least three significant figures, with the unit. */
function quantity(value: number, unit: string): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

function milliseconds(ms: number): string {
  return ms < 2000 ? quantity(ms, "ms") : quantity(ms / 1000, "s");
}

/** A row of the table against native code. */
function row(
  what: string,
  line: Line | undefined,
  { value = line?.ms, peerValue = line?.peerMs, show = milliseconds } = {},
): string {
  if (!line) return "";
  const peer = line.peer
    ? `${line.peer}: ${show(peerValue)} | ${line.ratio.toFixed(2)}`
    : "not installed | ";
  return `| ${what} | ${show(value)} | ${peer} |\n`;
}

/** What a line of bench/train.ts measured. */
function describe({ bench, model, workers, batch }: Line): string {
  const what = bench === "train_step" ? "training step" : "forward pass";
  const faces = batch === 1
    ? "one face"
    : `${batch} faces, ${workers > 1 ? "two threads" : "one thread"}`;
  return `${model}-Xception, ${what}, ${faces}`;
}

function nativeTable({ train, detect, video, load }: Lines): string {
  const search = detect.find(({ scaleFactor, minSize }) =>
    scaleFactor === 1.1 && minSize === 0
  );
  return "| what | mien | the yardstick at its best | times as fast |\n" +
    "|---|---|---|---|\n" +
    train.filter(({ augmented }) => !augmented)
      .map((line) => row(describe(line), line)).join("") +
    row("finding faces, 1280x720, one thread", search) +
    row("annotating a video", video[0], {
      value: video[0]?.fps,
      peerValue: video[0]?.peerFps,
      show: (rate) => quantity(rate, "frames/s"),
    }) +
    row("reading FER-2013, gzipped", load[0]);
}

function javascriptTable(train: Line[]): string {
  const lines = train.filter(({ javascript }) => javascript?.length > 0);
  const names: string[] = [
    ...new Set<string>(
      lines.flatMap(({ javascript }) =>
        javascript.map(({ peer }: Line) => nameOf(peer))
      ),
    ),
  ];
  const cell = ({ javascript }: Line, name: string) => {
    const [best] = javascript.filter(({ peer }: Line) => nameOf(peer) === name)
      .sort((a: Line, b: Line) => a.ms - b.ms);
    return best ? `${milliseconds(best.ms)}: ${best.ratio.toFixed(2)}` : "";
  };
  const header = ["what", "mien", ...names];
  return lines.length === 0 ? "" : [
    header,
    header.map(() => "---"),
    ...lines.map((line) => [
      describe(line),
      milliseconds(line.ms),
      ...names.map((name) => cell(line, name)),
    ]),
  ].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** Without the number of threads: the best number counts. */
function nameOf(peer: string): string {
  return peer.replace(/,? ?\d threads?/, "").replace(" ()", "");
}

/** Where and when the figures were measured, and what they mean. */
function about(load: number): string {
  const { version } = JSON.parse(
    readFileSync(resolve(projectRoot, "deno.json"), "utf8"),
  );
  const [{ model }] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  return `Measured on ${date} by \`deno task bench table\`: mien ${version} on ` +
    `Deno ${Deno.version.deno}, ${Deno.build.os}, ${cpus().length} cores of ` +
    `${model.trim()}, load ${
      load.toFixed(1)
    } at the start. Both sides ran in ` +
    "turn; each time is from that side's fastest round. Above 1, mien is faster.\n";
}

/** Formatted as the gate expects. */
async function format(markdown: string): Promise<string> {
  const child = spawn(Deno.execPath(), ["fmt", "--ext", "md", "-"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(markdown);
  return await text(child.stdout);
}

function putInto(name: string, tables: string): void {
  const file = userPath(name);
  const page = readFileSync(file, "utf8");
  const from = page.indexOf(START), to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new UserError(`${name} lacks the lines ${START} and ${END}`);
  }
  const start = page.slice(0, from + START.length);
  writeWhole(file, `${start}\n\n${tables}\n${page.slice(to)}`);
}

await runTask({
  help: HELP,
  options: { write: { type: "string" }, rounds: { type: "string" } },
}, async ({ write, rounds }) => {
  const count = readNumber("rounds", rounds, { least: 1, whole: true }) ?? 2;
  const [load] = loadavg();
  const train = (options: string) =>
    runBench(`train ${options} --runs 5 --rounds ${count}`);
  const lines: Lines = {
    train: [
      ...await train("--model mini --javascript"),
      ...await train("--model wide"),
    ],
    detect: await runBench(`detect --size 1280x720 --runs ${3 * count}`),
    video: await runBench(`video --runs ${count}`),
    load: await runBench(`load --runs ${count}`),
  };
  const javascript = javascriptTable(lines.train);
  const tables = await format(
    [about(load), nativeTable(lines), javascript].filter(Boolean).join("\n"),
  );
  if (write === undefined) console.log(tables);
  else putInto(write, tables);
});
