/**
 * The seven emotions as facial action units, the vocabulary of the Facial
 * Action Coding System: AU12, say, is the muscle that pulls the lip corners.
 *
 * The units of each emotion, and how often each unit is seen, follow Table 1 of
 * Du, Tao and Martinez, "Compound facial expressions of emotion", PNAS 111(15),
 * 2014. Added from Ekman and Friesen's manual of the system (1978, Table 11-1,
 * and the edition of 2002 with Hager): sadness always has AU1 and fear always
 * has AU5, anger may have AU5 and bared teeth (AU10, AU25), strong surprise has
 * AU27.
 *
 * Left out: AU11, whose fold is lost at 48x48 pixels; one-sided expressions
 * (contempt); and head and eye positions.
 *
 * @module
 */
import type { Emotion } from "../emotions.ts";
import type { Random } from "../random.ts";

/** The action units that faces are drawn with, by FACS number. */
export const ACTION_UNITS = {
  1: "inner brow raiser",
  2: "outer brow raiser",
  4: "brow lowerer",
  5: "upper lid raiser",
  6: "cheek raiser",
  7: "lid tightener",
  9: "nose wrinkler",
  10: "upper lip raiser",
  12: "lip corner puller",
  15: "lip corner depressor",
  17: "chin raiser",
  20: "lip stretcher",
  23: "lip tightener",
  24: "lip pressor",
  25: "lips part",
  26: "jaw drop",
  27: "mouth stretch",
} as const;

/** The FACS number of an action unit. */
export type ActionUnit = keyof typeof ACTION_UNITS;

/** The strength of each unit, from 0 (at rest) to 1 (the strongest possible). */
export type Expression = Record<ActionUnit, number>;

/** A way to show an emotion: each unit with the share of faces that show it. */
export interface Prototype {
  /** How often this way is chosen; an emotion's weights add up to 1. */
  readonly weight: number;
  readonly units: Readonly<Partial<Record<ActionUnit, number>>>;
}

/** The ways to show each emotion. */
export const PROTOTYPES: Readonly<Record<Emotion, readonly Prototype[]>> = {
  angry: [
    { weight: 0.65, units: { 4: 1, 5: 0.5, 7: 1, 24: 1, 17: 0.52, 23: 0.29 } },
    { weight: 0.35, units: { 4: 1, 5: 0.5, 7: 1, 10: 1, 23: 1, 25: 1 } },
  ],
  disgust: [
    { weight: 1, units: { 9: 1, 10: 1, 17: 1, 4: 0.31, 24: 0.26 } },
  ],
  fear: [
    {
      weight: 1,
      units: { 1: 1, 4: 1, 5: 1, 20: 1, 25: 1, 2: 0.57, 26: 0.33 },
    },
  ],
  happy: [
    { weight: 0.8, units: { 12: 1, 25: 1, 6: 0.51 } },
    { weight: 0.2, units: { 12: 1, 6: 1 } },
  ],
  sad: [
    { weight: 1, units: { 1: 1, 4: 1, 15: 1, 6: 0.5, 17: 0.67 } },
  ],
  surprise: [
    { weight: 0.7, units: { 1: 1, 2: 1, 25: 1, 26: 1, 5: 0.66 } },
    { weight: 0.3, units: { 1: 1, 2: 1, 5: 1, 25: 1, 27: 1 } },
  ],
  neutral: [{ weight: 1, units: {} }],
};

/**
 * One person's way of showing an emotion: a prototype, the units this person
 * shows, and their strengths. A face at rest is never quite still, so every
 * unit may also show a trace of up to 0.12.
 *
 * @example
 * ```ts
 * import { createExpression } from "mien/drawn/action_units.ts";
 * import { createRandom } from "mien/random.ts";
 *
 * const smile = createExpression("happy", createRandom(1));
 * console.log(smile[12] > 0.5); // true: the lip corners are pulled
 * ```
 */
export function createExpression(
  emotion: Emotion,
  random: Random,
): Expression {
  const expression = {} as Expression;
  for (const unit of Object.keys(ACTION_UNITS)) {
    const trace = Math.max(0, random.next() * 0.3 - 0.18);
    expression[Number(unit) as ActionUnit] = trace;
  }
  let choice = random.next();
  const prototypes = PROTOTYPES[emotion];
  const prototype = prototypes.find((p) => (choice -= p.weight) < 0) ??
    prototypes[prototypes.length - 1];
  const strength = 0.65 + 0.35 * random.next();
  for (const [unit, share] of Object.entries(prototype.units)) {
    const shown = random.next() < share;
    const value = strength * (0.8 + 0.2 * random.next());
    if (shown) expression[Number(unit) as ActionUnit] = value;
  }
  return expression;
}
