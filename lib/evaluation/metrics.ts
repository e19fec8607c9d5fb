// Measures of a classifier: confusion counts, accuracy, F1, calibration, and coverage. Each is a few
// lines, so a statistics package would not make them shorter.
//
// Every function takes plain arrays: `probabilities` has one row of `classes` numbers per face, and
// `labels` one class per face. notebook/charts.ts draws the figures.

/** How well one class is recognized. A figure without cases is 0. */
export interface ClassFigures {
  /** Of the faces predicted to be in this class, the share that is. */
  precision: number;
  /** Of the faces in this class, the share that was found. */
  recall: number;
  /** The harmonic mean of precision and recall. */
  f1: number;
  /** Faces in this class. */
  support: number;
}

/** Faces whose confidence lies between two bounds. */
export interface CalibrationBin {
  /** The lowest and the highest confidence of the bin. */
  low: number;
  high: number;
  count: number;
  /** Mean confidence and accuracy of its faces, 0 if it has none. */
  confidence: number;
  accuracy: number;
}

/** One point of the curve of accuracy over coverage. */
export interface CoveragePoint {
  /** Faces with a lower confidence are left unanswered. */
  threshold: number;
  /** The share of the faces that are answered. */
  coverage: number;
  /** The accuracy on those. */
  accuracy: number;
}

/** @throws {RangeError} when the numbers cannot be rows of that many classes, one per label */
function checkRows(
  probabilities: ArrayLike<number>,
  classes: number,
  labels?: ArrayLike<number>,
): void {
  if (!Number.isInteger(classes) || classes < 1) {
    throw new RangeError(`classes is ${classes}, not a whole number from 1`);
  }
  const rows = probabilities.length / classes;
  if (!Number.isInteger(rows)) {
    throw new RangeError(
      `${probabilities.length} probabilities are not rows of ${classes} classes`,
    );
  }
  if (labels && labels.length !== rows) {
    throw new RangeError(
      `${labels.length} labels do not match ${rows} rows of ${classes} probabilities`,
    );
  }
}

/** @throws {RangeError} when a row does not add up to 1, for example because `classes` is wrong */
function checkSums(probabilities: ArrayLike<number>, classes: number): void {
  for (let start = 0; start < probabilities.length; start += classes) {
    let total = 0;
    for (let k = start; k < start + classes; k++) total += probabilities[k];
    if (Math.abs(total - 1) < 1e-2) continue;
    throw new RangeError(
      `row ${
        start / classes
      } of the probabilities adds up to ${total}, not 1; are there ${classes} classes?`,
    );
  }
}

/** The most likely class of each row; the first in a tie. */
export function likeliest(
  probabilities: ArrayLike<number>,
  classes: number,
): Uint8Array {
  checkRows(probabilities, classes);
  const found = new Uint8Array(probabilities.length / classes);
  for (let face = 0; face < found.length; face++) {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (
        probabilities[face * classes + k] > probabilities[face * classes + best]
      ) {
        best = k;
      }
    }
    found[face] = best;
  }
  return found;
}

