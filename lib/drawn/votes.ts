// Votes for the drawn faces, in the form of FER+'s: ten made-up viewers each say what
// they see. A viewer compares the face with the mean face of each emotion, from far
// enough away to see only its coarse shapes, and wavers where several fit. Votes of
// real people are read by data/ferplus.ts.

import { ANSWERS } from "../data/ferplus.ts";
import { facePixels, type Faces } from "../data/faces.ts";
import { type Emotion, EMOTIONS, FACE_SIZE } from "../emotions.ts";
import { randomAt } from "../random.ts";

/** The answer that stands for each emotion, in FER+'s order. */
const ANSWER_OF: Record<Emotion, typeof ANSWERS[number]> = {
  angry: "anger",
  disgust: "disgust",
  fear: "fear",
  happy: "happiness",
  sad: "sadness",
  surprise: "surprise",
  neutral: "neutral",
};

/** Viewers a face, as in FER+. */
const VIEWERS = 10;

/** Pixels of the side of what a viewer compares, and of the blocks it is made of. */
const COARSE = 12, BLOCK = FACE_SIZE / COARSE;

/** How much a viewer trusts what was meant, and what it sees. */
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
  const columns = EMOTIONS.map((emotion) =>
    ANSWERS.indexOf(ANSWER_OF[emotion])
  );
  const votes = new Uint8Array(faces.length * ANSWERS.length);
  seen.forEach((face, number) => {
    const random = randomAt(seed, number);
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
      votes[number * ANSWERS.length + columns[answer]]++;
    }
  });
  return { ...faces, votes };
}

/** Means of blocks, with mean 0 and length 1: light and contrast do not count. */
function coarse(pixels: Uint8Array): Float64Array {
  const values = new Float64Array(COARSE * COARSE);
  pixels.forEach((gray, i) => {
    const x = i % FACE_SIZE, y = Math.floor(i / FACE_SIZE);
    values[Math.floor(y / BLOCK) * COARSE + Math.floor(x / BLOCK)] += gray;
  });
  return normalized(values);
}

function normalized(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const centered = values.map((value) => value - mean);
  const length = Math.sqrt(dot(centered, centered)) || 1;
  return centered.map((value) => value / length);
}

/** The mean of several, less what all emotions share is left to the viewer. */
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
