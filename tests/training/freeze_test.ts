// Fine-tuning: frozen layers keep every bit, both engines agree, and outputs can be replaced.

import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { describeModel } from "mien/engine/describe_model.ts";
import { meaningOf } from "mien/model/emotions_of_model.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { replaceClasses } from "mien/model/replace_classes.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { readRun } from "mien/training/run/run_folder.ts";
import { freezeLayers } from "mien/training/freeze.ts";
import { train } from "mien/training/train.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";
import { buildTiny, formatCsv, makeFaces } from "../helpers/tiny_training.ts";

const crossEntropy = (targets: tf.Tensor, outputs: tf.Tensor) =>
  targets.mul(outputs.maximum(1e-7).log()).sum(1).neg();

/** The tiny network with statistics that are not those of any batch. */
function buildTrained(): tf.LayersModel {
  const model = buildTiny();
  const norm = model.layers[1];
  norm.setWeights(
    norm.getWeights().map((w, i) => tf.fill(w.shape, 0.3 + i / 5)),
  );
  return model;
}

const valuesOf = (model: tf.LayersModel) =>
  model.layers.map((layer) =>
    layer.getWeights().map((weight) => Array.from(weight.dataSync()))
  );

for (const workers of [1, 3]) {
  Deno.test(`frozen layers keep every bit and both engines agree, with ${workers} workers`, async () => {
    const faces = makeFaces(140, 35);
    const config = {
      epochs: 2,
      batchSize: 20,
      workers,
      seed: 2,
      freeze: 2,
      learningRate: 0.01,
      weightDecay: 0.1,
    };
    const losses: number[][] = [];
    for (const loss of [undefined, crossEntropy]) {
      const model = buildTrained();
      const before = valuesOf(model);
      const { history } = await train({
        faces,
        model,
        config,
        loss,
        onEngine: () => {},
      });
      const after = valuesOf(model);
      assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
      assert.notDeepEqual(after[4], before[4]);
      losses.push(history.map((epoch) => [epoch.loss, epoch.valLoss]).flat());
    }
    // Float32 in different orders, over 14 steps of Adam.
    losses[0].forEach((fast, i) =>
      assert.ok(Math.abs(losses[1][i] / fast - 1) < 1e-3, `${losses}`)
    );
  });
}

Deno.test("layers are frozen by number, name or block, or because they are not trainable", () => {
  const model = buildMiniXception();
  const graph = describeModel(model);
  const sizeOf = (freeze: number | string | null) =>
    freezeLayers(graph, model, freeze).parameterRanges
      .filter(([from]) => from < graph.parameters)
      .reduce((sum, [from, to]) => sum + to - from, 0);
  assert.equal(sizeOf(null), 0);
  assert.equal(sizeOf(2), 72); // the input and the first 3 x 3 x 8
  assert.equal(sizeOf(model.layers[1].name), 72);
  assert.ok(sizeOf("block2") > sizeOf("block1"));
  // All but the last convolution, 3 x 3 x 128 x 7 and 7 biases, and 512 moving means and variances.
  assert.equal(sizeOf("block4"), graph.parameters - (3 * 3 * 128 * 7 + 7));
  assert.throws(
    () => freezeLayers(graph, model, "block5"),
    /freeze "block5": there is no such layer; the layers are input/,
  );
  assert.throws(
    () => freezeLayers(graph, model, 1000),
    /freeze 1000 leaves no weight to train/,
  );
  model.layers[1].trainable = false;
  assert.equal(sizeOf(null), 72);
});

Deno.test("replacing the output keeps all other weights", async () => {
  const model = buildMiniXception();
  const other = await replaceClasses(model, ["smile", "wink"], { seed: 4 });
  assert.deepEqual(other.outputs[0].shape, [null, 2]);
  assert.deepEqual(meaningOf(other).emotions, ["smile", "wink"]);
  const [before, after] = [model, other].map(valuesOf);
  const head = before.findLastIndex((weights) => weights.length > 0);
  assert.deepEqual(after.slice(0, head), before.slice(0, head));
  assert.equal(after[head][0].length, 3 * 3 * 128 * 2);
  const flat = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [48, 48, 1] }),
      tf.layers.batchNormalization(),
    ],
  });
  await assert.rejects(
    replaceClasses(flat, ["a", "b"]),
    /cannot be replaced: its last layer with weights, batch_norm/,
  );
});

Deno.test("train --freeze keeps the first layers of a model from a file unchanged", () =>
  inFolder(async (folder) => {
    await saveModel(buildTrained(), join(folder, "tiny"));
    await Deno.writeTextFile(
      join(folder, "faces.csv"),
      formatCsv(makeFaces(70, 35)),
    );
    const options =
      "--data faces.csv --architecture tiny/model.json --freeze 2 --epochs 1 --workers 1 --out run";
    const { status, stderr } = runTask("train", options.split(" "), folder);
    assert.equal(status, 0, stderr);
    const { notes } = readRun(join(folder, "run"));
    assert.equal(notes.config.freeze, 2);
    const saved = join(folder, "run", notes.history[0].saved!);
    const before = valuesOf(buildTrained());
    const after = valuesOf(await loadModel(saved));
    assert.deepEqual(after.slice(0, 2), before.slice(0, 2));
    assert.notDeepEqual(after[4], before[4]);
  }));
