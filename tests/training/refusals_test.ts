// Errors for mistyped configurations name the field, its value and what it may be.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import type { Faces } from "mien/data/faces.ts";
import { completeConfig, type PartialConfig } from "mien/training/config.ts";
import { train } from "mien/training/train.ts";
import { UserError } from "mien/user_error.ts";
import { buildTiny, makeFaces } from "../helpers/tiny_training.ts";

const rejectsConfig = (config: unknown, text: string) =>
  assert.throws(() => completeConfig(config as PartialConfig), (error) => {
    assert.ok(error instanceof UserError, `${error}`);
    assert.equal(error.message.slice(0, text.length), text);
    return true;
  });

Deno.test("an optimizer and a schedule may be given as a word or in full", () => {
  const word = completeConfig({ optimizer: "sgd", schedule: "cosine" });
  const full = completeConfig({
    optimizer: { kind: "sgd" },
    schedule: { kind: "cosine" },
  });
  assert.deepEqual(word, full);
  assert.equal(word.optimizer.kind, "sgd");
  assert.deepEqual(completeConfig({ epochs: undefined }), completeConfig());
});

Deno.test("the error for a wrong value names its field, and says what it is and may be", () => {
  rejectsConfig(
    { learningRate: "0.1" },
    'learningRate must be a number from 0 to 100, not the text "0.1"',
  );
  rejectsConfig(
    { epochs: [3] },
    "epochs must be a whole number, at least 1, not [3]",
  );
  rejectsConfig(
    { optimizer: "adamw" },
    'optimizer.kind must be adam or sgd, not the text "adamw"',
  );
  rejectsConfig(
    { optimizer: { kind: "constructor" } },
    'optimizer.kind must be adam or sgd, not the text "constructor"',
  );
  rejectsConfig(
    { augmentation: () => 1 },
    "augmentation is a function; it must be an object, such as",
  );
  rejectsConfig(
    { loss: () => 1 },
    'loss is a function; it must be an object, such as {"kind":"focal"}; pass a function next to the configuration: train({ loss, ',
  );
  rejectsConfig(
    { loss: "hinge" },
    "loss.kind must be cross-entropy or focal, not",
  );
  rejectsConfig(
    { loss: { kind: "focal", gamma: -1 } },
    "loss.gamma must be a number from 0 to 10, not -1",
  );
  rejectsConfig({ augmentation: 5 }, "augmentation is 5; it must be an object");
  rejectsConfig(
    { schedule: [] },
    "schedule is []; it must be an object, such as",
  );
  rejectsConfig({ schedule: null }, "schedule is null; it must be an object");
  for (const nonsense of [5, [], null, "adam"]) {
    rejectsConfig(nonsense, "the training configuration is ");
  }
});

Deno.test("the error for an unknown field suggests the most similar known one", () => {
  const unknown = "unknown field in the training configuration: ";
  rejectsConfig({ epoch: 3 }, `${unknown}epoch. Did you mean epochs?`);
  rejectsConfig(
    { learning_rate: 1 },
    `${unknown}learning_rate. Did you mean learningRate?`,
  );
  rejectsConfig({ toString: 1 }, `${unknown}toString.`);
  rejectsConfig(
    { optimizer: { kind: "sgd", momentun: 1 } },
    `${unknown}optimizer.momentun. Did you mean optimizer.momentum?`,
  );
});

const faces = makeFaces(70, 35);

Deno.test("a custom loss together with one in the configuration is rejected", () =>
  assert.rejects(
    train({
      faces,
      model: buildTiny(),
      loss: tf.squaredDifference,
      config: { epochs: 1, workers: 1, loss: "focal" },
    }),
    /the configuration says loss focal, and a custom loss is given/,
  ));

const rejects = (
  given: Partial<Faces>,
  text: RegExp,
  config: PartialConfig = {},
  model = buildTiny(),
) =>
  assert.rejects(
    train({
      faces: { ...faces, ...given },
      model,
      config: { epochs: 1, workers: 1, ...config },
    }),
    (error) => {
      assert.ok(error instanceof UserError, `${error}`);
      assert.match(error.message, text);
      return true;
    },
  );

Deno.test("faces that cannot be trained on are rejected before the first epoch", async () => {
  const labels = faces.labels.slice();
  labels[3] = 9;
  await rejects(
    { labels },
    /row 4: the label 9 is not between 0 and 6/,
  );
  await rejects(
    { labels: labels.slice(1) },
    /105 faces need 105 labels, not 104/,
  );
  await rejects(
    { splits: faces.splits.map(() => 0) },
    /has no rows for the split PublicTest, only 105 Training/,
  );
  await rejects(
    { splits: faces.splits.map(() => 1) },
    /has no rows for the split Training, only 105 PublicTest/,
  );
  await rejects(
    {},
    /classWeights gives every class of the training faces the weight 0/,
    {
      classWeights: [0, 0, 0, 0, 0, 0, 0],
    },
  );
});

Deno.test("the error for a network without softmax names its last layer", async () => {
  const dense = (name: string, activation?: "softmax" | "relu") =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [48, 48, 1] }),
        tf.layers.dense({ units: 7, activation, name }),
      ],
    });
  await rejects(
    {},
    /must end in a softmax.* layer answers \(Dense\).*activation: "softmax"/,
    {},
    dense("answers"),
  );
});
