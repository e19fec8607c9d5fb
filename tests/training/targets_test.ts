// The targets of training: labels, smoothed or weighted, votes, teachers. Losses are compared with
// those from tfjs's own cpu kernels for the same initial weights.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { saveModel } from "mien/model/saved_model.ts";
import { type PartialConfig, TrainingError } from "mien/training/config.ts";
import { readRun } from "mien/training/run/run_folder.ts";
import { saveState } from "mien/training/run/state_file.ts";
import { shareFaces } from "mien/training/shared_memory.ts";
import { faceChecksum } from "mien/training/teachers/teacher_answers.ts";
import { train, type TrainOptions } from "mien/training/train.ts";
import { inFolder } from "../helpers/in_folder.ts";
import {
  buildPlain,
  buildTiny,
  makeFaces,
  near,
  sayings,
  still,
} from "../helpers/tiny_training.ts";

const faces = makeFaces(210, 70);

const run = (more: PartialConfig = {}, options: Partial<TrainOptions> = {}) =>
  train({
    faces,
    model: buildTiny(),
    ...options,
    config: {
      epochs: 2,
      batchSize: 32,
      learningRate: 0.01,
      workers: 2,
      seed: 3,
      ...more,
    },
  });

/** The mean cross-entropy of targets for the plain network's answers to the training faces. */
function expectedLoss(
  target: (label: number, k: number, face: number) => number,
  weight: (label: number) => number = () => 1,
): number {
  const labels = shareFaces(faces, "Training").labels;
  const losses = sayings(buildPlain(), faces, "Training").map((said, face) => {
    const label = labels[face];
    return weight(label) * said.reduce(
      (loss, p, k) => loss - target(label, k, face) * Math.log(p),
      0,
    );
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

Deno.test("loss, smoothed loss and weighted loss match those of tfjs's probabilities", async () => {
  const lossWith = async (more: PartialConfig) =>
    (await run({ ...still, ...more }, { model: buildPlain() })).history[0].loss;
  const hot = (label: number, k: number) => Number(label === k);
  near(await lossWith({ labelSmoothing: 0 }), expectedLoss(hot));
  near(
    await lossWith({ labelSmoothing: 0.2 }),
    expectedLoss((label, k) => 0.8 * hot(label, k) + 0.2 / 7),
  );
  const classWeights = [1, 2, 3, 0, 1, 0.5, 1];
  near(
    await lossWith({ labelSmoothing: 0, classWeights }),
    expectedLoss(hot, (label) => classWeights[label]),
  );
});

Deno.test("votes get their share of each target, in training and in validation", async () => {
  // For each face, its label gets one vote fewer than the next emotion in EMOTIONS.
  const columns = [4, 5, 6, 1, 3, 2, 0];
  const votes = new Uint8Array(10 * faces.length);
  faces.labels.forEach((label, face) => {
    votes[10 * face + columns[label]] = 4;
    votes[10 * face + columns[(label + 1) % 7]] = 5;
    votes[10 * face + 8] = 1; // unknown
  });
  const blend = (weight: number) => (label: number, k: number) =>
    (1 - weight) * Number(label === k) +
    weight * (k === label ? 4 / 9 : k === (label + 1) % 7 ? 5 / 9 : 0);
  const right = (answers: number[][], shift: number, labels: Uint8Array) =>
    answers.filter((said, face) =>
      said.indexOf(Math.max(...said)) === (labels[face] + shift) % 7
    ).length / answers.length;
  for (const [weight, shift] of [[0.3, 0], [1, 1]]) {
    const { history: [epoch] } = await run(
      { ...still, labelSmoothing: 0, votes: weight },
      { model: buildPlain(), faces: { ...faces, votes } },
    );
    near(epoch.loss, expectedLoss(blend(weight)));
    const said = sayings(buildPlain(), faces, "PublicTest");
    const { labels } = shareFaces(faces, "PublicTest");
    const losses = said.map((parts, face) =>
      parts.reduce(
        (loss, p, k) => loss - blend(weight)(labels[face], k) * Math.log(p),
        0,
      )
    );
    near(epoch.valLoss, losses.reduce((a, b) => a + b) / losses.length);
    near(epoch.valAccuracy, right(said, shift, labels));
  }
  await assert.rejects(run({ votes: 0.5 }), /have no votes/);
});

Deno.test("the teachers' share of a target is their answer for the face and its mirror image", () =>
  inFolder(async (folder) => {
    const models = [path.join(folder, "one"), path.join(folder, "other")];
    const said: number[][][] = [];
    for (const [index, model] of models.entries()) {
      const teacher = buildPlain(9 + index);
      await saveModel(teacher, model);
      said.push(sayings(teacher, faces, "Training", false));
      said.push(sayings(teacher, faces, "Training", true));
    }
    const { history } = await run({
      ...still,
      labelSmoothing: 0,
      teacher: { models, weight: 0.7, temperature: 2 },
    }, { model: buildPlain() });
    const softened = said[0].map((row, face) => {
      const roots = row.map((_, k) =>
        Math.sqrt(said.reduce((sum, rows) => sum + rows[face][k], 0) / 4)
      );
      const total = roots.reduce((a, b) => a + b);
      return roots.map((root) => root / total);
    });
    near(
      history[0].loss,
      expectedLoss((label, k, face) =>
        0.3 * Number(label === k) + 0.7 * softened[face][k]
      ),
    );
  }));

/** The lines of a file of answers: a header, and a plain network's probabilities of each face. */
function answersOf(seed: number): { lines: string[]; said: number[][] } {
  const { pixels } = shareFaces(faces, "Training");
  const said = sayings(buildPlain(seed), faces, "Training");
  const rows = said.map((row, i) =>
    [
      faceChecksum(pixels.subarray(i * 2304, (i + 1) * 2304)),
      ...row.map((p) => p.toFixed(6)),
    ].join(",")
  );
  return { lines: [["face", ...faces.emotions].join(","), ...rows], said };
}

Deno.test("teachers' answers from a file become targets, matched by the faces' checksums", () =>
  inFolder(async (folder) => {
    const { lines: [header, ...rows], said } = answersOf(9);
    assert.equal(rows.length, 210);
    const answers = path.join(folder, "answers.csv");
    const write = (...lines: string[]) =>
      fs.writeFileSync(answers, lines.join("\n"));
    write(header, ...rows.toReversed());
    const lossWith = async () =>
      (await run({
        ...still,
        labelSmoothing: 0,
        teacher: { answers, weight: 0.7 },
      }, { model: buildPlain() })).history[0].loss;
    near(
      await lossWith(),
      expectedLoss((label, k, face) =>
        0.3 * Number(label === k) + 0.7 * said[face][k]
      ),
    );
    const rejects = (reason: RegExp) =>
      assert.rejects(
        lossWith(),
        (error) => error instanceof TrainingError && reason.test(error.message),
      );
    write(header, ...rows.slice(1));
    await rejects(/answers\.csv has no answers for training face 1 of 210/);
    write(header, ...rows.slice(0, 4), rows[4].replace(/,0\./, ",9."));
    await rejects(/does not have 7 probabilities that add up to 1 in row 5/);
    write("face,happy", ...rows);
    await rejects(/starts with "face,happy"; it must start with "face,angry,/);
    fs.rmSync(answers);
    await rejects(/answers\.csv cannot be read: .*relative to/);
    await assert.rejects(
      run({ teacher: { weight: 0.5 } }),
      /teacher must have either models, .* or answers/,
    );
  }));

Deno.test("a run resumes with the teachers' answers it began with, and no others", () =>
  inFolder(async (folder) => {
    const answers = path.join(folder, "answers.csv");
    const write = (lines: string[]) =>
      fs.writeFileSync(answers, lines.join("\n"));
    const out = path.join(folder, "run");
    const until = (epochs: number) =>
      run({ epochs, schedule: "plateau", teacher: { answers } }, {
        out,
        resume: true,
      });
    const { lines: [header, ...rows] } = answersOf(9);
    write([header, ...rows]);
    await until(1);
    write([header, ...rows.toReversed()]);
    await until(2);
    const before = readRun(out);
    write(answersOf(10).lines);
    await assert.rejects(
      until(3),
      /teacher\.answers: .*answers\.csv has other answers than when the run began/,
    );
    assert.deepEqual(readRun(out), before);
    // A run recorded without the digest.
    const { answers: _, ...notes } = before.notes;
    saveState(path.join(out, "resume", "state.bin"), { ...before, notes });
    await until(3);
    write([header, ...rows]);
    await assert.rejects(until(4), /other answers/);
  }));
