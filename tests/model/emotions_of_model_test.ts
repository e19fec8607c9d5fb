// A model's class names and scale: saved, loaded, declared for foreign models, and used everywhere.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { mapEmotions } from "mien/data/map_emotions.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { evaluate, predictFaces } from "mien/evaluation/evaluate.ts";
import {
  declareMeaning,
  meaningOf,
  nameEmotions,
} from "mien/model/emotions_of_model.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { loadRecognizer } from "mien/recognition/recognize.ts";
import { explain } from "mien/recognition/explain.ts";
import { train } from "mien/training/train.ts";
import { inFolder } from "../helpers/in_folder.ts";

const faces = drawFaces({ count: 140, seed: 3 });
const happy = mapEmotions(faces, { happy: ["happy"], other: ["..."] });

Deno.test("a model of two classes trains, saves, loads, and is evaluated and used for recognition", () =>
  inFolder(async (folder) => {
    const model = buildMiniXception({ classes: 2 });
    const out = join(folder, "run");
    const config = { epochs: 1, workers: 2, seed: 1 };
    const { history } = await train({ faces: happy, model, config, out });
    const { data } = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
    assert.deepEqual(data.emotions, ["happy", "other"]);
    const saved = join(out, history[0].saved!);
    const loaded = await loadModel(saved);
    assert.deepEqual(meaningOf(loaded).emotions, ["happy", "other"]);
    const result = await evaluate(loaded, happy, "PublicTest");
    assert.deepEqual(result.perClass.map((figures) => figures.emotion), [
      "happy",
      "other",
    ]);
    assert.equal(result.confusion.length, 2);
    const recognizer = await loadRecognizer(saved);
    assert.deepEqual(recognizer.emotions, ["happy", "other"]);
    const [answer] = recognizer.classify([happy.pixels.slice(0, 2304)]);
    assert.equal(answer.length, 2);
    const { emotion } = explain(loaded, happy.pixels.slice(0, 2304));
    assert.ok(["happy", "other"].includes(emotion));
    // The same run with other names is not the requested run.
    const renamed = { ...happy, emotions: ["glad", "other"] };
    const again = buildMiniXception({ classes: 2 });
    await assert.rejects(
      train({ faces: renamed, model: again, config, out, resume: true }),
      /its faces have the classes happy, other/,
    );
    await assert.rejects(
      train({ faces: renamed, model: loaded, config }),
      /the network is for happy, other, but the faces show glad, other/,
    );
    await assert.rejects(
      train({ faces, model: again, config }),
      /returns 2; it must take faces of 48x48x1 and return 7/,
    );
  }));

Deno.test("a model whose classes have another order is evaluated by their names", async () => {
  const model = buildMiniXception({ classes: 2 });
  nameEmotions(model, ["happy", "other"]);
  const straight = await evaluate(model, happy, "Training");
  nameEmotions(model, ["other", "happy"]);
  const turned = await evaluate(model, happy, "Training");
  assert.deepEqual(
    turned.confusion,
    straight.confusion.map((row) => row.toReversed()),
  );
  nameEmotions(model, ["sad", "happy"]);
  await assert.rejects(
    evaluate(model, happy, "Training"),
    /the model is for 2 classes \(sad, happy\), but the faces show 2 \(happy, other\)/,
  );
});

Deno.test("a model without class names gets numbers; declared names and scale are saved", () =>
  inFolder(async (folder) => {
    const model = buildMiniXception({ classes: 3 });
    assert.deepEqual(meaningOf(model), {
      emotions: ["0", "1", "2"],
      named: false,
      scale: [-1, 1],
    });
    declareMeaning(model, { emotions: "a, b,c", scale: "0..1" });
    await saveModel(model, folder);
    const loaded = await loadModel(folder);
    assert.deepEqual(meaningOf(loaded), {
      emotions: ["a", "b", "c"],
      named: true,
      scale: [0, 1],
    });
    // TensorFlow.js's answers for the same faces, scaled by hand; float32 through 58,000 weights.
    const few = { pixels: faces.pixels.subarray(0, 3 * 2304), length: 3 };
    const expected = tf.tidy(() =>
      (loaded.predict(
        tf.tensor4d(Float32Array.from(few.pixels), [3, 48, 48, 1]).div(255),
      ) as tf.Tensor).dataSync()
    );
    const actual = await predictFaces(loaded, few);
    actual.forEach((p, i) => assert.ok(Math.abs(p - expected[i]) < 1e-4));
    const refuse = (said: Record<string, string>, reason: RegExp) =>
      assert.throws(() => declareMeaning(model, said), reason);
    refuse({ emotions: "a,b" }, /3 classes, but 2 names: a, b/);
    refuse({ emotions: "a,b,b" }, /b is named twice/);
    for (const scale of ["1", "0..", "1..1", "x..y", "0..1..2"]) {
      refuse({ scale }, /the values for black and white, such as 0\.\.1/);
    }
  }));
