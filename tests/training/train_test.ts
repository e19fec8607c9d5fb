// The trainer: reproducible, resumable, with clear errors. Its targets are tested in targets_test.ts.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { referenceAugmentation } from "mien/training/augment.ts";
import { loadModel } from "mien/model/saved_model.ts";
import { scalePixels } from "mien/network/input.ts";
import { readRun } from "mien/training/run/run_folder.ts";
import { schedules } from "mien/training/schedule.ts";
import {
  train,
  type TrainOptions,
  type TrainResult,
} from "mien/training/train.ts";
import {
  completeConfig,
  optimizers,
  type PartialConfig,
  TrainingError,
} from "mien/training/config.ts";
import {
  createTrainingMemory,
  meet,
  shareFaces,
  stopAll,
  Stopped,
} from "mien/training/shared_memory.ts";
import { orderOfEpoch } from "mien/training/order.ts";
import { TrainingTeam } from "mien/training/team.ts";
import {
  buildPlain,
  buildTiny,
  makeFaces,
  near,
  sayings,
  still,
} from "../helpers/tiny_training.ts";
import { inFolder } from "../helpers/in_folder.ts";

const faces = makeFaces(210, 70);
const config: PartialConfig = {
  epochs: 2,
  batchSize: 32,
  learningRate: 0.01,
  workers: 2,
  seed: 3,
  augmentation: referenceAugmentation,
};

const run = (more: PartialConfig = {}, options: Partial<TrainOptions> = {}) =>
  train({
    faces,
    model: buildTiny(),
    ...options,
    config: { ...config, ...more },
  });

const weightsOf = (model: tf.LayersModel) =>
  model.getWeights().map((weight) => weight.dataSync());

const bitsOf = ({ model }: TrainResult) => weightsOf(model);

const largestGap = (a: ArrayLike<number>[], b: ArrayLike<number>[]) =>
  Math.max(
    ...a.flatMap((values, i) =>
      Array.from(values, (value, k) => Math.abs(value - b[i][k]))
    ),
  );

const says = (...patterns: RegExp[]) => (error: unknown) =>
  error instanceof TrainingError &&
  patterns.every((pattern) => pattern.test(error.message));

Deno.test("the same seed and number of workers give the same weights, bit for bit", async () => {
  for (const workers of [1, 2, 3]) {
    const [one, other] = [await run({ workers }), await run({ workers })];
    assert.deepEqual(bitsOf(one), bitsOf(other));
  }
  const [seed3, seed4] = [await run(), await run({ seed: 4 })];
  assert.ok(largestGap(bitsOf(seed3), bitsOf(seed4)) > 1e-3);
});

Deno.test("any number of workers takes the same steps, except for rounding", async () => {
  // 210 faces in batches of 50: the last has ten, so shares are unequal, and some are empty.
  const weights = [];
  for (const workers of [1, 3, 12]) {
    weights.push(bitsOf(
      await run(
        { workers, batchSize: 50, optimizer: { kind: "sgd" } },
        { model: buildPlain() },
      ),
    ));
  }
  assert.ok(largestGap(weights[0], weights[1]) < 1e-5);
  assert.ok(largestGap(weights[0], weights[2]) < 1e-5);
});

Deno.test("a network learns to tell the faces apart", async () => {
  const { history, ended } = await run(
    { epochs: 40, learningRate: 0.03 },
    { model: buildPlain() },
  );
  assert.equal(ended, "epochs");
  assert.equal(history.length, 40);
  assert.ok(history[39].loss < history[0].loss);
  assert.ok(history[39].valAccuracy > 0.9, `${history[39].valAccuracy}`);
});

