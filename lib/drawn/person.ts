/**
 * Who a drawn face is: the shape of head, eyes, brows, nose and mouth, skin,
 * hair, beard and glasses. Nothing here depends on the expression, the pose or
 * the light, so one person can be drawn many times.
 *
 * Lengths are in face units: the face's box extends from -1 to 1 in both
 * directions, u to the right and v down, with (0, 0) at its center.
 *
 * @module
 */
import { mix } from "./texture.ts";
import type { Random } from "../random.ts";

/** How the hair is worn. A scarf covers it. */
const HAIR_STYLES = [
  "short",
  "fringe",
  "parted",
  "long",
  "receding",
  "bald",
  "scarf",
] as const;

/** How the beard is worn. */
const BEARDS = ["none", "stubble", "moustache", "full"] as const;

/** A drawn person. Tones are gray values from 0 (black) to 1 (white). */
export interface Person {
  readonly skin: number;
  readonly headWidth: number;
  /** 0 is a pointed lower face, 1 a square jaw. */
  readonly jaw: number;
  readonly chinV: number;
  /** 0 is a smooth face, 1 a lined one. */
  readonly age: number;
  readonly eyeU: number;
  readonly eyeV: number;
  readonly eyeWidth: number;
  readonly eyeHeight: number;
  /** How much higher the outer corner of the eye is than the inner one. */
  readonly eyeTilt: number;
  readonly irisTone: number;
  readonly lashes: number;
  readonly browGap: number;
  readonly browThickness: number;
  readonly browArch: number;
  readonly browTilt: number;
  readonly browTone: number;
  readonly noseV: number;
  readonly noseWidth: number;
  readonly mouthV: number;
  readonly mouthWidth: number;
  readonly upperLip: number;
  readonly lowerLip: number;
  /** Tone of the lips as a share of the skin's. */
  readonly lipTone: number;
  readonly hairStyle: typeof HAIR_STYLES[number];
  readonly hairTone: number;
  readonly hairlineV: number;
  /** Where the parting is, from -1 to 1. */
  readonly hairPart: number;
  /** How far the hair stands out from the head. */
  readonly hairVolume: number;
  readonly beard: typeof BEARDS[number];
  /** Thickness of the frame, 0 without glasses. */
  readonly glasses: number;
  readonly glassesSquare: boolean;
  readonly glassesTone: number;
  readonly clothesTone: number;
  /** Seed of the texture of hair and skin. */
  readonly texture: number;
}

/**
 * A random person.
 *
 * @example
 * ```ts
 * import { createPerson } from "mien/drawn/person.ts";
 * import { createRandom } from "mien/random.ts";
 *
 * const person = createPerson(createRandom(4));
 * console.log(person.hairStyle, person.beard, person.glasses > 0);
 * ```
 */
export function createPerson(random: Random): Person {
  const between = (low: number, high: number) => mix(low, high, random.next());
  /** Mostly near the middle of the range, never outside it. */
  const around = (middle: number, spread: number) =>
    middle + spread * (random.next() + random.next() - 1);
  const choose = <T>(choices: readonly T[], weights: readonly number[]): T => {
    let rest = random.next();
    return choices[Math.max(0, weights.findIndex((w) => (rest -= w) < 0))];
  };

  const skin = between(0.45, 0.84);
  const bearded = random.next() < 0.5;
  const age = random.next() ** 2;
  const gray = random.next() < age * 0.5;
  const dark = between(0.06, 0.3);
  const hairTone = gray
    ? between(0.35, 0.6)
    : skin > 0.6 && random.next() < 0.35
    ? between(0.25, 0.5)
    : dark;
  const glasses = random.next() < 0.2;
  return {
    skin,
    headWidth: around(0.79, 0.07),
    jaw: random.next(),
    chinV: around(1.0, 0.08),
    age,
    eyeU: around(0.385, 0.045),
    eyeV: around(-0.24, 0.03),
    eyeWidth: around(0.178, 0.022),
    eyeHeight: around(0.068, 0.014),
    eyeTilt: around(0.012, 0.03),
    irisTone: between(0.08, 0.38),
    lashes: random.next(),
    browGap: around(0.215, 0.035),
    browThickness: between(0.026, 0.06),
    browArch: between(0.02, 0.08),
    browTilt: around(0, 0.03),
    browTone: Math.min(hairTone * 0.85, skin * 0.62),
    noseV: around(0.22, 0.05),
    noseWidth: around(0.18, 0.035),
    mouthV: around(0.57, 0.04),
    mouthWidth: around(0.29, 0.04),
    upperLip: between(0.035, 0.075),
    lowerLip: between(0.055, 0.1),
    lipTone: between(0.6, 0.88),
    hairStyle: choose(
      HAIR_STYLES,
      bearded
        ? [0.42, 0.14, 0.14, 0.04, 0.14, 0.12, 0]
        : [0.2, 0.2, 0.2, 0.28, 0.03, 0.02, 0.07],
    ),
    hairTone,
    hairlineV: around(-0.74, 0.1),
    hairPart: around(0, 0.5),
    hairVolume: between(0.04, 0.2),
    beard: bearded ? choose(BEARDS, [0.45, 0.22, 0.13, 0.2]) : "none",
    glasses: glasses ? between(0.018, 0.05) : 0,
    glassesSquare: random.next() < 0.5,
    glassesTone: between(0.04, 0.3),
    clothesTone: between(0.08, 0.85),
    texture: random.integer(0x7fffffff),
  };
}
