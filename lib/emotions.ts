// The project's vocabulary: FER-2013's seven emotions in order, a color for each, the size of a face.
// Other classes' names are data: `Faces.emotions`, and a model's own (model/emotions_of_model.ts).
// Faces themselves are in data/faces.ts.

/** The seven emotions in FER-2013's order: the label is the index. */
export const EMOTIONS = [
  "angry",
  "disgust",
  "fear",
  "happy",
  "sad",
  "surprise",
  "neutral",
] as const;

/** One of the seven emotions. */
export type Emotion = typeof EMOTIONS[number];

/**
 * One color for each emotion, in the order of {@linkcode EMOTIONS}, distinguishable for color-blind
 * people: the chromatic colors of Okabe and Ito, "Color Universal Design" (2008). Their eighth color,
 * black, is for text.
 */
const EMOTION_COLORS = [
  "#d55e00", // vermilion
  "#009e73", // bluish green
  "#cc79a7", // reddish purple
  "#f0e442", // yellow
  "#0072b2", // blue
  "#e69f00", // orange
  "#56b4e9", // sky blue
];

/**
 * Colors for classes beyond the seven: those of Paul Tol's muted scheme, "Color Schemes" (2021), that
 * differ clearly from the seven, even for color-blind people.
 */
const FURTHER_COLORS = [
  "#332288", // indigo
  "#882255", // wine
  "#999933", // olive
  "#44aa99", // teal
  "#117733", // green
  "#aa4499", // purple
  "#ddcc77", // sand
  "#888888", // gray
];

/**
 * One color for each class: FER-2013's seven keep theirs in any order; others get further colors in
 * turn, which repeat after eight.
 *
 * @example
 * ```ts
 * import { colorsOf } from "mien/emotions.ts";
 * console.log(colorsOf(["happy", "other"])); // [ "#f0e442", "#332288" ]
 * ```
 */
export function colorsOf(emotions: readonly string[]): string[] {
  let further = 0;
  return emotions.map((emotion) => {
    const known = (EMOTIONS as readonly string[]).indexOf(emotion);
    return known >= 0
      ? EMOTION_COLORS[known]
      : FURTHER_COLORS[further++ % FURTHER_COLORS.length];
  });
}

/** What is wrong with names for classes, or `null`. */
export function complaintAbout(emotions: readonly string[]): string | null {
  if (emotions.length < 2) return "at least two classes are needed";
  if (emotions.length > 256) return "more than 256 classes";
  const bad = emotions.find((name) =>
    typeof name !== "string" ||
    !/^[^\s,"/\\](?:[^,"/\\\n]*[^\s,"/\\])?$/.test(name)
  );
  if (bad !== undefined) {
    return `${
      JSON.stringify(bad)
    } cannot be a class name: no commas, quotes, slashes or outer spaces`;
  }
  const twice = emotions.find((name, i) => emotions.indexOf(name) !== i);
  return twice === undefined ? null : `${twice} is named twice`;
}

/** The order of classes given only by name: FER-2013's if it has them all, otherwise alphabetical. */
export function orderClasses(names: Iterable<string>): readonly string[] {
  const found = new Set(names);
  const known = EMOTIONS.filter((name) => found.has(name));
  if (known.length < found.size) return [...found].sort();
  return known.length === EMOTIONS.length ? EMOTIONS : known;
}

/** Names for unnamed classes: "0", "1", … */
export function numbersFor(classes: number): string[] {
  return Array.from({ length: classes }, (_, k) => String(k));
}

/** Width and height of a face in pixels. */
export const FACE_SIZE = 48;

/** Pixels of one face: 2,304. */
export const FACE_PIXELS = FACE_SIZE * FACE_SIZE;

/** The index of the largest of some numbers, the first in a tie. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}
