/**
 * What an expression does to a person's face: where lids, brows, nose, lips
 * and jaw are, and how the skin bulges and folds. Each line shows which action
 * units move what. face_parts.ts turns a shape into gray values.
 *
 * @module
 */
import type { Expression } from "./action_units.ts";
import type { Person } from "./person.ts";

/**
 * Soft bumps, five numbers each: center u, center v, radius in u, radius in v,
 * height.
 */
export type Bumps = Float64Array;

/** The geometry of one face, in face units (see person.ts). */
export interface FaceShape {
  readonly person: Person;
  readonly chinV: number;
  /** Height of the upper lid above, and of the lower lid below, the eye. */
  readonly upperLid: number;
  readonly lowerLid: number;
  /** How far the lower lid is pushed up in the middle. */
  readonly lidPush: number;
  /** How far the outer end of the upper lid droops. */
  readonly lidDroop: number;
  readonly browV: number;
  readonly browInnerU: number;
  /** How far the inner end, the middle and the outer end go down. */
  readonly browInner: number;
  readonly browMiddle: number;
  readonly browOuter: number;
  readonly noseV: number;
  readonly noseWidth: number;
  readonly mouthV: number;
  readonly mouthWidth: number;
  /** How far the lip corners go down, along the whole lip. */
  readonly cornerDown: number;
  /** The same, close to the corners only. */
  readonly cornerHook: number;
  /** How far the middle of the mouth is pushed up. */
  readonly mouthArch: number;
  /** Distance between the lips at the middle of the mouth, 0 when closed. */
  readonly gap: number;
  /** How square the opening is: 0 an ellipse, 1 a box. */
  readonly gapSquare: number;
  /** How much of the opening shows upper teeth, 0 to 1. */
  readonly teeth: number;
  readonly upperLip: number;
  readonly lowerLip: number;
  /** How far the upper lip is raised beside its middle. */
  readonly sneer: number;
  /** Depth of the fold from nose to mouth corner, 0 to 1, and its lower end. */
  readonly cheekFold: number;
  readonly foldU: number;
  readonly foldV: number;
  /** Depth of the lines across the forehead, between brows, across the nose. */
  readonly foreheadLines: number;
  readonly frownLines: number;
  readonly noseLines: number;
  /** Depth of the lines beside the eye and below it, and of the chin's. */
  readonly crowsFeet: number;
  readonly lidLines: number;
  readonly chinLines: number;
  /** Bumps of the surface. */
  readonly relief: Bumps;
  /** Places that get less light: `height` is the share they lose. */
  readonly hollows: Bumps;
}

/** The geometry of a person's face with an expression. */
export function shapeFace(person: Person, units: Expression): FaceShape {
  const jawDrop = 0.1 * units[26] + 0.2 * units[27];
  const browV = person.eyeV - person.browGap;
  const smile = units[12];
  const noseV = person.noseV - 0.055 * units[9] - 0.02 * units[10];
  const noseWidth = person.noseWidth *
    (1 + 0.16 * units[9] + 0.08 * units[10] + 0.1 * smile);
  const mouthV = person.mouthV + 0.35 * jawDrop - 0.035 * units[17] -
    0.03 * units[10] - 0.02 * smile;
  const mouthWidth = person.mouthWidth *
    (1 + 0.34 * smile + 0.3 * units[20] + 0.06 * units[10] + 0.05 * units[15] -
      0.2 * units[23] - 0.1 * units[24] - 0.12 * units[26] - 0.22 * units[27]);
  const cornerDown = -0.13 * smile + 0.05 * units[20] + 0.035 * units[15];
  const cornerHook = 0.13 * units[15] - 0.03 * smile + 0.02 * units[17];
  const gap = 0.075 * units[25] + 0.16 * units[26] + 0.34 * units[27] +
    0.05 * smile * units[25] + 0.06 * units[10] * units[25];
  const thin = 1 - 0.55 * units[24] - 0.45 * units[23] - 0.25 * smile -
    0.3 * units[20];
  const upperLip = person.upperLip * Math.max(0.2, thin + 0.15 * units[10]);
  const lowerLip = person.lowerLip *
    Math.max(0.25, thin + 0.15 * units[17] + 0.1 * units[26]);
  const cheekRaise = Math.min(1.2, 0.7 * units[6] + 0.55 * smile);
  const frown = Math.min(1.2, units[4] + 0.6 * units[9]);
  const oblique = Math.min(units[1], 1);

  const shape: Omit<FaceShape, "relief" | "hollows"> = {
    person,
    chinV: person.chinV + jawDrop - 0.03 * units[17],
    upperLid: person.eyeHeight * Math.max(
      0.25,
      1 + 0.75 * units[5] + 0.12 * units[2] - 0.3 * units[7] - 0.22 * units[6] -
        0.35 * units[9] - 0.22 * units[4] * (1 - units[5]) - 0.12 * smile,
    ),
    lowerLid: person.eyeHeight * 0.62 *
      (1 + 0.2 * units[5] - 0.45 * units[7] - 0.5 * units[9]),
    lidPush: 0.045 * cheekRaise + 0.022 * units[7],
    lidDroop: 0.05 * units[15] * (0.4 + oblique) * (1 - units[5]),
    browV,
    browInnerU: 0.145 - 0.05 * frown,
    browInner: -0.17 * units[1] + 0.15 * units[4] * (1 - 0.55 * units[1]) +
      0.07 * units[9],
    browMiddle: -0.04 * units[1] - 0.12 * units[2] + 0.075 * units[4] +
      0.05 * units[9] + 0.02 * units[6],
    browOuter: -0.14 * units[2] + 0.02 * units[4] + 0.02 * units[6] +
      0.03 * units[1] * (1 - units[2]),
    noseV,
    noseWidth,
    mouthV,
    mouthWidth,
    cornerDown,
    cornerHook,
    mouthArch: 0.045 * units[17] - 0.035 * smile,
    gap,
    gapSquare: Math.min(
      1,
      0.3 * smile + 0.7 * units[20] + 0.8 * units[10] + 0.5 * units[23],
    ),
    teeth: Math.max(
      0,
      Math.min(
        1,
        0.12 + smile + 0.75 * units[20] + 0.9 * units[10] - 0.75 * units[27],
      ),
    ),
    upperLip,
    lowerLip,
    sneer: 0.075 * units[10] + 0.03 * units[9],
    cheekFold: Math.min(
      1,
      0.12 + 0.25 * person.age + 0.6 * smile + 0.6 * units[10] +
        0.45 * units[9] + 0.1 * units[15],
    ),
    foldU: mouthWidth + 0.09 + 0.03 * smile,
    foldV: mouthV + 0.05 - 0.1 * smile + 0.06 * units[15] - 0.03 * units[10],
    foreheadLines: Math.min(
      1,
      0.35 * person.age + 0.7 * units[2] +
        0.35 * units[1],
    ) * (0.5 + 0.5 * person.age),
    frownLines: Math.min(1, 0.15 * person.age + 0.9 * frown),
    noseLines: Math.min(1, units[9]),
    crowsFeet: Math.min(1, (0.3 + 0.7 * person.age) * units[6]),
    lidLines: Math.min(
      1,
      0.15 + 0.4 * person.age + 0.5 * units[6] + 0.35 * units[7],
    ),
    chinLines: Math.min(1, units[17] + 0.2 * units[15]),
  };
  return {
    ...shape,
    relief: relief(shape, cheekRaise, units),
    hollows: hollows(shape, units),
  };
}

