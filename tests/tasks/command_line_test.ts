// Incorrect usage of any command gives one line on standard error and exit status 2.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../tasks/setup.ts";
import { runTask } from "../helpers/run_task.ts";

function rejects(name: string, args: string[], reason: RegExp) {
  const { status, stdout, stderr } = runTask(name, args);
  assert.equal(status, 2, `${name} ${args.join(" ")}: ${stderr}`);
  assert.equal(stdout, "");
  assert.match(stderr, /^error: .* \(see --help\)\n$/);
  assert.match(stderr, reason);
}

Deno.test("a task names the incorrect argument", () => {
  rejects("classify", [], /PATH is missing/);
  rejects("classify", ["--color"], /Unknown option '--color'/);
  rejects(
    "classify",
    ["a.png", "--threshold", "2"],
    /--threshold .* at most 1/,
  );
  rejects("video", [], /FILE is missing/);
  rejects("video", ["a.mp4", "--smoothing", "much"], /--smoothing .* "much"/);
  rejects("video", ["a.mp4", "--threshold", "sure"], /--threshold .* "sure"/);
  rejects("webcam", ["--port", "none"], /--port/);
});

Deno.test("an unknown bench is an error that lists all benches", () => {
  rejects("bench", [], /NAME is missing/);
  rejects("bench", ["--color"], /Unknown option '--color'/);
  rejects("bench", ["other", "--runs", "1"], /NAME must be .*train.* "other"/);
  assert.match(runTask("bench", ["--help"]).stdout, /^Usage: deno task bench/);
});

const benches = readdirSync(join(projectRoot, "bench"))
  .filter((file) => file.endsWith(".ts"))
  .filter((file) =>
    readFileSync(join(projectRoot, "bench", file), "utf8").includes("runTask(")
  )
  .map((file) => file.replace(".ts", ""));

for (const name of benches) {
  Deno.test(`bench ${name} rejects an unknown option`, () => {
    rejects("bench", [name, "--color"], /Unknown option '--color'/);
  });
}
