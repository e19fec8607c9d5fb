// Evaluating a model: its figures against tfjs's own predictions, the command's output and errors.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { saveModel } from "mien/model/saved_model.ts";
import { evaluate } from "mien/evaluation/evaluate.ts";
import { DatasetError, SPLITS } from "mien/data/faces.ts";
import { FACE_PIXELS } from "mien/emotions.ts";
import { scalePixels } from "mien/network/input.ts";
import { shareFaces } from "mien/training/shared_memory.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";
import { buildTiny, formatCsv, makeFaces } from "../helpers/tiny_training.ts";

const faces = makeFaces(70, 150); // more than two batches to validate

/** Confusion counts from plain tfjs, face by face. */
function countByTfjs(model: tf.LayersModel, mirror: boolean): number[][] {
  const { pixels, labels, length } = shareFaces(faces, "PublicTest");
  const said = tf.tidy(() => {
    const input = tf.tensor4d(scalePixels(pixels), [length, 48, 48, 1]);
    const straight = model.predict(input) as tf.Tensor2D;
    if (!mirror) return straight.arraySync();
    const mirrored = model.predict(input.reverse(2)) as tf.Tensor2D;
    return (straight.add(mirrored).div(2) as tf.Tensor2D).arraySync();
  });
  const confusion = Array.from({ length: 7 }, () => Array(7).fill(0));
  said.forEach((row, face) =>
    confusion[labels[face]][row.indexOf(Math.max(...row))]++
  );
  return confusion;
}

Deno.test("a model's figures match those of tfjs's predictions, with and without mirrored faces", async () => {
  const model = buildTiny(5);
  for (const tta of [false, true]) {
    const result = await evaluate(model, faces, "PublicTest", { tta });
    const confusion = countByTfjs(model, tta);
    assert.deepEqual(result.confusion, confusion);
    assert.equal(result.n, 150);
    const right = confusion.reduce((sum, row, k) => sum + row[k], 0);
    assert.equal(result.accuracy, right / 150);
    assert.equal(result.params, model.countParams());
    assert.equal(result.tta, tta);
  }
});

Deno.test("the accuracy on unseen faces leaves out faces that are also in Training", async () => {
  const model = buildTiny(5);
  const leaked = 40; // of PublicTest, put into Training as well
  const first = faces.splits.indexOf(SPLITS.indexOf("PublicTest"));
  const pixels = faces.pixels.slice();
  pixels.copyWithin(0, first * FACE_PIXELS, (first + leaked) * FACE_PIXELS);
  const repeating = { ...faces, pixels };
  const { confusion, unseen } = await evaluate(model, repeating, "PublicTest");
  assert.deepEqual(confusion, countByTfjs(model, false));
  const { pixels: own, labels } = shareFaces(faces, "PublicTest");
  const answers = tf.tidy(() =>
    (model.predict(
      tf.tensor4d(scalePixels(own), [labels.length, 48, 48, 1]),
    ) as tf.Tensor2D).argMax(1).dataSync()
  );
  const right = [...labels].slice(leaked)
    .filter((label, i) => answers[leaked + i] === label).length;
  assert.deepEqual(unseen, { n: 110, accuracy: right / 110 });
  const training = await evaluate(model, repeating, "Training");
  assert.deepEqual(training.unseen, { n: 0, accuracy: null });
});

Deno.test("the error for a split without faces says which splits have some", async () => {
  await assert.rejects(
    evaluate(buildTiny(), faces, "PrivateTest"),
    (error: unknown) =>
      error instanceof DatasetError && /PrivateTest/.test(error.message) &&
      /150 PublicTest/.test(error.message),
  );
});

const command = (...args: string[]) => runTask("evaluate", args);

Deno.test("the command prints one JSON object, and its errors say what is wrong", () =>
  inFolder(async (folder) => {
    const [data, bare, model] = ["faces.csv", "bare.csv", "model"].map((name) =>
      path.join(folder, name)
    );
    fs.writeFileSync(data, formatCsv(faces));
    fs.writeFileSync(bare, `pixels\n${Array(2304).fill(7).join(" ")}\n`);
    await saveModel(buildTiny(5), model);
    const given = ["--data", data, "--model", model, "--split"];
    const [json, text, empty, wrong, unlabeled] = [
      command(...given, "PublicTest", "--json"),
      command(...given, "Training"),
      command(...given, "PrivateTest"),
      command(...given, "publictest"),
      command("--data", bare, "--model", model, "--split", "Training"),
    ];
    assert.equal(json.status, 0, json.stderr);
    const result = JSON.parse(json.stdout);
    const wanted =
      "split n accuracy macroF1 unseen confusion perClass ece params";
    for (const key of [...wanted.split(" "), "model"]) {
      assert.ok(key in result, key);
    }
    assert.deepEqual(result.confusion, countByTfjs(buildTiny(5), false));
    assert.deepEqual([result.split, result.n], ["PublicTest", 150]);
    assert.equal(result.perClass[3].emotion, "happy");

    assert.equal(text.status, 0);
    assert.match(text.stdout, /Training: 70 faces/);
    assert.deepEqual([empty.status, empty.stdout], [1, ""]);
    assert.match(empty.stderr, /PrivateTest/);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /--split must be one of Training, PublicTest/);
    assert.equal(unlabeled.status, 1);
    assert.match(unlabeled.stderr, /label/);
    for (const { stderr } of [empty, wrong, unlabeled]) {
      assert.doesNotMatch(stderr, /\n\s+at /); // no stack
    }
  }));
