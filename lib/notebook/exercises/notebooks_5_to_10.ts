// The exercises of notebooks 5 to 10, from evaluation to results that are too good:
// what each asks for and how an answer is tested. Worked solutions are in
// notebooks/solutions/.

import type * as tf from "@tensorflow/tfjs";
import { facePixels, type Faces } from "../../data/faces.ts";
import {
  EMOTIONS,
  FACE_PIXELS,
  FACE_SIZE,
  indexOfLargest,
} from "../../emotions.ts";
import { scalePixels } from "../../network/input.ts";
import { coverFace, occlusionMap } from "../../recognition/occlusion.ts";
import type { Recognizer } from "../../recognition/recognizer.ts";
import {
  apart,
  digestOf,
  DIGESTS,
  type Exercise,
  isFunction,
  isText,
  number,
  randomFaces,
  text,
  works,
} from "./exercise.ts";

/** The classes of exercise 8.1, and the emotions that each takes. */
const MOODS: Record<string, string[]> = {
  up: ["happy", "surprise"],
  down: ["sad", "angry", "disgust", "fear"],
  neutral: ["neutral"],
};

/** By number; R is the cell to repair. */
export const EXERCISES_5_TO_10: Record<string, Exercise> = {
  "5.1": number(
    -2,
    "a number of faces, to the nearest hundred",
    "Solve 1.96 * sqrt(p * (1 - p) / n) = 0.005 for n, with p = 0.65.",
  ),
  "5.2": works<[number[][], number]>(
    "a function of the confusion matrix and a label",
    "Precision looks down the column of the label, recall along its row.",
    () => {
      const confusion = [[8, 1, 1], [2, 5, 3], [0, 4, 6]];
      return [0, 1, 2].map((label) => {
        const row = confusion[label].reduce((a, b) => a + b, 0);
        const column = confusion.reduce((sum, r) => sum + r[label], 0);
        const wanted = 2 * confusion[label][label] / (row + column);
        return {
          given: [confusion, label],
          wanted,
          what: `label ${label} of a matrix with three classes`,
        };
      });
    },
  ),
  "5.3": text(
    20,
    "Say which mistake it is, what in the picture explains it, and whether you would have labeled it like the data set.",
  ),
  "5.R": apart(
    "fitted",
    "measured",
    100,
    "Do not measure on any face that the temperature was fitted on.",
  ),
  "6.1": number(
    3,
    "a share from 0 to 1",
    "Of all windows, left[1] are left after the second stage.",
  ),
  "6.2": {
    expects: "three counts of faces: upright, at 20 and at 180 degrees",
    accepts: (answer) => Array.isArray(answer) && answer.length === 3,
    hint: "Use turnImage and detectFaces with the options of this notebook.",
    test: (answer) =>
      digestOf("6.2", "", (answer as number[]).join(" ")) ===
        DIGESTS["6.2"]?.[""],
  },
  "6.3": text(
    30,
    "Name a place where a picture of a face is found that is not a person, and say what would follow.",
  ),
  "6.R": works<[number, number, number]>(
    "a function of x, y and the layer's scale",
    "A window of 24 pixels in a layer is larger in the picture.",
    () =>
      [[10, 20, 2.5], [3, 4, 1]].map(([x, y, scale]) => ({
        given: [x, y, scale],
        wanted: [x * scale, y * scale, 24 * scale, 24 * scale].map(Math.round),
        what: `the window at (${x}, ${y}) of a layer with scale ${scale}`,
      })),
  ),
  "7.1": {
    expects: "an emotion",
    accepts: isText,
    hint: "Sort the seven probabilities from high to low.",
    test(answer, context) {
      const rest = Array.from(context as Float32Array);
      rest[indexOfLargest(rest)] = -1;
      return answer === EMOTIONS[indexOfLargest(rest)];
    },
  },
  "7.2": {
    expects: "the corner of a square: x and y from 0 to 40",
    accepts: (answer) =>
      [(answer as { x: number }).x, (answer as { y: number }).y].every((v) =>
        Number.isInteger(v) && v >= 0 && v <= FACE_SIZE - 8
      ),
    hint:
      "Try all corners in steps of 4 pixels, and keep the one that lowers the probability most.",
    test(answer, context) {
      const { recognizer, crop, emotion } = context as {
        recognizer: Pick<Recognizer, "classify">;
        crop: Uint8Array;
        emotion: typeof EMOTIONS[number];
      };
      const { x, y } = answer as { x: number; y: number };
      const [yours] = recognizer.classify([coverFace(crop, x, y)]);
      const { loss, probability } = occlusionMap(recognizer, crop, emotion);
      const least = probability - Math.max(...loss);
      return yours[EMOTIONS.indexOf(emotion)] <= least + 0.02;
    },
  },
  "7.3": text(
    30,
    "Say whom a wrong label would harm, and who could find out.",
  ),
  "7.R": works<[Uint8Array]>(
    "a function that takes gray values and gives as many numbers",
    "Training and use must scale the same way: to -1 to 1.",
    () => {
      const gray = Uint8Array.of(0, 64, 128, 255);
      return [{
        given: [gray],
        wanted: scalePixels(gray),
        what: "the gray values 0, 64, 128 and 255",
      }];
    },
    1e-5,
  ),
  "8.1": {
    expects: "faces, as mapEmotions gives them",
    accepts: (answer) => Array.isArray((answer as Faces).emotions),
    hint: "Each face keeps its place; its emotion tells which class it is in.",
    test(answer, context) {
      const { emotions, labels } = answer as Faces;
      const drawn = context as Faces;
      if (emotions.toSorted().join() !== Object.keys(MOODS).sort().join()) {
        return "The classes are up, down and neutral.";
      }
      return labels.length === drawn.length &&
        labels.every((label, face) =>
          MOODS[emotions[label]].includes(drawn.emotions[drawn.labels[face]])
        );
    },
  },
  "8.2": {
    expects: "a function of targets and outputs that gives a tensor",
    accepts: isFunction,
    hint:
      "With K classes a target t becomes 0.9 * t + 0.1 / K; then the cross-entropy as before.",
    async test(answer) {
      const tf = await import("@tensorflow/tfjs");
      const rows = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]];
      const labels = [0, 1];
      const wanted = rows.map((row, face) =>
        row.reduce((sum, p, k) => {
          const target = (k === labels[face] ? 0.9 : 0) + 0.1 / row.length;
          return sum - target * Math.log(p);
        }, 0)
      );
      const got = tf.tidy(() => {
        const targets = tf.oneHot(tf.tensor1d(labels, "int32"), 3).toFloat();
        const loss = answer as (t: tf.Tensor, o: tf.Tensor) => tf.Tensor;
        return loss(targets, tf.tensor2d(rows)).dataSync();
      });
      if (got.length !== 2) {
        return `For two faces it should give two numbers, not ${got.length}.`;
      }
      return wanted.every((loss, face) => Math.abs(loss - got[face]) < 1e-4);
    },
  },
  "8.3": text(
    30,
    "Say what you measured, on how many test faces, and how far two such accuracies may be apart by chance.",
  ),
  "8.R": {
    expects: "a function that takes the person of each picture",
    accepts: isFunction,
    hint: "Draw the people, not the pictures.",
    test(answer) {
      const people = Array.from({ length: 60 }, (_, i) => `person ${i % 12}`);
      const splits = (answer as (people: string[]) => string[])(people);
      const sharesOne = people.every((person, i) =>
        splits[i] === splits[people.indexOf(person)]
      );
      if (!sharesOne) {
        return "Some person is in both: the network would know the faces that it is tested on.";
      }
      const test = splits.filter((split) => split === "test").length;
      const training = splits.filter((split) => split === "training").length;
      return test + training === 60 && test >= 5 && test <= 20;
    },
  },
  "9.1": number(
    3,
    "a share from 0 to 1",
    "For each face, compare the emotion with the most votes with the label.",
  ),
  "9.2": works<[number[]]>(
    "a function that takes the votes of one face and gives a number",
    "Turn votes into shares p; a share of 0 adds nothing. The entropy in bits is the sum of -p log2 p.",
    () => [
      { given: [[10, 0, 0, 0]], wanted: 0, what: "ten identical votes" },
      { given: [[5, 5, 0, 0]], wanted: 1, what: "votes split in half" },
      { given: [[2, 2, 2, 2]], wanted: 2, what: "votes split in four" },
    ],
  ),
  "9.3": text(
    30,
    "Say which of the two labels you would train on, for what use, and why.",
  ),
  "9.R": works<[number[]]>(
    "a function that takes ten counts and gives the index of an emotion, or -1",
    "The last two counts are not emotions: unknown, and not a face.",
    () => [
      {
        given: [[1, 6, 0, 0, 0, 0, 0, 0, 3, 0]],
        wanted: 3,
        what: "six votes for happiness",
      },
      { given: [[5, 0, 0, 5, 0, 0, 0, 0, 0, 0]], wanted: -1, what: "a tie" },
      {
        given: [[0, 0, 0, 4, 0, 0, 0, 0, 6, 0]],
        wanted: 4,
        what: "six votes for unknown, four for sadness",
      },
    ],
  ),
  "10.1": number(
    0,
    "a number of faces",
    "auditFaces(leaked).splits has a row for PublicTest, which says how many of its faces are also in Training.",
  ),
  "10.2": {
    expects: "a function that takes faces and gives faces",
    accepts: isFunction,
    hint:
      "Keep a training face only if no face in another split has the same pixels.",
    test(answer) {
      const faces = randomFaces(12, 5);
      faces.splits.set([1, 1, 1], 0);
      facePixels(faces, 5).set(facePixels(faces, 1));
      facePixels(faces, 9).set(facePixels(faces, 2));
      const clean = (answer as (faces: Faces) => Faces)(faces);
      const count = (split: number) =>
        clean.splits.filter((s) => s === split).length;
      if (count(1) !== 3) return "All PublicTest faces must stay.";
      if (count(0) > 7) return "Some training faces are still copies.";
      return count(0) === 7 && clean.pixels.length === 10 * FACE_PIXELS;
    },
  },
  "10.3": text(
    40,
    "What numbers would you ask the authors for, and what would you run yourself?",
  ),
  "10.R": apart(
    "training",
    "test",
    1,
    "Split first, then make copies, but only of the training faces.",
  ),
};