/** Counts: `confusion[label][answer]`. */
export function countConfusion(
  labels: ArrayLike<number>,
  answers: ArrayLike<number>,
  classes: number,
): number[][] {
  if (labels.length !== answers.length) {
    throw new RangeError(
      `${labels.length} labels do not match ${answers.length} answers`,
    );
  }
  const confusion = Array.from(
    { length: classes },
    () => new Array<number>(classes).fill(0),
  );
  for (let face = 0; face < labels.length; face++) {
    const [label, answer] = [labels[face], answers[face]];
    if (!(label < classes && answer < classes)) {
      throw new RangeError(
        `face ${face} has label ${label} and answer ${answer}; there are ${classes} classes`,
      );
    }
    confusion[label][answer]++;
  }
  return confusion;
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
const part = (some: number, all: number) => all === 0 ? 0 : some / all;

/** The share of all faces on the diagonal. */
export function accuracyOf(confusion: number[][]): number {
  return part(sum(confusion.map((row, k) => row[k])), sum(confusion.map(sum)));
}

/**
 * Precision, recall, F1 and support of each class.
 *
 * @example
 * ```ts
 * import { countConfusion, figuresPerClass } from "mien/evaluation/metrics.ts";
 * figuresPerClass(countConfusion([0, 0, 1], [0, 1, 1], 2))[0]; // precision 1, recall 0.5
 * ```
 */
export function figuresPerClass(confusion: number[][]): ClassFigures[] {
  return confusion.map((row, k) => {
    const support = sum(row);
    const said = sum(confusion.map((other) => other[k]));
    const precision = part(row[k], said), recall = part(row[k], support);
    const f1 = part(2 * row[k], said + support);
    return { precision, recall, f1, support };
  });
}

/** The mean of the classes' F1 scores, all weighted equally; classes without faces are left out. */
export function macroF1Of(confusion: number[][]): number {
  const present = figuresPerClass(confusion).filter(({ support }) => support);
  return part(sum(present.map(({ f1 }) => f1)), present.length);
}

/** Mean cross-entropy of the labels, in nats. A probability of 0 counts as 1e-7, as in Keras. */
export function crossEntropy(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  checkRows(probabilities, classes, labels);
  let total = 0;
  for (let face = 0; face < labels.length; face++) {
    total -= Math.log(
      Math.max(1e-7, probabilities[face * classes + labels[face]]),
    );
  }
  return total / labels.length;
}

/**
 * Mean cross-entropy for targets that are probabilities themselves, n x classes, in nats; for one-hot
 * rows it equals {@linkcode crossEntropy}.
 */
export function softCrossEntropy(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): number {
  let total = 0;
  for (let i = 0; i < targets.length; i++) {
    if (targets[i] === 0) continue;
    total -= targets[i] * Math.log(Math.max(1e-7, probabilities[i]));
  }
  return total * classes / targets.length;
}

/**
 * Confidence against accuracy in `count` bins of equal width.
 * Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
 */
export function calibrationBins(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  count = 15,
): CalibrationBin[] {
  checkRows(probabilities, classes, labels);
  const answers = likeliest(probabilities, classes);
  const bins = Array.from({ length: count }, (_, bin) => ({
    low: bin / count,
    high: (bin + 1) / count,
    count: 0,
    confidence: 0,
    accuracy: 0,
  }));
  for (let face = 0; face < labels.length; face++) {
    const confidence = probabilities[face * classes + answers[face]];
    const bin = bins[Math.min(count - 1, Math.floor(confidence * count))];
    bin.count++;
    bin.confidence += confidence;
    bin.accuracy += answers[face] === labels[face] ? 1 : 0;
  }
  for (const bin of bins) {
    bin.confidence = part(bin.confidence, bin.count);
    bin.accuracy = part(bin.accuracy, bin.count);
  }
  return bins;
}

/** Expected calibration error, 0..1: the bins' mean gap between confidence and accuracy, by faces. */
export function calibrationError(bins: CalibrationBin[]): number {
  const gaps = bins.map((bin) =>
    bin.count * Math.abs(bin.confidence - bin.accuracy)
  );
  return part(sum(gaps), sum(bins.map(({ count }) => count)));
}

/**
 * Probabilities with a temperature: less confident above 1, more confident below. The most likely class
 * stays the same.
 *
 * @throws {RangeError} when the probabilities are not rows of that many classes that add up to 1, or
 * the temperature is not above 0
 */
export function applyTemperature(
  probabilities: ArrayLike<number>,
  classes: number,
  temperature: number,
): Float32Array {
  checkRows(probabilities, classes);
  checkSums(probabilities, classes);
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(`the temperature is ${temperature}, not above 0`);
  }
  const cooled = new Float32Array(probabilities.length);
  for (let start = 0; start < cooled.length; start += classes) {
    let top = 0, total = 0;
    for (let k = start; k < start + classes; k++) {
      top = Math.max(top, probabilities[k]);
    }
    for (let k = start; k < start + classes; k++) {
      cooled[k] = Math.pow(probabilities[k] / top, 1 / temperature);
      total += cooled[k];
    }
    for (let k = start; k < start + classes; k++) cooled[k] /= total;
  }
  return cooled;
}

/**
 * The temperature from 0.05 to 20 with the lowest cross-entropy, to three digits, by golden-section
 * search over its logarithm; the cross-entropy has one minimum in 1 / temperature.
 * Source: Guo et al., 2017.
 *
 * @example
 * ```ts
 * import { applyTemperature, fitTemperature } from "mien/evaluation/metrics.ts";
 * const said = [0.99, 0.01, 0.99, 0.01]; // confident twice, right once
 * const temperature = fitTemperature(said, [0, 1], 2);
 * applyTemperature(said, 2, temperature); // about 0.5 each
 * ```
 */
export function fitTemperature(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  checkRows(probabilities, classes, labels);
  const lossAt = (logarithm: number) =>
    crossEntropy(
      applyTemperature(probabilities, classes, Math.exp(logarithm)),
      labels,
      classes,
    );
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = Math.log(0.05), high = Math.log(20);
  let left = high - ratio * (high - low), right = low + ratio * (high - low);
  let lossLeft = lossAt(left), lossRight = lossAt(right);
  while (high - low > 5e-4) {
    if (lossLeft <= lossRight) {
      [high, right, lossRight] = [right, left, lossLeft];
      left = high - ratio * (high - low);
      lossLeft = lossAt(left);
    } else {
      [low, left, lossLeft] = [left, right, lossRight];
      right = low + ratio * (high - low);
      lossRight = lossAt(right);
    }
  }
  return Number(Math.exp((low + high) / 2).toPrecision(4));
}

/**
 * Coverage and accuracy if only faces with at least a certain confidence are answered, one point per
 * threshold from 0 to 0.99. Points without faces are left out.
 */
export function coverageCurve(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): CoveragePoint[] {
  checkRows(probabilities, classes, labels);
  const answers = likeliest(probabilities, classes);
  const thresholds = Array.from({ length: 100 }, (_, i) => i / 100);
  return thresholds.flatMap((threshold) => {
    let answered = 0, right = 0;
    for (let face = 0; face < labels.length; face++) {
      if (probabilities[face * classes + answers[face]] < threshold) continue;
      answered++;
      right += answers[face] === labels[face] ? 1 : 0;
    }
    if (answered === 0) return [];
    const coverage = answered / labels.length;
    return [{ threshold, coverage, accuracy: right / answered }];
  });
}
