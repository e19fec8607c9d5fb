// What models/ promises: each recorded run is complete and small, says what it must not be used for,
// and has the figures of its model.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { selectSplit } from "mien/data/faces.ts";
import { EMOTIONS } from "mien/emotions.ts";
import { addOffsets, divideLogits } from "mien/model/answer_offsets.ts";
import { loadModel } from "mien/model/saved_model.ts";
import { evaluate } from "mien/evaluation/evaluate.ts";
import { findFaces } from "mien/drawn/find_faces.ts";
import { defaultModel } from "mien/recognition/recognize.ts";
import { inProject } from "mien/project.ts";
import { readTrained } from "mien/network/trained.ts";
import { recalibrate } from "mien/training/recalibrate.ts";
import { lastSaved, readRecordedRun } from "mien/training/run/recorded_run.ts";
import { readTeacherAnswers } from "mien/training/teachers/teacher_answers.ts";
import { shared } from "../helpers/shared.ts";

const realData = shared("fer2013/fer2013.csv.gz");
const models = inProject("models");
const runs = readdirSync(models).filter((name) =>
  existsSync(join(models, name, "evaluation.json"))
);

Deno.test("the default model is the one chosen from a recorded run", () => {
  const chosen = runs.map((name) =>
    inProject(readRecordedRun(join(models, name)).evaluation.model)
  );
  assert.ok(chosen.includes(defaultModel()), defaultModel());
});

for (const name of runs) {
  const folder = join(models, name);

  Deno.test(`models/${name} has a log of every epoch, and models named after their epochs`, () => {
    const { epochs, config, evaluation } = readRecordedRun(folder);
    assert.deepEqual(
      epochs.map(({ epoch }) => epoch),
      Array.from({ length: epochs.length }, (_, index) => index + 1),
    );
    assert.ok(epochs.length <= config.epochs);
    assert.ok(evaluation.params <= 60_000);
    const saved = readdirSync(folder).filter((entry) => /\.\d+-/.test(entry));
    const least = epochs.length < 20 ? 2 : 5;
    assert.ok(saved.length >= least, "what a reader needs to follow the run");
    for (const entry of saved) {
      const [, epoch, accuracy] = /\.(\d+)-(0\.\d{4})$/.exec(entry)!;
      assert.equal(
        epochs[Number(epoch) - 1].valAccuracy!.toFixed(4),
        accuracy,
      );
    }
    const last = saved.map((entry) => Number(/\.(\d+)-/.exec(entry)![1]));
    assert.ok(last.includes(epochs.length), "the final model");
  });

  Deno.test(`models/${name} can be trained again: its teachers are here`, async () => {
    const { teacher } = readRecordedRun(folder).config;
    for (const model of teacher?.models ?? []) {
      assert.ok(existsSync(inProject(model, "model.json")), model);
    }
    if (!teacher?.answers) return;
    // Checks every row and, if the data is here, that every training face has one.
    const { pixels, length } = realData
      ? selectSplit(await findFaces(realData), "Training")
      : { pixels: new Uint8Array(), length: 0 };
    const answers = await readTeacherAnswers(
      inProject(teacher.answers),
      { pixels, length },
      EMOTIONS,
    );
    assert.equal(answers.length, 7 * length);
  });

  const recalibrated = join(folder, "recalibrated");
  Deno.test({
    name:
      `models/${name}/recalibrated differs from the last model only in its statistics`,
    ignore: !existsSync(recalibrated),
    fn: async () => {
      const models = await Promise.all(
        [lastSaved(folder), recalibrated].map(loadModel),
      );
      const [last, again] = models.map(readTrained);
      assert.deepEqual(again.parameters, last.parameters);
      assert.notDeepEqual(again.statistics, last.statistics);
    },
  });

  const adjusted = join(folder, "adjusted");
  Deno.test({
    name: `the command in its card makes models/${name}/adjusted`,
    ignore: !existsSync(adjusted),
    fn: async () => {
      const card = readFileSync(join(folder, "README.md"), "utf8");
      const [, command] = /(deno task offsets (?:.*\\\n)*.*)/.exec(card)!;
      const offsets = EMOTIONS.map((emotion) =>
        Number(new RegExp(`${emotion}=(\\S+)`).exec(command)?.[1] ?? 0)
      );
      const [, temperature] = /--temperature (\S+)/.exec(command)!;
      const [, from] = /deno task offsets (\S+)/.exec(command)!;
      assert.ok(offsets.some((offset) => offset !== 0));
      const [made, kept] = await Promise.all(
        [inProject(from), adjusted].map(loadModel),
      );
      addOffsets(made, offsets);
      divideLogits(made, Number(temperature));
      made.getWeights().forEach((weight, i) =>
        assert.deepEqual(weight.dataSync(), kept.getWeights()[i].dataSync())
      );
    },
  });

  Deno.test(`the card of models/${name} says what the model is not for`, () => {
    const { evaluation, config } = readRecordedRun(folder);
    const card = readFileSync(join(folder, "README.md"), "utf8");
    assert.match(card, /## What it must not be used for/);
    assert.match(card, /at work or in education/);
    assert.ok(card.includes(`${(100 * evaluation.accuracy).toFixed(1)} %`));
    assert.match(evaluation.protocol, /PrivateTest/);
    assert.equal(evaluation.seed, config.seed);
  });

  Deno.test({
    name: `models/${name} has the figures of its record`,
    ignore: !realData,
    fn: async () => {
      const { evaluation, data } = readRecordedRun(folder);
      const faces = await findFaces(realData!);
      assert.equal(faces.source.hash, data.hash);
      const model = await loadModel(inProject(evaluation.model));
      const again = await evaluate(model, faces, "PublicTest");
      model.dispose();
      assert.deepEqual(again.confusion, evaluation.confusion);
      assert.deepEqual(again.unseen, evaluation.unseen);
      assert.ok(Math.abs(again.loss - evaluation.loss) < 1e-6);
    },
  });
}

Deno.test({
  name: "recalibrating the last model of models/report gives the recorded one",
  ignore: !realData,
  fn: async () => {
    const folder = join(models, "report");
    const { config, evaluation } = readRecordedRun(folder);
    const model = await loadModel(lastSaved(folder));
    const faces = await findFaces(realData!);
    await recalibrate(model, faces, { seed: config.seed });
    const { accuracy, loss } = await evaluate(model, faces, "PublicTest");
    // Another processor may round differently, which may change the answer for a borderline face.
    assert.ok(Math.abs(accuracy - evaluation.accuracy) <= 2 / evaluation.n);
    assert.ok(Math.abs(loss - evaluation.loss) < 1e-3);
  },
});

Deno.test("all recorded runs stay under 10 MB", () => {
  const bytes = (place: string): number =>
    statSync(place).isDirectory()
      ? readdirSync(place).map((entry) => bytes(join(place, entry)))
        .reduce((sum, size) => sum + size, 0)
      : statSync(place).size;
  const total = runs.map((name) => bytes(join(models, name)))
    .reduce((sum, size) => sum + size, 0);
  assert.ok(total < 10e6, `${total} bytes`);
});
