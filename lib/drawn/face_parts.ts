/**
 * The parts of a drawn face: eyes, brows, folds, mouth and glasses. The skin
 * below them is in face.ts, the hair in hair.ts.
 *
 * @module
 */
import type { FaceShape } from "./face_shape.ts";
import { bell, clamp01, coverage, mix } from "./texture.ts";

/**
 * Draws a part at one place of a face.
 *
 * @param u, v the place, in face units (see person.ts)
 * @param value the gray value below the part, 0 to 1
 * @param pixel the width of a pixel in face units, which softens edges
 * @param light how much light falls on the place, 0 to 1
 * @returns the gray value with the part drawn over it
 */
export type DrawPart = (
  shape: FaceShape,
  u: number,
  v: number,
  value: number,
  pixel: number,
  light: number,
) => number;

/** Draws the eye on the side of `u`: white, iris, pupil, glint and lids. */
export function drawEye(
  shape: FaceShape,
  u: number,
  v: number,
  value: number,
  pixel: number,
  light: number,
  gaze: number,
): number {
  const { person } = shape;
  const side = u < 0 ? -1 : 1;
  const outward = side * u - person.eyeU;
  const across = outward / person.eyeWidth;
  if (across < -1.5 || across > 1.5) return value;
  const up = v - person.eyeV + person.eyeTilt * across;
  if (up < -0.26 || up > 0.2) return value;

  const inside = Math.max(0, 1 - across * across);
  const root = Math.sqrt(inside);
  // The upper lid peaks a little toward the nose, the lower one outward.
  const upperLid = -shape.upperLid * root * (1 - 0.15 * across) +
    shape.lidDroop * (across + 0.2) * (across > -0.2 ? 1 : 0.4);
  const lowerLid = shape.lowerLid * inside * (1 + 0.15 * across) -
    shape.lidPush * inside;
  const bottom = Math.max(lowerLid, upperLid + 0.012);

  // The skin of the lid: a crease above it, bags and lines below.
  const crease = upperLid - 0.045;
  value *= 1 - 0.32 * bell((up - crease) / (0.025 + pixel * 0.6)) *
      Math.min(1, root * 1.6);
  const bag = bottom + 0.055;
  value *= 1 - 0.3 * shape.lidLines *
      bell((up - bag) / (0.025 + pixel * 0.5)) * root;

  const open = Math.max(
    Math.max(upperLid - up, up - bottom),
    (Math.abs(across) - 1) * person.eyeWidth,
  );
  const eye = coverage(open, pixel);
  if (eye > 0) {
    const irisRadius = person.eyeWidth * 0.41;
    const irisV = -0.008;
    const irisU = outward - side * gaze;
    const radius = Math.sqrt(irisU * irisU + (up - irisV) * (up - irisV));
    const white = (0.86 - 0.3 * across * across) * (0.45 + 0.55 * light);
    let ball = mix(
      white,
      person.irisTone * (0.6 + 0.4 * light),
      coverage(radius - irisRadius, pixel),
    );
    ball = mix(ball, 0.04, coverage(radius - irisRadius * 0.45, pixel));
    const glint = Math.abs(irisU * side + 0.02) + Math.abs(up - irisV + 0.025);
    ball = mix(ball, 0.95, 0.85 * coverage(glint - 0.016, pixel));
    // The lid's shadow on the eyeball.
    ball *= 1 - 0.35 * bell((up - upperLid) / 0.06);
    value = mix(value, ball, eye);
  }
  const lash = 0.007 + 0.011 * person.lashes;
  const lashes = coverage(Math.abs(up - upperLid) - lash, pixel) *
    coverage((Math.abs(across) - 1.06) * person.eyeWidth, pixel);
  value = mix(value, 0.05, 0.85 * lashes);
  const rim = coverage(Math.abs(up - bottom) - 0.004, pixel) * root;
  return value * (1 - 0.3 * rim);
}

