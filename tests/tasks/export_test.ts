// The command `deno task export`, run as a person or a script would.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { toOnnx } from "mien/model/onnx.ts";
import { saveModel } from "mien/model/saved_model.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";

const run = (...args: string[]) => runTask("export", args);

Deno.test("export writes the default model, and overwrites nothing unless asked", () =>
  inFolder(async (folder) => {
    const file = join(folder, "faces.onnx");
    const { status, stderr } = run("--onnx", file);
    assert.equal(stderr, "");
    assert.equal(status, 0);
    const expected = toOnnx(await loadTrained());
    assert.deepEqual(new Uint8Array(readFileSync(file)), expected);

    const again = run("--onnx", file, "--model", "models/report/recalibrated");
    assert.equal(again.status, 2);
    assert.match(again.stderr, /already exists: --overwrite replaces it/);
    assert.deepEqual(new Uint8Array(readFileSync(file)), expected);
  }));

Deno.test("export names the layer that it cannot translate", () =>
  inFolder(async (folder) => {
    await tf.setBackend("cpu");
    const model = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [48, 48, 1] }),
        tf.layers.dense({ units: 7, activation: "selu", name: "odd" }),
        tf.layers.softmax(),
      ],
    });
    await saveModel(model, folder);
    const file = join(folder, "odd.onnx");
    const { status, stderr } = run("--onnx", file, "--model", folder);
    assert.equal(status, 1);
    assert.match(stderr, /cannot be exported: layer odd \(Dense\).*selu/);
    assert.equal(run().status, 2);
  }));
