// The exercises of notebooks 1 to 4, from the data to training: what each asks for
// and how an answer is tested. Worked solutions are in notebooks/solutions/.

import type * as tf from "@tensorflow/tfjs";
import { correlate } from "../../data/audit.ts";
import { facePixels, type Faces, selectSplit } from "../../data/faces.ts";
import { EMOTIONS, FACE_PIXELS, FACE_SIZE } from "../../emotions.ts";
import { createRandom } from "../../random.ts";
import { differingFields } from "../../training/config.ts";
import {
  type Exercise,
  isFunction,
  isText,
  number,
  randomFaces,
  works,
} from "./exercise.ts";
import { readNotebookRun } from "../notebook_run.ts";

/** Makes one face of `faces` the mirror image of another one. */
function putMirror(faces: Faces, from: number, to: number): void {
  const source = facePixels(faces, from).slice(),
    target = facePixels(faces, to);
  source.forEach((gray, i) => {
    const column = i % FACE_SIZE;
    target[i - column + FACE_SIZE - 1 - column] = gray;
  });
}

function meanFace(faces: Faces): Float64Array {
  const training = selectSplit(faces, "Training");
  const mean = new Float64Array(FACE_PIXELS);
  training.pixels.forEach((gray, i) =>
    mean[i % FACE_PIXELS] += gray / training.length
  );
  return mean;
}

/** A 3x3 convolution without padding, as notebook 3 writes it. */
function convolve(image: ArrayLike<number>, side: number, kernel: number[]) {
  const out = side - 2;
  return Array.from({ length: out * out }, (_, place) => {
    const x = place % out, y = Math.floor(place / out);
    return kernel.reduce(
      (sum, weight, k) =>
        sum + weight * image[(y + Math.floor(k / 3)) * side + x + k % 3],
      0,
    );
  });
}

const randomValues = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