Deno.test("a saved model has the logged loss and accuracy in plain tfjs", () =>
  inFolder(async (folder) => {
    const { history, best } = await run({}, { out: folder });
    const { labels } = shareFaces(faces, "PublicTest");
    for (const { saved, valAccuracy, valLoss, epoch } of history) {
      if (!saved) continue;
      assert.equal(saved, `tiny.0${epoch}-${valAccuracy.toFixed(4)}`);
      const said = sayings(
        await loadModel(path.join(folder, saved)),
        faces,
        "PublicTest",
      );
      const right = said.filter((row, face) =>
        row.indexOf(Math.max(...row)) === labels[face]
      );
      assert.equal(right.length / labels.length, valAccuracy);
      const losses = said.map((row, face) => -Math.log(row[labels[face]]));
      near(losses.reduce((a, b) => a + b) / losses.length, valLoss);
    }
    assert.ok(best!.saved);
    assert.deepEqual(
      fs.readdirSync(folder).sort(),
      [
        ...history.flatMap(({ saved }) => saved ?? []),
        "config.json",
        "log.csv",
        "resume",
      ].sort(),
    );
    const { training } = JSON.parse(
      fs.readFileSync(path.join(folder, "config.json"), "utf8"),
    );
    assert.deepEqual(training, completeConfig({ ...config }));
    const log = fs.readFileSync(path.join(folder, "log.csv"), "utf8");
    assert.equal(log.split("\n")[0].split(",")[5], "val_accuracy");
    assert.equal(log.trimEnd().split("\n").length, 3);
  }));

Deno.test("the average of the weights follows its decay", async () => {
  // One step per epoch; the state after each epoch has weights and average.
  await inFolder(async (folder) => {
    const seen: Record<string, Float32Array>[] = [];
    await run({ epochs: 4, batchSize: 210, averageDecay: 0.3 }, {
      out: folder,
      onEpoch: () => seen.push(readRun(folder).arrays),
    });
    for (let step = 1; step < 4; step++) {
      const decay = Math.min(0.3, (1 + step) / (10 + step));
      for (const kind of ["Parameters", "Statistics"]) {
        const live = seen[step][kind.toLowerCase()];
        const before = seen[step - 1][`average${kind}`];
        const expected = live.map((value, i) =>
          decay * before[i] + (1 - decay) * value
        );
        assert.ok(
          largestGap([seen[step][`average${kind}`]], [expected]) < 1e-6,
        );
      }
    }
  });
});

Deno.test("batch normalization's statistics move faster in the first steps", () =>
  inFolder(async (folder) => {
    // One step: a tenth of the initial statistics, nine tenths of the batch's.
    await run({ ...still, batchSize: 210 }, { out: folder });
    const expected = tf.tidy(() => {
      const { pixels, length } = shareFaces(faces, "Training");
      const input = tf.tensor4d(scalePixels(pixels), [length, 48, 48, 1]);
      const parts = [0, 105].map((from) =>
        // Each worker has statistics of its own.
        tf.moments(
          buildTiny().layers[0].apply(
            input.gather(workersFaces().slice(from, from + 105)),
          ) as tf.Tensor4D,
          [0, 1, 2],
        )
      );
      const mean = parts[0].mean.add(parts[1].mean).div(2);
      const variance = parts[0].variance.add(parts[1].variance).div(2);
      return [
        ...mean.mul(0.9).dataSync(),
        ...variance.mul(0.9).add(0.1).dataSync(),
      ];
    });
    const { statistics } = readRun(folder).arrays;
    statistics.forEach((value, i) => near(value, expected[i], 1e-3));
  }));

/** The order of the faces in the first epoch; the first half goes to the first worker. */
const workersFaces = () => Array.from(orderOfEpoch(210, 3, 0));

Deno.test("a run that was stopped in the middle of an epoch resumes to the same weights", () =>
  inFolder(async (folder) => {
    const more: PartialConfig = { epochs: 4, batchSize: 2 };
    const expected = await run(more);
    const stopping = new AbortController();
    const stopped = await run(more, {
      out: folder,
      signal: stopping.signal,
      onEpoch: ({ epoch }) => {
        if (epoch === 2) setTimeout(() => stopping.abort(), 20);
      },
    });
    assert.equal(stopped.ended, "signal");
    assert.ok(stopped.history.length < 4);
    const resumed = await run(more, { out: folder, resume: true });
    assert.deepEqual(bitsOf(resumed), bitsOf(expected));
    assert.equal(resumed.history.length, 4);
  }));

