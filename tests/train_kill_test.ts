// A run that is killed ten times, at random moments, ends as one that was left alone: bit for bit.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { loadModel, saveModel } from "mien/checkpoint.ts";
import { createRandom } from "mien/random.ts";
import { hasRun, readRun, type RunState } from "mien/run_folder.ts";
import { buildTiny, formatCsv, makeFaces } from "./tiny_training.ts";

const KILLS = 10;
const root = path.resolve(import.meta.dirname!, "..");

/** Starts the real command; it goes on with the run in `out` if there is one. */
function start(folder: string, out: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", path.join(root, "tasks", "train.ts")],
      ...["--data", path.join(folder, "faces.csv"), "--out", out, "--resume"],
      ...["--architecture", path.join(folder, "tiny", "model.json")],
      ...["--config", path.join(folder, "config.json"), "--workers", "2"],
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

/** What lasts of a run: everything but the time that it took. */
function essence(state: RunState) {
  const { notes, arrays } = state;
  const history = notes.history.map(({ seconds: _, ...rest }) => rest);
  return { notes: { ...notes, history }, arrays };
}

/** All that a killed run left behind can be used. */
async function checkRemains(out: string): Promise<number> {
  if (!hasRun(out)) return 0;
  const { notes } = readRun(out);
  for (const { saved } of notes.history) {
    if (saved) (await loadModel(path.join(out, saved))).dispose();
  }
  const log = path.join(out, "log.csv");
  if (fs.existsSync(log)) {
    const lines = fs.readFileSync(log, "utf8").trimEnd().split("\n").length - 1;
    assert.ok(lines === notes.epoch || lines === notes.epoch - 1);
  }
  return notes.epoch;
}

Deno.test("a run killed ten times at random moments ends with the same weights, bit for bit", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mien-kill-"));
  try {
    fs.writeFileSync(
      path.join(folder, "faces.csv"),
      formatCsv(makeFaces(700, 70)),
    );
    await saveModel(buildTiny(), path.join(folder, "tiny"));
    const config = {
      epochs: 50,
      batchSize: 32,
      learningRate: 0.01,
      labelSmoothing: 0.1,
      averageDecay: 0.99,
      schedule: { kind: "one-cycle" },
      seed: 5,
    };
    fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));

    const alone = path.join(folder, "alone"),
      often = path.join(folder, "often");
    const began = performance.now();
    const { success, stderr } = await start(folder, alone).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const whole = performance.now() - began;
    const training = 1000 *
      readRun(alone).notes.history.reduce(
        (sum, { seconds }) => sum + seconds,
        0,
      );

    const random = createRandom(Date.now());
    const reached: number[] = [];
    while (reached.length < KILLS) {
      const child = start(folder, often);
      // From the process's first moment to some epochs later; ten times leave some epochs over.
      const delay = random.next() * (whole - training + 0.15 * training);
      const timer = setTimeout(() => child.kill("SIGKILL"), delay);
      const output = await child.output();
      clearTimeout(timer);
      if (output.success) break;
      assert.equal(
        output.signal,
        "SIGKILL",
        new TextDecoder().decode(output.stderr),
      );
      reached.push(await checkRemains(often));
    }
    const { code, stderr: errors } = await start(folder, often).output();
    assert.equal(code, 0, new TextDecoder().decode(errors));
    console.log(`epochs reached at each kill: ${reached.join(", ")}`);
    assert.equal(reached.length, KILLS, "it was done before the tenth kill");

    assert.deepEqual(essence(readRun(often)), essence(readRun(alone)));
    const { saved } = readRun(alone).notes.history.at(-1)!;
    const [a, b] = [alone, often].map((out) =>
      fs.readFileSync(path.join(out, saved!, "weights.bin"))
    );
    assert.deepEqual(b, a);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
