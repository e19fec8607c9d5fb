// A run's folder: only a run's own files are overwritten or deleted, one process at a time uses it,
// and a failed start leaves it as it was.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { CheckpointError } from "mien/model/model_file.ts";
import { checkRunFolder, claimRun } from "mien/training/run/claim.ts";
import { type PartialConfig, TrainingError } from "mien/training/config.ts";
import { hasRun, readRun } from "mien/training/run/run_folder.ts";
import { loadState, saveState } from "mien/training/run/state_file.ts";
import { train, type TrainOptions } from "mien/training/train.ts";
import { UserError } from "mien/user_error.ts";
import { FileError } from "mien/write_whole.ts";
import { buildTiny, makeFaces } from "../helpers/tiny_training.ts";
import { inFolder } from "../helpers/in_folder.ts";

const faces = makeFaces(70, 35);

const run = (out: string, options: Partial<TrainOptions> = {}) =>
  train({
    faces,
    model: buildTiny(),
    out,
    ...options,
    config: { epochs: 1, batchSize: 35, workers: 1, ...options.config },
  });

/** Every file in a folder and below, with its content. */
const contents = (folder: string) =>
  Object.fromEntries(
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()
      .filter((name) => fs.statSync(path.join(folder, name)).isFile())
      .map((name) => [name, fs.readFileSync(path.join(folder, name), "hex")]),
  );

const says = (...patterns: RegExp[]) => (error: unknown) => {
  assert.ok(error instanceof UserError, `${error}`);
  for (const pattern of patterns) assert.match(error.message, pattern);
  return true;
};

Deno.test("a folder with other files is rejected, and nothing in it changes", () =>
  inFolder(async (folder) => {
    fs.mkdirSync(path.join(folder, "recalibrated"));
    for (const name of ["config.json", "log.csv", "recalibrated/model.json"]) {
      fs.writeFileSync(path.join(folder, name), name);
    }
    const before = contents(folder);
    for (const resume of [false, true]) {
      await assert.rejects(
        run(folder, { resume }),
        says(/not empty and contains no run/, /nothing in it was changed/),
      );
    }
    assert.deepEqual(contents(folder), before);
    fs.mkdirSync(path.join(folder, "only"));
    fs.writeFileSync(path.join(folder, "only", "config.json"), "mine");
    assert.throws(
      () => checkRunFolder(path.join(folder, "only")),
      TrainingError,
    );
    assert.throws(
      () => checkRunFolder(path.join(folder, "log.csv")),
      says(/a file/),
    );
    assert.throws(
      () => checkRunFolder(path.join(folder, "log.csv", "run")),
      FileError,
    );
  }));

Deno.test("a name that leaves the run's folder, or that no file can have, is rejected", () =>
  inFolder(async (folder) => {
    const out = path.join(folder, "run");
    for (const name of ["../evil", "a/b", "a\\b", "..", "", "a\n", "a:b"]) {
      await assert.rejects(
        run(out, { name }),
        says(/the name ".*cannot be the prefix of folder names/s),
      );
    }
    assert.deepEqual(fs.readdirSync(folder), []);
    await run(out, { name: "mine_2" });
    assert.ok(
      fs.readdirSync(out).some((name) => name.startsWith("mine_2.01-")),
    );
  }));

Deno.test("a second run in a folder is rejected while the first is active, even in one process", () =>
  inFolder(async (folder) => {
    await run(folder, {
      onEpoch: async () => {
        for (const resume of [false, true]) {
          await assert.rejects(
            run(folder, { resume }),
            says(
              resume
                ? /in use: process \d+ is training/
                : /already contains a run/,
            ),
          );
        }
      },
    });
    await run(folder, { resume: true }); // The first is over.
  }));

Deno.test("a lock ends with its process, even if that is killed", () =>
  inFolder(async (folder) => {
    const out = path.join(folder, "run");
    const claim = new URL("../../lib/training/run/claim.ts", import.meta.url);
    const script = `import { claimRun } from ${JSON.stringify(claim.href)};
      claimRun(${JSON.stringify(out)});
      console.log("claimed");
      setTimeout(() => {}, 60_000);`;
    const file = path.join(folder, "holder.ts");
    fs.writeFileSync(file, script);
    const root = path.resolve(import.meta.dirname!, "../..");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-check",
        "--config",
        path.join(root, "deno.json"),
        file,
      ],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.match(new TextDecoder().decode(value), /claimed/);
    const start = performance.now();
    assert.throws(
      () => claimRun(out, true),
      says(new RegExp(`in use: process (${child.pid}|another)`)),
    );
    assert.ok(performance.now() - start < 1000, "it did not wait");
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    const claimed = claimRun(out, true);
    assert.equal(claimed.going, false);
    claimed.release();
  }));