/** Draws the brow on the side of `u`. */
export const drawBrow: DrawPart = (shape, u, v, value, pixel) => {
  const { person } = shape;
  const inner = shape.browInnerU;
  const length = person.eyeU + person.eyeWidth * 1.12 - inner;
  const along = (Math.abs(u) - inner) / length;
  if (along < -0.2 || along > 1.2) return value;
  const s = clamp01(along);
  // A parabola through the displacements of inner end, middle and outer end,
  // added to the brow's own arch and tilt.
  const moved = shape.browInner * (1 - s) * (1 - 2 * s) +
    shape.browMiddle * 4 * s * (1 - s) + shape.browOuter * s * (2 * s - 1);
  const middle = shape.browV + moved - person.browArch * 4 * s * (1 - s) +
    (s > 0.75 ? (s - 0.75) * 0.12 : 0) + person.browTilt * (0.5 - s);
  const thick = person.browThickness *
    (s < 0.55 ? 1 : 1 - 1.5 * (s - 0.55) * (s - 0.55) / 0.2) *
    (0.75 + 0.6 * Math.min(1, s * 4));
  const ends = Math.abs(along - 0.5) - 0.5;
  const distance = Math.max(
    Math.abs(v - middle) - Math.max(0.006, thick * 0.62),
    ends * length,
  );
  return mix(
    value,
    person.browTone,
    0.88 * coverage(distance, pixel * 0.9 + 0.02),
  );
};

/** Draws lines and folds: forehead, frown, nose, crow's feet, cheeks, chin. */
export const drawFolds: DrawPart = (shape, u, v, value, pixel) => {
  const { person } = shape;
  const away = Math.abs(u);
  const soft = 0.02 + 0.6 * pixel;
  if (v < shape.browV + 0.1) {
    if (shape.foreheadLines > 0.05 && away < 0.55) {
      const top = shape.browV - 0.13 - 0.04 * away;
      const lines = bell((v - top) / soft) + bell((v - top + 0.13) / soft) +
        0.7 * bell((v - top + 0.26) / soft);
      value *= 1 - 0.2 * shape.foreheadLines * lines * bell(away / 0.6);
    }
    const height = (v - shape.browV - 0.01) / 0.15;
    value *= 1 - 0.4 * shape.frownLines *
        bell((away - 0.045) / (0.022 + 0.4 * pixel)) * bell(height);
  }
  if (shape.noseLines > 0.05 && away < 0.16 && v < 0.12) {
    const bridge = person.eyeV + 0.02;
    for (let line = 0; line < 3; line++) {
      const place = bridge + 0.065 * line - 0.9 * away * away;
      value *= 1 - 0.28 * shape.noseLines * bell((v - place) / soft) *
          bell(away / 0.17);
    }
  }
  if (shape.crowsFeet > 0.05) {
    const corner = person.eyeU + person.eyeWidth;
    const out = away - corner - 0.03;
    if (out > 0 && out < 0.16) {
      const rays = bell((v - person.eyeV - out * 0.5) / soft) +
        bell((v - person.eyeV + out * 0.45) / soft);
      value *= 1 - 0.25 * shape.crowsFeet * rays * bell(out / 0.16 - 0.3);
    }
  }
  // The fold from the wing of the nose past the corner of the mouth.
  const start = shape.noseV - 0.01;
  const down = (v - start) / (shape.foldV - start);
  if (down > -0.2 && down < 1.2) {
    const s = clamp01(down);
    const fold = mix(shape.noseWidth + 0.03, shape.foldU, s ** 0.8) +
      0.04 * s * (1 - s);
    const depth = shape.cheekFold * bell((down - 0.45) / 0.75);
    value *= 1 - 0.32 * depth * bell((away - fold) / (0.035 + 0.6 * pixel));
    value *= 1 + 0.12 * depth * bell((away - fold - 0.09) / 0.09);
  }
  if (shape.chinLines > 0.05 && away < 0.3) {
    const lip = shape.mouthV + shape.gap * 0.75 + shape.lowerLip + 0.05;
    const crease = lip + 0.9 * away * away;
    value *= 1 - 0.35 * shape.chinLines * bell((v - crease) / (soft + 0.02)) *
        bell(away / 0.3);
  }
  return value;
};