/** Adds the mirror image of each bump with u above 0. */
function mirror(rows: readonly number[][]): Bumps {
  const both = rows.flatMap(([u, ...rest]) =>
    u > 0 ? [[u, ...rest], [-u, ...rest]] : [[u, ...rest]]
  );
  return Float64Array.from(both.flat());
}

function relief(
  shape: Omit<FaceShape, "relief" | "hollows">,
  cheekRaise: number,
  units: Expression,
): Bumps {
  const { person, noseV, noseWidth, mouthV, chinV } = shape;
  return mirror([
    [0, (noseV + person.eyeV) / 2 - 0.02, 0.17, 0.44, 0.06],
    [0, noseV + 0.01, noseWidth * 1.2, 0.2, 0.085],
    [noseWidth * 0.8, noseV + 0.04, 0.11, 0.12, 0.035],
    [
      0.47 + 0.02 * cheekRaise,
      0.2 - 0.07 * cheekRaise,
      0.36 - 0.04 * cheekRaise,
      0.34 - 0.05 * cheekRaise,
      0.06 + 0.055 * cheekRaise + 0.02 * units[10],
    ],
    [person.eyeU, person.eyeV, 0.28, 0.2, -0.11],
    [0.32, shape.browV + 0.05 + shape.browMiddle, 0.3, 0.14, 0.035],
    [0, shape.browV + 0.04, 0.12, 0.14, 0.05 * Math.min(1, units[4])],
    [0, chinV - 0.15, 0.26, 0.2, 0.07 + 0.05 * units[17]],
    [0, -0.72, 0.65, 0.45, 0.06],
    [0, mouthV, 0.46, 0.3, 0.075],
    [0, (noseV + mouthV) / 2 + 0.03, 0.06, 0.11, -0.015],
  ]);
}

function hollows(
  shape: Omit<FaceShape, "relief" | "hollows">,
  units: Expression,
): Bumps {
  const { person, noseV, noseWidth, mouthV, mouthWidth } = shape;
  const lipBottom = mouthV + shape.gap * 0.75 + shape.lowerLip;
  return mirror([
    [person.eyeU, person.eyeV - 0.03, 0.3, 0.2, 0.3],
    [person.eyeU * 0.55, person.eyeV - 0.02, 0.15, 0.17, 0.3],
    [person.eyeU, person.eyeV + 0.1, 0.22, 0.1, 0.1 + 0.1 * person.age],
    [noseWidth * 1.0, noseV + 0.03, 0.09, 0.13, 0.2],
    [0, noseV + 0.15, noseWidth * 1.1, 0.1, 0.3],
    [noseWidth * 0.48, noseV + 0.085, 0.055, 0.045, 0.7],
    [0, lipBottom + 0.06, 0.24, 0.1, 0.25 + 0.15 * units[17]],
    [
      mouthWidth * 1.02,
      mouthV + shape.cornerDown + shape.cornerHook,
      0.08,
      0.08,
      0.35,
    ],
    [0.74, 0.45, 0.3, 0.55, 0.1],
    [0.75, -0.4, 0.2, 0.4, 0.08],
  ]);
}