Deno.test("a failed start leaves the folder empty for another try", () =>
  inFolder(async (folder) => {
    const out = path.join(folder, "run");
    const wild: PartialConfig = {
      optimizer: "sgd",
      learningRate: 100,
      schedule: "plateau",
    };
    const broken = () => {
      const model = buildTiny();
      model.setWeights(model.getWeights().map((weight) => weight.mul(1e30)));
      return model;
    };
    await assert.rejects(
      run(out, { config: wild, model: broken() }),
      says(/became/, /smaller learning rate/),
    );
    assert.deepEqual(fs.readdirSync(folder), []);
    await assert.rejects(
      run(out, { config: { batchSize: 10_000_000 } }),
      says(/smaller batch/),
    );
    assert.deepEqual(fs.readdirSync(folder), []);
    await assert.rejects(
      run(out, { config: { teacher: { models: ["no/such"] } } }),
      says(
        /teacher\.models: no\/such.*does not exist/,
        /is relative to \S/,
      ),
    );
    assert.deepEqual(fs.readdirSync(folder), []);
    await run(out);
    assert.ok(hasRun(out));
  }));

Deno.test("the error for a loss that is not a number names the folder that keeps the run", () =>
  inFolder(async (out) => {
    const model = buildTiny();
    const first = await run(out, { model, config: { schedule: "plateau" } });
    assert.equal(first.history.length, 1);
    const state = readRun(out);
    state.arrays.parameters.fill(3e38);
    saveState(path.join(out, "resume", "state.bin"), state);
    await assert.rejects(
      run(out, { resume: true, config: { epochs: 3, schedule: "plateau" } }),
      says(/became/, /keeps the run as it was after epoch 1/, /another folder/),
    );
    assert.equal(readRun(out).notes.epoch, 1);
  }));

Deno.test("a run does not resume with other labels, whatever their source says", () =>
  inFolder(async (out) => {
    await run(out);
    const labels = faces.labels.map((label) => (label + 1) % 7);
    await assert.rejects(
      run(out, { resume: true, faces: { ...faces, labels } }),
      says(/trains on different faces/),
    );
    const source = { ...faces.source, hash: "0", path: "elsewhere.csv" };
    const { history } = await run(out, {
      resume: true,
      faces: { ...faces, source },
    });
    assert.equal(history.length, 1);
  }));

Deno.test("a state that does not match its network is reported as damaged", () =>
  inFolder(async (out) => {
    await run(out);
    const file = path.join(out, "resume", "state.bin");
    const whole = loadState<Record<string, unknown>>(file);
    const { parameters } = whole.arrays;
    const wrong = [
      {
        ...whole,
        arrays: { ...whole.arrays, parameters: parameters.slice(1) },
      },
      { ...whole, arrays: { parameters } },
      { ...whole, notes: { ...whole.notes, epoch: 7 } },
      { ...whole, notes: { ...whole.notes, history: null } },
    ];
    for (const state of wrong) {
      saveState(file, state as typeof whole);
      await assert.rejects(run(out, { resume: true }), (error) => {
        assert.ok(error instanceof CheckpointError, `${error}`);
        assert.match(
          error.message,
          /state\.bin: does not match its own network/,
        );
        return true;
      });
    }
  }));
