import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError } from "mien/model/model_file.ts";
import {
  lastSaved,
  readRecordedRun,
} from "../../lib/training/run/recorded_run.ts";
import { type RunState, saveRun } from "../../lib/training/run/run_folder.ts";
import { inFolder } from "../helpers/in_folder.ts";

Deno.test("the last saved model is the one of the highest epoch", () =>
  inFolder((folder) => {
    for (
      const name of ["a.09-0.6100", "a.100-0.6500", "a.20-0.6700", "resume"]
    ) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "model.json"), "{}");
    }
    mkdirSync(join(folder, "a.101-0.9000")); // Killed before it was whole.
    assert.equal(lastSaved(folder), join(folder, "a.100-0.6500"));
  }));

Deno.test("the error for a folder without a model says what to do", () =>
  inFolder((folder) => {
    assert.throws(() => lastSaved(folder), /train one first/);
  }));

Deno.test("a log is read back as the trainer wrote it", () =>
  inFolder((folder) => {
    const figures = {
      loss: 1.5,
      accuracy: 0.4,
      valLoss: 1.25,
      valAccuracy: 0.5,
    };
    const record = {
      epoch: 1,
      learningRate: 0.001,
      ...figures,
      valMacroF1: 0.4,
      penalty: 0,
      seconds: 3,
      saved: null,
    };
    mkdirSync(join(folder, "resume"));
    saveRun(folder, { notes: { history: [record] }, arrays: {} } as RunState);
    const about = { network: {}, data: {}, training: { seed: 7 } };
    writeFileSync(join(folder, "config.json"), JSON.stringify(about));
    writeFileSync(join(folder, "evaluation.json"), `{"accuracy":0.5}`);
    writeFileSync(join(folder, "evaluation-mirrored.json"), "{}");
    const run = readRecordedRun(folder);
    assert.deepEqual(run.epochs, [{ epoch: 1, ...figures }]);
    assert.equal(run.config.seed, 7);
    assert.equal(run.evaluation.accuracy, 0.5);
  }));

Deno.test("the error for a missing or damaged record names its file", () =>
  inFolder((folder) => {
    assert.throws(() => readRecordedRun(folder), CheckpointError);
    writeFileSync(join(folder, "config.json"), "{");
    assert.throws(() => readRecordedRun(folder), /config\.json: is damaged/);
  }));

Deno.test("the error for a damaged log names line and figure", () =>
  inFolder((folder) => {
    const about = { network: {}, data: {}, training: {} };
    writeFileSync(join(folder, "config.json"), JSON.stringify(about));
    for (const name of ["evaluation.json", "evaluation-mirrored.json"]) {
      writeFileSync(join(folder, name), "{}");
    }
    const head = "epoch,loss,accuracy,val_loss,val_accuracy";
    const wrong: [string, RegExp][] = [
      [`${head}\n1,2,0.5,x,0.5\n`, /line 2 has "x" as its val_loss/],
      [`${head}\n1,2,0.5,2,0.5\n2,2\n`, /line 3 has no accuracy/],
      [`${head}\n1,2,0.5,2,\n`, /line 2 has "" as its val_accuracy/],
      [`${head}\n2,2,0.5,2,0.5\n`, /line 2 has "2" as its epoch/],
      ["epoch,loss\n1,2\n", /line 2 has no accuracy/],
    ];
    for (const [log, reason] of wrong) {
      writeFileSync(join(folder, "log.csv"), log);
      assert.throws(() => readRecordedRun(folder), (error) => {
        assert.ok(error instanceof CheckpointError, `${error}`);
        assert.match(error.message, /log\.csv: is damaged/);
        assert.match(error.message, reason);
        return true;
      });
    }
    writeFileSync(join(folder, "evaluation.json"), "null");
    writeFileSync(join(folder, "log.csv"), `${head}\n`);
    assert.throws(
      () => readRecordedRun(folder),
      /evaluation\.json: is damaged/,
    );
  }));