/** By number; R is the cell to repair. */
export const EXERCISES_1_TO_4: Record<string, Exercise> = {
  "1.1": number(
    3,
    "a share from 0 to 1",
    "Count only the faces of the Training split, and divide by their number.",
  ),
  "1.2": number(
    0,
    "the number of a face, from 0",
    "Take the mean of facePixels(training, i) for each training face, and keep the first lowest one.",
  ),
  "1.3": works<[Faces]>(
    "a function that takes faces and gives a number",
    "Mirror each face by reversing its rows, and look it up among the faces before it.",
    () => {
      const none = randomFaces(6, 1), two = randomFaces(8, 2);
      putMirror(two, 0, 3);
      putMirror(two, 1, 7);
      return [
        { given: [none], wanted: 0, what: "six faces that are all different" },
        { given: [two], wanted: 2, what: "eight faces, two of them mirrored" },
      ];
    },
  ),
  "1.R": {
    expects: "a list of ten names",
    accepts: Array.isArray,
    hint: "A label is an index into EMOTIONS, in FER-2013's order.",
    test(answer, context) {
      const { labels } = context as Faces;
      return (answer as string[]).length === 10 &&
        (answer as string[]).every((name, i) => name === EMOTIONS[labels[i]]);
    },
  },
  "2.1": number(
    1,
    "a gray value from 0 to 255, to one decimal",
    "It is the mean over all pixels of all training faces.",
  ),
  "2.2": {
    expects: "2,304 numbers",
    accepts: (answer) => (answer as ArrayLike<number>).length === FACE_PIXELS,
    hint:
      "Add up the same pixel of every training face, and divide by the number of faces.",
    test(answer, context) {
      const mean = meanFace(context as Faces);
      return mean.every((gray, i) =>
        Math.abs(gray - (answer as number[])[i]) < 0.6
      );
    },
  },
  "2.3": {
    expects: "a function that takes 2,304 gray values and gives as many",
    accepts: isFunction,
    hint: "The emotion must stay recognizable.",
    test(answer, context) {
      const faces = context as Faces;
      for (const number of [0, 1, 2]) {
        const face = facePixels(faces, number).slice();
        const before = face.slice();
        const after = Array.from(
          (answer as (face: Uint8Array) => ArrayLike<number>)(face),
        );
        if (after.length !== FACE_PIXELS) return "It must return 2,304 values.";
        if (after.some((gray) => !(gray >= 0 && gray <= 255))) {
          return "Some of its values are outside 0 to 255.";
        }
        const moved = after.filter((gray, i) =>
          Math.abs(gray - before[i]) >= 1
        );
        if (moved.length < 0.05 * FACE_PIXELS) {
          return "It leaves more than 95 % of the pixels unchanged.";
        }
        if (correlate(after, before) < 0.3) {
          return "The result has little in common with the face: would you still recognize the emotion?";
        }
      }
      return true;
    },
  },
  "2.R": works<[number]>(
    "a function that takes a gray value and gives a number",
    "The network was trained on values from -1 to 1.",
    () =>
      [0, 51, 127.5, 255].map((gray) => ({
        given: [gray],
        wanted: gray / 127.5 - 1,
        what: `the gray value ${gray}`,
      })),
  ),
  "3.1": number(
    0,
    "a number of weights",
    "One 3x3 kernel for each input channel, then a 1x1 convolution; no bias.",
  ),
  "3.2": works<[number[], number]>(
    "a function of the values and their side",
    "Each 2x2 square becomes its largest value; the squares do not overlap.",
    () =>
      [4, 6].map((side) => {
        const values = randomValues(side * side, side).map((v) => v - 0.5);
        const half = side / 2;
        const wanted = Array.from({ length: half * half }, (_, place) => {
          const x = 2 * (place % half), y = 2 * Math.floor(place / half);
          return Math.max(
            ...[0, 1, side, side + 1].map((k) => values[y * side + x + k]),
          );
        });
        return {
          given: [values, side],
          wanted,
          what: `a ${side} x ${side} map`,
        };
      }),
  ),
  "3.3": {
    expects: "a model made by tf.model",
    accepts: (answer) =>
      typeof (answer as tf.LayersModel).countParams === "function",
    hint: "Fewer filters in the later modules save the most.",
    async test(answer) {
      const tf = await import("@tensorflow/tfjs");
      const model = answer as tf.LayersModel;
      const [input, output] = [model.inputs[0].shape, model.outputs[0].shape];
      if (`${input.slice(1)}` !== "48,48,1") {
        return "It must take faces of 48 x 48 x 1.";
      }
      if (`${output.slice(1)}` !== "7") return "It must return seven numbers.";
      const pixels = tf.tidy(() => {
        const x = tf.randomUniform([2, 48, 48, 1], -1, 1, "float32", 1);
        return (model.predict(x) as tf.Tensor).sum(1).arraySync() as number[];
      });
      if (pixels.some((sum) => Math.abs(sum - 1) > 1e-4)) {
        return "The seven numbers must add up to 1: end with a softmax.";
      }
      const parameters = model.countParams();
      return parameters < 30_000 ||
        `It has ${
          parameters.toLocaleString("en")
        } parameters; stay below 30,000.`;
    },
  },
  "3.R": works<[number[], number, number[]]>(
    "a function of the image, its side and the kernel",
    "In what order are a picture's rows stored in memory?",
    () => {
      const image = randomValues(49, 3), kernel = [1, 2, 3, 4, 5, 6, 7, 8, 9];
      const wanted = convolve(image, 7, kernel);
      return [{ given: [image, 7, kernel], wanted, what: "a 7 x 7 picture" }];
    },
  ),
  "4.1": number(
    0,
    "a number of steps",
    "How many batches does one epoch have? The last one may be smaller.",
  ),
  "4.2": {
    expects: "the name of a run",
    accepts: isText,
    hint:
      "Train with a tenth of the learning rate or less, for at least two epochs.",
    test(answer, context) {
      const first = readNotebookRun("first", context as Faces);
      const slow = readNotebookRun(answer as string, context as Faces);
      if (slow.config.learningRate > first.config.learningRate / 10) {
        return `Its learning rate is ${slow.config.learningRate}: use at most a tenth of the first run's.`;
      }
      if (slow.epochs.length < 2) return "It needs at least two epochs.";
      const epoch = Math.min(slow.epochs.length, first.epochs.length) - 1;
      return slow.epochs[epoch].valAccuracy < first.epochs[epoch].valAccuracy;
    },
  },
  "4.3": {
    expects: "the names of two runs",
    accepts: (answer) => Array.isArray(answer) && answer.length === 2,
    hint: "Everything but the seed must be the same.",
    test(answer, context) {
      const [one, other] = (answer as string[]).map((name) =>
        readNotebookRun(name, context as Faces)
      );
      const fields = differingFields(one.config, other.config);
      if (`${fields}` !== "seed") {
        return fields.length === 0
          ? "The two runs have the same seed."
          : `They differ in ${fields.join(", ")}; only the seed may differ.`;
      }
      return Math.min(one.epochs.length, other.epochs.length) >= 2 ||
        "Both need at least two epochs.";
    },
  },
  "4.R": {
    expects: "the order of the training faces, as a list of their numbers",
    accepts: Array.isArray,
    hint: "Within one batch there should be faces of all emotions.",
    test(answer, context) {
      const order = answer as number[];
      const { labels, length } = selectSplit(context as Faces, "Training");
      if (new Set(order).size !== length || order.length !== length) {
        return "Every training face must occur exactly once.";
      }
      let run = 1, longest = 1;
      for (let i = 1; i < length; i++) {
        run = labels[order[i]] === labels[order[i - 1]] ? run + 1 : 1;
        longest = Math.max(longest, run);
      }
      return longest < 64;
    },
  },
};
