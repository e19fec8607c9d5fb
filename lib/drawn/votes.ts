// Simulated votes for drawn faces, in the form of FER+'s (data/ferplus.ts reads those).
// Each of ten viewers compares a coarse version of the face with the mean face of each
// emotion and picks one at random: the more similar, the more likely.

import { ANSWERS, EMOTION_COLUMNS } from "../data/ferplus.ts";
import { facePixels, type Faces } from "../data/faces.ts";
import { EMOTIONS, FACE_SIZE } from "../emotions.ts";
import { createRandom } from "../random.ts";

/** Viewers per face, as in FER+. */
const VIEWERS = 10;

/** The side of a coarse face, and of the block of pixels that each of its values averages. */
const COARSE = 12, BLOCK = FACE_SIZE / COARSE;

/** How much the face's label and what a viewer sees count. */
const MEANT = 1.6, SEEN = 9;

/**
 * Adds votes to drawn faces: n x 10, in the order of `ANSWERS` of data/ferplus.ts.
 * The same faces and seed give the same votes.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { drawVotes } from "mien/drawn/votes.ts";
 *
 * const { votes } = drawVotes(drawFaces({ count: 70, seed: 1 }), 1);
 * console.log(votes.length); // 700
 * ```
 */
export function drawVotes(
  faces: Faces,
  seed: number,
): Faces & { readonly votes: Uint8Array } {
  const seen = Array.from(
    { length: faces.length },
    (_, face) => coarse(facePixels(faces, face)),
  );
  const means = EMOTIONS.map((_, label) =>
    meanOf(seen.filter((_, face) => faces.labels[face] === label))
  );
  const votes = new Uint8Array(faces.length * ANSWERS.length);
  seen.forEach((face, number) => {
    const random = createRandom(seed, number);
    const powers = means.map((mean, label) =>
      Math.exp(
        SEEN * dot(face, mean) + (faces.labels[number] === label ? MEANT : 0),
      )
    );
    const sum = powers.reduce((total, power) => total + power, 0);
    for (let viewer = 0; viewer < VIEWERS; viewer++) {
      let left = random.next() * sum;
      let answer = 0;
      while (answer < 6 && (left -= powers[answer]) > 0) answer++;
      votes[number * ANSWERS.length + EMOTION_COLUMNS[answer]]++;
    }
  });
  return { ...faces, votes };
}

/** Block means, normalized so that light and contrast do not count. */
function coarse(pixels: Uint8Array): Float64Array {
  const values = new Float64Array(COARSE * COARSE);
  pixels.forEach((gray, i) => {
    const x = i % FACE_SIZE, y = Math.floor(i / FACE_SIZE);
    values[Math.floor(y / BLOCK) * COARSE + Math.floor(x / BLOCK)] += gray;
  });
  return normalized(values);
}

/** The values with mean 0 and length 1. */
function normalized(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centered = values.map((value) => value - mean);
  const length = Math.sqrt(dot(centered, centered)) || 1;
  return centered.map((value) => value / length);
}

/** The mean of coarse faces, normalized. */
function meanOf(all: Float64Array[]): Float64Array {
  const sum = new Float64Array(COARSE * COARSE);
  for (const one of all) one.forEach((value, i) => sum[i] += value);
  return normalized(sum);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
