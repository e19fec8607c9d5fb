// The words of this project: FER-2013's seven emotions in their order, a color for each, the size
// of a face. Faces themselves are in data/faces.ts.

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
 * One color for each emotion, in the order of {@linkcode EMOTIONS}, which color-blind people can
 * tell apart: the chromatic colors of Okabe and Ito, "Color Universal Design" (2008). Their eighth,
 * black, is for text.
 */
export const EMOTION_COLORS = [
  "#d55e00", // vermilion
  "#009e73", // bluish green
  "#cc79a7", // reddish purple
  "#f0e442", // yellow
  "#0072b2", // blue
  "#e69f00", // orange
  "#56b4e9", // sky blue
] as const;

/** Width and height of a face in pixels. */
export const FACE_SIZE = 48;

/** Pixels of one face: 2,304. */
export const FACE_PIXELS = FACE_SIZE * FACE_SIZE;

/** The index of the largest of some numbers, the first among equals. */
export function indexOfLargest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}
