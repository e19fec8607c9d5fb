// A run that is killed up to ten times, at random moments, ends like an uninterrupted one, bit for bit.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { loadFaces } from "mien/data/fer2013.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { createRandom } from "mien/random.ts";
import {
  hasRun,
  readRun,
  type RunState,
} from "mien/training/run/run_folder.ts";
import { train } from "mien/training/train.ts";
import {
  buildOther,
  buildTiny,
  formatCsv,
  makeFaces,
} from "../helpers/tiny_training.ts";

const KILLS = 10;
const root = path.resolve(import.meta.dirname!, "../..");

/** Starts the real command; it resumes the run in `out` if there is one. */
function start(folder: string, out: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    // deno-fmt-ignore
    args: [
      "run",
        "-A",
        "--no-check",
        path.join(root, "tasks", "train.ts"),
      "--data", path.join(folder, "faces.csv"), "--out", out, "--resume",
      "--architecture", path.join(folder, "tiny", "model.json"),
      "--config", path.join(folder, "config.json"), "--workers", "2",
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

/** Waits for a run to end without killing it. */
async function runToEnd(child: Deno.ChildProcess): Promise<void> {
  const { code, stdout } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stdout));
}

/**
 * Kills a run `delay` ms after it has reported so many epochs; `false` when it ended first, as it
 * may on a fast machine.
 */
async function runAndKill(
  child: Deno.ChildProcess,
  epochs: number,
  delay: number,
): Promise<boolean> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (said.split("\nepoch ").length - 1 < epochs) {
    const { value, done } = await reader.read();
    if (done) break;
    said += value;
  }
  await new Promise((resolve) => setTimeout(resolve, delay));
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // "already terminated"
  }
  await reader.cancel();
  return !(await child.status).success;
}

/** What a run leaves, except the time that it took. */
function essence(state: RunState) {
  const { notes, arrays } = state;
  const history = notes.history.map(({ seconds: _, ...rest }) => rest);
  return { notes: { ...notes, history }, arrays };
}

/** Checks that everything that a killed run left can be used. */
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
      epochs: 60,
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
    await runToEnd(start(folder, alone));
    const all = performance.now() - began;
    const seconds = readRun(alone).notes.history.map((epoch) => epoch.seconds);
    const startup = all - 1000 * seconds.reduce((sum, epoch) => sum + epoch);
    const usual = 1000 * seconds.sort((a, b) => a - b)[seconds.length >> 1];

    const random = createRandom(Date.now());
    const reached: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      // While it starts, or within an epoch's time after its first four epochs.
      const epochs = random.integer(5);
      const delay = random.next() * (epochs === 0 ? startup : usual);
      if (!await runAndKill(start(folder, often), epochs, delay)) break;
      reached.push(await checkRemains(often));
    }
    assert.ok(reached.length > KILLS / 2, "the run is too short to be killed");
    await runToEnd(start(folder, often));
    console.log(`epochs reached at each kill: ${reached.join(", ")}`);

    assert.deepEqual(essence(readRun(often)), essence(readRun(alone)));
    const { saved } = readRun(alone).notes.history.at(-1)!;
    for (const model of [saved!, "recalibrated"]) {
      const [a, b] = [alone, often].map((out) =>
        fs.readFileSync(path.join(out, model, "weights.bin"))
      );
      assert.deepEqual(b, a);
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

Deno.test("a TensorFlow.js run that is killed and resumed ends with the same bytes as one that is not", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mien-kill-"));
  try {
    const file = path.join(folder, "faces.csv");
    fs.writeFileSync(file, formatCsv(makeFaces(140, 35)));
    await saveModel(buildOther(), path.join(folder, "tiny"));
    const config = { epochs: 12, batchSize: 32, averageDecay: 0.9, workers: 2 };
    fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
    const killed = path.join(folder, "killed"),
      alone = path.join(folder, "run");
    assert.ok(await runAndKill(start(folder, killed), 2, 20));
    const { epoch } = readRun(killed).notes;
    assert.ok(epoch >= 2 && epoch < 12, `killed after ${epoch} epochs`);
    for (const out of [killed, alone]) {
      const model = await loadModel(path.join(folder, "tiny"));
      const faces = await loadFaces(file);
      const options = { resume: true, name: "model", onEngine: () => {} };
      await train({ faces, model, config, out, ...options });
    }
    assert.deepEqual(essence(readRun(killed)), essence(readRun(alone)));
    const [a, b] = [killed, alone].map((out) => {
      const { saved } = readRun(out).notes.history.at(-1)!;
      return fs.readFileSync(path.join(out, saved!, "weights.bin"));
    });
    assert.deepEqual(b, a);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
