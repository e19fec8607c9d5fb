/**
 * One colour for each emotion, told apart by colour-blind people too.
 *
 * The seven chromatic colours of Okabe and Ito, "Color Universal Design"
 * (2008), in the order of `EMOTIONS`; their eighth, black, is for text.
 *
 * @module
 */

/** Angry, disgust, fear, happy, sad, surprise, neutral as `#rrggbb`. */
export const EMOTION_COLORS = [
  "#d55e00", // vermilion
  "#009e73", // bluish green
  "#cc79a7", // reddish purple
  "#f0e442", // yellow
  "#0072b2", // blue
  "#e69f00", // orange
  "#56b4e9", // sky blue
] as const;
