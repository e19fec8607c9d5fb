// What an exercise is, and its kinds: a number that is compared with its digest,
// a function that is tried out, a text. The exercises themselves are in
// notebooks_1_to_4.ts and notebooks_5_to_10.ts.

import { createHash } from "node:crypto";
import { type Faces, hashFaces, selectSplit } from "../../data/faces.ts";
import { EMOTIONS, FACE_PIXELS } from "../../emotions.ts";
import { createRandom } from "../../random.ts";

/** An exercise, as listed in notebooks_1_to_4.ts and notebooks_5_to_10.ts. */
export interface Exercise {
  /** What kind of answer is expected, shown if something else is passed. */
  expects: string;
  accepts(answer: unknown): boolean;
  /** Where to look if the answer is not right. */
  hint: string;
  /**
   * Whether it is right, or a hint that fits this answer.
   *
   * @param context what the exercise says to pass besides the answer
   * @param exercise its number
   */
  test(
    answer: unknown,
    context: unknown,
    exercise: string,
  ): boolean | string | Promise<boolean | string>;
}

/**
 * The digest of an answer: a number, rounded, or a word.
 *
 * @param about what the answer is for: the data's key, or ""
 * @param digits decimals that count; -2 means hundreds
 */
export function digestOf(
  exercise: string,
  about: string,
  answer: number | string,
  digits = 0,
): string {
  const text = typeof answer === "number"
    ? String(Math.round(answer * 10 ** digits))
    : answer.trim().toLowerCase();
  return createHash("sha256").update(`${exercise}|${about}|${text}`)
    .digest("hex").slice(0, 12);
}

/** What distinguishes data sets: the content of the Training split. */
function dataKey(faces: Faces): string {
  return hashFaces(selectSplit(faces, "Training")).slice(0, 8);
}

/** Digests by exercise, then by data; "" where the data does not matter. */
export const DIGESTS: Record<string, Record<string, string>> = {
  "1.1": { "756c14a7": "8ff4d9c944d4", c86b9486: "fdd054d15a04" },
  "1.2": { "756c14a7": "7f0a1b5b3e96", c86b9486: "aad7216c18bc" },
  "2.1": { "756c14a7": "94e192229e98", c86b9486: "1208fb3b130e" },
  "3.1": { "": "82e9706f60a9" },
  "4.1": { "756c14a7": "e0404972db29", c86b9486: "c4e522c55af9" },
  "5.1": { "": "8218563c8c03" },
  "6.1": { "": "00342cd42ab7" },
  "6.2": { "": "31b90acf1b2c" },
  "9.1": { "756c14a7": "d66866efc935", c86b9486: "d8672454e0b4" },
  "10.1": { "756c14a7": "a818d9fb9e04", c86b9486: "9b380761efb2" },
};

const isNumber = (answer: unknown) =>
  typeof answer === "number" && Number.isFinite(answer);
export const isFunction = (answer: unknown) => typeof answer === "function";
export const isText = (answer: unknown) => typeof answer === "string";

/** A number whose digest was recorded. */
export function number(
  digits: number,
  expects: string,
  hint: string,
): Exercise {
  return {
    expects,
    hint,
    accepts: isNumber,
    test(answer, context, exercise) {
      const digests = DIGESTS[exercise] ?? {};
      const key = "" in digests ? "" : dataKey(context as Faces);
      if (digests[key] === undefined) {
        return "There is no recorded answer for this data set. Try it on the " +
          "drawn faces or on FER-2013.";
      }
      return digestOf(exercise, key, answer as number, digits) === digests[key];
    },
  };
}

/** Two named lists of faces that must have no face in common, each of at least so many. */
export function apart(
  one: string,
  other: string,
  least: number,
  hint: string,
): Exercise {
  const lists = (answer: unknown) =>
    [one, other].map((name) => (answer as Record<string, number[]>)[name]);
  return {
    hint,
    expects: `an object with two lists of faces: ${one} and ${other}`,
    accepts: (answer) => lists(answer).every(Array.isArray),
    test(answer) {
      const [first, second] = lists(answer);
      if (Math.min(first.length, second.length) < least) {
        return `The number of faces in each list must be at least ${least}.`;
      }
      const seen = new Set(first);
      return !second.some((face) => seen.has(face));
    },
  };
}

/** A few sentences: counted here, judged by a reader. */
export function text(words: number, hint: string): Exercise {
  return {
    hint,
    accepts: isText,
    expects: `a text of at least ${words} words`,
    test(answer) {
      const count = (answer as string).trim().split(/\s+/).length;
      return count >= words ||
        `That is ${count} words; write at least ${words}. ${hint}`;
    },
  };
}

/** A function that is tried on cases, each with the expected result. */
export function works<I extends unknown[]>(
  expects: string,
  hint: string,
  cases: () => { given: I; wanted: ArrayLike<number> | number; what: string }[],
  tolerance = 1e-6,
): Exercise {
  return {
    expects,
    hint,
    accepts: isFunction,
    test(answer) {
      for (const { given, wanted, what } of cases()) {
        const got = (answer as (...given: I) => ArrayLike<number> | number)(
          ...given,
        );
        const [a, b] = [got, wanted].map((value) =>
          typeof value === "number" ? [value] : Array.from(value ?? [])
        );
        if (a.length !== b.length) {
          return `For ${what}, it should return ${b.length} numbers, not ${a.length}.`;
        }
        if (a.some((value, i) => !(Math.abs(value - b[i]) <= tolerance))) {
          return `For ${what}, it returns the wrong result. ${hint}`;
        }
      }
      return true;
    },
  };
}

/** Made-up faces of random gray values, no two alike. */
export function randomFaces(count: number, seed: number): Faces {
  const random = createRandom(seed);
  return {
    pixels: Uint8Array.from(
      { length: count * FACE_PIXELS },
      () => random.integer(256),
    ),
    labels: Uint8Array.from({ length: count }, () => random.integer(7)),
    splits: new Uint8Array(count),
    length: count,
    emotions: EMOTIONS,
    source: { name: "made-up faces", hash: "", skipped: [] },
  };
}
