// Metrics against calculations by hand.
import assert from "node:assert/strict";
import {
  accuracyOf,
  applyTemperature,
  calibrationBins,
  calibrationError,
  countConfusion,
  coverageCurve,
  crossEntropy,
  figuresPerClass,
  fitTemperature,
  likeliest,
  macroF1Of,
  softCrossEntropy,
} from "mien/evaluation/metrics.ts";
import { createRandom } from "mien/random.ts";

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected}`,
  );

// Ten faces, three classes.
const labels = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2];
const answers = [0, 0, 0, 1, 1, 1, 0, 2, 0, 1];
const confusion = [[3, 1, 0], [1, 2, 0], [1, 1, 1]];

Deno.test("confusion counts have labels in rows and answers in columns", () => {
  assert.deepEqual(countConfusion(labels, answers, 3), confusion);
  assert.equal(accuracyOf(confusion), 0.6);
});

Deno.test("precision, recall and F1 of each class match a calculation by hand", () => {
  const figures = figuresPerClass(confusion);
  const expected = [[3 / 5, 3 / 4, 2 / 3], [2 / 4, 2 / 3, 4 / 7], [
    1,
    1 / 3,
    1 / 2,
  ]];
  figures.forEach(({ precision, recall, f1 }, k) => {
    near(precision, expected[k][0]);
    near(recall, expected[k][1]);
    near(f1, expected[k][2]);
  });
  assert.deepEqual(figures.map(({ support }) => support), [4, 3, 3]);
  near(macroF1Of(confusion), (2 / 3 + 4 / 7 + 1 / 2) / 3);
});

Deno.test("macro-F1 leaves out classes without faces, and a class that is never predicted has F1 0", () => {
  assert.equal(macroF1Of([[2, 0, 0], [0, 0, 0], [0, 0, 1]]), 1);
  assert.equal(macroF1Of([[2, 0], [2, 0]]), (2 / 3) / 2);
});

Deno.test("the likeliest class is the first in a tie", () => {
  assert.deepEqual([...likeliest([0.2, 0.8, 0.5, 0.5], 2)], [1, 0]);
});

Deno.test("cross-entropy is the mean negative logarithm", () => {
  const loss = crossEntropy([0.5, 0.5, 0.25, 0.75, 1, 0], [0, 0, 1], 2);
  near(loss, (Math.log(2) + Math.log(4) + Math.log(1e7)) / 3);
});

Deno.test("soft cross-entropy equals that of labels for one-hot rows, and is linear in the targets", () => {
  const said = [0.5, 0.5, 0.25, 0.75, 1, 0];
  const labels = [0, 0, 1];
  const hard = [1, 0, 1, 0, 0, 1], other = [0, 1, 0, 1, 1, 0];
  near(softCrossEntropy(said, hard, 2), crossEntropy(said, labels, 2));
  const blend = hard.map((part, i) => 0.3 * part + 0.7 * other[i]);
  near(
    softCrossEntropy(said, blend, 2),
    0.3 * softCrossEntropy(said, hard, 2) +
      0.7 * softCrossEntropy(said, other, 2),
  );
});

Deno.test("calibration bins and error match a calculation by hand", () => {
  const probabilities = [0.9, 0.1, 0.7, 0.3, 0.8, 0.2, 0.45, 0.55];
  const bins = calibrationBins(probabilities, [0, 1, 1, 1], 2, 2);
  // All confidences (0.9, 0.7, 0.8, 0.55) are in the upper half; 0.9 and 0.55 are right.
  assert.deepEqual(bins.map(({ count }) => count), [0, 4]);
  near(bins[1].confidence, 0.7375);
  near(bins[1].accuracy, 0.5);
  near(calibrationError(bins), 0.2375);
  const four = calibrationBins(probabilities, [0, 1, 1, 1], 2, 4);
  // [0.5, 0.75): 0.7 wrong, 0.55 right. [0.75, 1]: 0.9 right, 0.8 wrong.
  near(calibrationError(four), (2 * 0.125 + 2 * 0.35) / 4);
});

Deno.test("a confidence of exactly 1 falls into the last bin", () => {
  const bins = calibrationBins([1, 0], [0], 2, 10);
  assert.equal(bins[9].count, 1);
});

Deno.test("temperature divides the logits", () => {
  const logits = [2, 1, -1];
  const softmax = (values: number[]) => {
    const powers = values.map(Math.exp);
    return powers.map((power) => power / powers.reduce((a, b) => a + b));
  };
  const cooled = applyTemperature(softmax(logits), 3, 2.5);
  softmax(logits.map((logit) => logit / 2.5)).forEach((value, k) =>
    near(cooled[k], value, 1e-6)
  );
});

Deno.test("the fitted temperature is the one the labels were drawn with", () => {
  const random = createRandom(4);
  const faces = 20000, classes = 4, truth = 1.8;
  const said = new Float32Array(faces * classes);
  for (let face = 0; face < faces; face++) {
    let total = 0;
    for (let k = 0; k < classes; k++) {
      total += said[face * classes + k] = Math.exp(3 * random.normal());
    }
    for (let k = 0; k < classes; k++) said[face * classes + k] /= total;
  }
  const real = applyTemperature(said, classes, truth);
  const drawn = Uint8Array.from({ length: faces }, (_, face) => {
    let left = random.next(), k = 0;
    while (k < classes - 1 && (left -= real[face * classes + k]) > 0) k++;
    return k;
  });
  const fitted = fitTemperature(said, drawn, classes);
  near(fitted, truth, 0.06);
  const error = (probabilities: Float32Array) =>
    calibrationError(calibrationBins(probabilities, drawn, classes));
  assert.ok(error(said) > 0.08);
  assert.ok(error(applyTemperature(said, classes, fitted)) < 0.02);
});

Deno.test("coverage and accuracy at each threshold match a count by hand", () => {
  const probabilities = [0.9, 0.1, 0.7, 0.3, 0.8, 0.2, 0.45, 0.55];
  const curve = coverageCurve(probabilities, [0, 1, 0, 1], 2);
  assert.equal(curve.at(-1)!.threshold, 0.9); // no face above
  assert.deepEqual([curve[0], curve[60], curve[75]], [
    { threshold: 0, coverage: 1, accuracy: 0.75 },
    { threshold: 0.6, coverage: 0.75, accuracy: 2 / 3 },
    { threshold: 0.75, coverage: 0.5, accuracy: 1 },
  ]);
});

Deno.test("arguments in the wrong order throw an error", () => {
  const rows = [0.5, 0.25, 0.25, 0.1, 0.2, 0.7]; // 2 faces, 3 classes
  const wrong: [() => unknown, RegExp][] = [
    [() => applyTemperature(rows, 1.5, 3), /classes is 1\.5, not a whole/],
    [() => applyTemperature(rows, 2, 3), /row 0 .*adds up to 0\.75, not 1/],
    [() => applyTemperature(rows, 3, 0), /temperature is 0, not above 0/],
    [() => likeliest(rows, 4), /6 probabilities are not rows of 4 classes/],
    [() => crossEntropy([0, 2], rows, 3), /2 probabilities are not rows of 3/],
    [() => crossEntropy(rows, [0], 3), /1 labels do not match 2 rows of 3/],
    [() => countConfusion([0, 1], [0], 3), /2 labels do not match 1 answers/],
    [() => countConfusion([0, 7], [0, 1], 3), /face 1 has label 7/],
    [() => fitTemperature(rows, [0, 1, 2], 3), /3 labels do not match 2 rows/],
    [() => calibrationBins(rows, [0, 1], 2), /2 labels do not match 3 rows/],
  ];
  for (const [act, reason] of wrong) {
    assert.throws(act, (error) => {
      assert.ok(error instanceof RangeError, `${error}`);
      assert.match(error.message, reason);
      return true;
    });
  }
});
