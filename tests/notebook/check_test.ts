import assert from "node:assert/strict";
import { judge } from "mien/notebook/exercises/check.ts";
import { digestOf } from "mien/notebook/exercises/exercise.ts";
import { EXERCISES_1_TO_4 } from "mien/notebook/exercises/notebooks_1_to_4.ts";
import { EXERCISES_5_TO_10 } from "mien/notebook/exercises/notebooks_5_to_10.ts";
import type * as tf from "@tensorflow/tfjs";
import { mapEmotions } from "mien/data/map_emotions.ts";
import { drawFaces } from "mien/drawn/faces.ts";

const EXERCISES = { ...EXERCISES_1_TO_4, ...EXERCISES_5_TO_10 };

Deno.test("each notebook with exercises has an easy, a solid and an open one, and a repair", () => {
  for (const notebook of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    for (const kind of ["1", "2", "3", "R"]) {
      assert.ok(`${notebook}.${kind}` in EXERCISES, `${notebook}.${kind}`);
    }
  }
});

Deno.test("in every exercise, a missing answer is neither right nor wrong", async () => {
  for (const exercise of Object.keys(EXERCISES)) {
    assert.equal((await judge(exercise, undefined)).state, "open", exercise);
  }
});

Deno.test("in every exercise, an answer of the wrong kind is told what is expected", async () => {
  for (const exercise of Object.keys(EXERCISES)) {
    const { state, text } = await judge(exercise, new Date(0));
    assert.equal(state, "wrong", exercise);
    assert.match(text, /must be/, exercise);
  }
});

Deno.test("a number is right to the digits that count, and a wrong one gets a hint that does not reveal it", async () => {
  assert.equal((await judge("3.1", 9 * 32 + 32 * 64)).state, "right");
  const { state, text } = await judge("3.1", 9 * 32 * 64);
  assert.equal(state, "wrong");
  assert.doesNotMatch(text, /2,?336/);
});

Deno.test("a function is tried on several cases, and its own error is reported", async () => {
  const entropy = (votes: number[]) => {
    const sum = votes.reduce((a, b) => a + b, 0);
    return votes.filter((v) => v > 0)
      .reduce((bits, v) => bits - v / sum * Math.log2(v / sum), 0);
  };
  assert.equal((await judge("9.2", entropy)).state, "right");
  assert.equal((await judge("9.2", () => 0)).state, "wrong");
  const { text } = await judge("9.2", () => {
    throw new Error("oh dear");
  });
  assert.match(text, /oh dear/);
});

Deno.test("data without a recorded answer is reported, not called wrong", async () => {
  const faces = drawFaces({ count: 70, seed: 3 });
  const { state, text } = await judge("1.1", 1 / 7, faces);
  assert.equal(state, "wrong");
  assert.match(text, /no recorded answer/);
});

Deno.test("the order of labels and of batches is checked on the faces themselves", async () => {
  const faces = drawFaces({ count: 700, seed: 3 });
  const sorted = [...Array(560).keys()];
  assert.equal((await judge("4.R", sorted, faces)).state, "right");
  const { labels } = faces;
  const training = [...faces.splits.keys()].filter((i) =>
    faces.splits[i] === 0
  );
  const byLabel = sorted.toSorted((a, b) =>
    labels[training[a]] - labels[training[b]]
  );
  assert.equal((await judge("4.R", byLabel, faces)).state, "wrong");
  assert.equal((await judge("4.R", sorted.slice(1), faces)).state, "wrong");
});

Deno.test("custom classes, a custom loss and a split by person are checked by what they do", async () => {
  const drawn = drawFaces({ count: 70, seed: 3 });
  const up = ["happy", "surprise"], neutral = ["neutral"];
  const right = mapEmotions(drawn, { neutral, up, down: ["..."] });
  assert.equal((await judge("8.1", right, drawn)).state, "right");
  const wrong = mapEmotions(drawn, { down: ["..."], up: ["happy"], neutral });
  assert.equal((await judge("8.1", wrong, drawn)).state, "wrong");
  const loss =
    (smoothing: number) => (targets: tf.Tensor, outputs: tf.Tensor) =>
      targets.mul(1 - smoothing).add(smoothing / 3).mul(outputs.log()).sum(1)
        .neg();
  assert.equal((await judge("8.2", loss(0.1))).state, "right");
  assert.equal((await judge("8.2", loss(0))).state, "wrong");
  const mean = (t: tf.Tensor, o: tf.Tensor) => loss(0.1)(t, o).mean();
  assert.match((await judge("8.2", mean)).text, /two numbers, not 1/);
  const byPerson = (people: string[]) =>
    people.map((one) => / [05]$/.test(one) ? "test" : "training");
  assert.equal((await judge("8.R", byPerson)).state, "right");
  const byPicture = (people: string[]) =>
    people.map((_, i) => i % 5 === 0 ? "test" : "training");
  assert.match((await judge("8.R", byPicture)).text, /in both/);
});

Deno.test("an unknown exercise is an error that lists those that exist", async () => {
  await assert.rejects(judge("99.1", 1), /There is no exercise "99.1".*1\.1/);
});

Deno.test("digests differ by exercise and data, and agree within the rounding", () => {
  assert.equal(digestOf("a", "k", 0.25131, 3), digestOf("a", "k", 0.25129, 3));
  assert.notEqual(digestOf("a", "k", 0.251, 3), digestOf("a", "k", 0.252, 3));
  assert.notEqual(digestOf("a", "k", 1), digestOf("b", "k", 1));
  assert.notEqual(digestOf("a", "k", 1), digestOf("a", "l", 1));
});