/** Draws the lips and what is between them: teeth, tongue and darkness. */
export const drawMouth: DrawPart = (shape, u, v, value, pixel, light) => {
  const { person, mouthWidth, gap } = shape;
  const t = u / mouthWidth;
  const a = Math.abs(t);
  if (a > 1.25 || v < shape.mouthV - 0.35 || v > shape.mouthV + 0.45) {
    return value;
  }
  const t2 = Math.min(1, t * t);
  const dome = 1 - t2;
  const root = Math.sqrt(dome);
  const middle = shape.mouthV +
    shape.cornerDown * Math.min(1, a * Math.sqrt(a)) +
    shape.cornerHook * t2 * t2 - shape.mouthArch * dome;
  const ends = (a - 1) * mouthWidth;

  const opening = gap *
    mix(root * dome ** 0.25, Math.min(1, root * 1.5), shape.gapSquare);
  const sneer = shape.sneer * bell((a - 0.5) / 0.5);
  const upperInner = middle - 0.32 * opening -
    0.45 * sneer * Math.min(1, gap / 0.08);
  const lowerInner = middle + 0.68 * opening;
  const bow = 1 - 0.3 * bell(t / 0.2);
  const upperOuter = middle - 0.32 * opening - shape.upperLip * root * bow -
    sneer;
  const lowerOuter = lowerInner +
    shape.lowerLip * Math.min(1, root * 1.1) * (0.75 + 0.25 * dome);

  const lips = coverage(Math.max(upperOuter - v, v - lowerOuter, ends), pixel);
  if (lips > 0) {
    const upper = v < middle;
    const fall = upper ? 0.86 : 1.02;
    const shine = upper
      ? 0
      : 0.1 * bell((v - (lowerInner + lowerOuter) / 2) / 0.03) * bell(t / 0.7);
    const tone = person.skin * person.lipTone * fall * (0.25 + 0.75 * light) +
      shine * light;
    value = mix(value, tone, lips * 0.92);
  }
  const inner = coverage(Math.max(upperInner - v, v - lowerInner, ends), pixel);
  if (inner > 0 && opening > 0.004) {
    const height = lowerInner - upperInner;
    const depth = (v - upperInner) / Math.max(height, 1e-6);
    let tone = 0.07 + 0.1 * bell((depth - 1) / 0.5);
    const teethBottom = upperInner +
      Math.min(
        height * 0.95,
        (0.03 + 0.075 * shape.teeth) * Math.min(1, root * 1.7),
      );
    const teethShare = coverage(v - teethBottom, pixel) *
      Math.min(1, shape.teeth * 1.3);
    const teeth = (0.84 - 0.3 * t2) * (0.35 + 0.65 * light);
    tone = mix(tone, teeth, teethShare);
    value = mix(value, tone, inner);
  }
  // The line where the lips meet, which fades as they part.
  const closed = clamp01(1 - opening / 0.03);
  const line = coverage(Math.abs(v - middle) - 0.012, pixel) *
    coverage(ends - 0.015, pixel);
  return value * (1 - 0.62 * line * closed);
};

/** Draws glasses: rims, bridge, arms and a faint reflection. */
export const drawGlasses: DrawPart = ({ person }, u, v, value, pixel) => {
  const away = Math.abs(u);
  const x = (away - person.eyeU - 0.005) / 0.265;
  const y = (v - person.eyeV - 0.03) / 0.2;
  if (person.glasses === 0 || y < -1.5 || y > 1.5) return value;
  const size = person.glassesSquare
    ? Math.sqrt(Math.sqrt(x * x * x * x + y * y * y * y))
    : Math.sqrt(x * x + y * y);
  const distance = (size - 1) * 0.22;
  if (distance < 0) value = mix(value, 0.8, 0.05 + 0.06 * bell(x - y + 0.4));
  const rim = coverage(Math.abs(distance) - person.glasses * 0.5, pixel);
  const bridge = away < person.eyeU - 0.24
    ? coverage(
      Math.abs(v - person.eyeV + 0.02 - 0.6 * away * away) -
        person.glasses * 0.5,
      pixel,
    )
    : 0;
  const arm = x > 0.95
    ? coverage(Math.abs(y + 0.35) * 0.2 - person.glasses * 0.5, pixel)
    : 0;
  return mix(value, person.glassesTone, 0.9 * Math.max(rim, bridge, arm));
};