Deno.test("patience ends a run, and plateau lowers the learning rate first", async () => {
  // With a learning rate that changes no weight, no epoch is better than the first.
  const { history, ended, best } = await run({
    ...still,
    epochs: 20,
    learningRate: 1e-20,
    patience: 5,
    schedule: { ...schedules.plateau, patience: 2, factor: 0.5 },
  }, { model: buildPlain() });
  assert.equal(ended, "patience");
  assert.equal(best!.epoch, 1);
  assert.deepEqual(
    history.map(({ learningRate }) => learningRate / 1e-20),
    [1, 1, 1, 0.5, 0.5, 0.25],
  );
});

Deno.test("a folder with a run is rejected, and a run does not resume as another", () =>
  inFolder(async (folder) => {
    const schedule = schedules.plateau;
    await run({ schedule }, { out: folder });
    const again = (more: PartialConfig, options: Partial<TrainOptions> = {}) =>
      run({ schedule, ...more }, { out: folder, resume: true, ...options });
    await assert.rejects(
      run({}, { out: folder }),
      says(/already contains a run/, /resume/),
    );
    await assert.rejects(
      again({ seed: 9, optimizer: { ...optimizers.adam, beta1: 0.5 } }),
      says(/optimizer\.beta1, seed/),
    );
    await assert.rejects(
      again({}, { model: buildPlain() }),
      says(/different network/),
    );
    await assert.rejects(
      again({}, { faces: makeFaces(140, 70) }),
      says(/different faces/),
    );
    const longer = await again({ epochs: 3 });
    assert.deepEqual(longer.history.map(({ epoch }) => epoch), [1, 2, 3]);
  }));

Deno.test("a run whose length decides its learning rates cannot be extended", () =>
  inFolder(async (folder) => {
    await run({}, { out: folder });
    await assert.rejects(
      run({ epochs: 3 }, { out: folder, resume: true }),
      says(/epochs/),
    );
  }));

Deno.test("a loss that is not a number ends the run, and the last good epoch is kept", () =>
  inFolder(async (folder) => {
    const broken = buildTiny();
    await run({ epochs: 1, schedule: schedules.plateau }, { out: folder });
    const good = readRun(folder);
    const wild: PartialConfig = {
      epochs: 9,
      optimizer: optimizers.sgd,
      learningRate: 100,
      schedule: schedules.plateau,
    };
    broken.setWeights(
      broken.getWeights().map((weight) => weight.mul(1e30) as tf.Tensor),
    );
    await assert.rejects(
      run(wild, { model: broken }),
      says(/became NaN|became Infinity/, /epoch 1/, /learning rate/),
    );
    assert.deepEqual(readRun(folder), good);
  }));

Deno.test("the error for a bad configuration names the field", async () => {
  const wrong: [PartialConfig, RegExp][] = [
    [{ batchSize: 0 }, /batchSize must be a whole number/],
    [{ learningRate: NaN }, /learningRate must be a number/],
    [{ augmentation: { shift: 2 } }, /augmentation\.shift/],
    [{ classWeights: [1, 2] }, /classWeights/],
    [{ schedule: { kind: "cosin" as "cosine" } }, /schedule\.kind/],
    [{ epoch: 3 } as PartialConfig, /unknown field.*epoch/],
  ];
  for (const [more, reason] of wrong) {
    await assert.rejects(run(more), says(reason));
  }
});

Deno.test("waiting workers stop when another one fails", async () => {
  const control = new Int32Array(new SharedArrayBuffer(12));
  stopAll(control);
  assert.throws(() => meet(control, 0, 1), Stopped);

  const shared = { training: shareFaces(faces, "Training") };
  const memory = createTrainingMemory({
    workers: 2,
    parameters: 1,
    statistics: 0,
    classes: 7,
    taught: false,
    ...shared,
    validation: shared.training,
    state: {},
  });
  const team = new TrainingTeam(memory);
  try {
    // No worker can read this request: it fails in all of them, and none hangs.
    await assert.rejects(
      team.ask(() => ({ kind: "start", memory }) as never),
      /A training worker failed/,
    );
  } finally {
    team.end();
  }
});
