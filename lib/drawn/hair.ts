/**
 * Hair, scarf and beard of a drawn face. Places are in face units (see
 * person.ts), tones are gray values from 0 to 1.
 *
 * @module
 */
import type { DrawPart } from "./face_parts.ts";
import type { FaceShape } from "./face_shape.ts";
import { bell, clamp01, coverage, mix, texture } from "./texture.ts";

/** How far down the hair behind the head reaches, in v. */
const BEHIND: Readonly<Record<string, number>> = {
  short: 0.1,
  fringe: 0.3,
  parted: 0.2,
  long: 1.5,
  receding: 0.1,
  scarf: 1.6,
};

/** How soft the edge of hair is, in face units. */
export const HAIR_EDGE = 0.07;

/** The tone of hair at a place: light and dark strands. */
export function hairTone(
  { person }: FaceShape,
  u: number,
  v: number,
  light: number,
): number {
  if (person.hairStyle === "scarf") {
    const folds = texture(u * 3 + v, v * 1.5, person.texture);
    return person.clothesTone * (0.45 + 0.4 * light + 0.3 * folds);
  }
  const strands = texture(
    (u + 0.25 * v * u) * 13,
    v * 2.5 + u * u * 3,
    person.texture,
  );
  const shine = 0.5 * bell((v + 0.95) / 0.35) * light;
  return person.hairTone * (0.35 + 0.45 * light + 0.55 * strands + shine) +
    0.02;
}

/** Draws the hair behind the head. */
export const drawHairBehind: DrawPart = (shape, u, v, value, pixel, light) => {
  const { person } = shape;
  const reach = BEHIND[person.hairStyle];
  if (reach === undefined) return value;
  const width = person.headWidth + person.hairVolume * 0.9;
  const height = 1.06 + person.hairVolume;
  const y = (v + 0.18) / height;
  const x = u / width;
  const tufts = person.hairStyle === "scarf"
    ? 0
    : 0.035 * (texture(u * 5, v * 5, person.texture) - 0.5);
  let distance = tufts + (x * x + (y < 0 ? y * y : 0) - 1) * 0.45;
  distance = Math.max(distance, v - reach + 0.15 * Math.abs(u));
  const share = coverage(distance, pixel + 0.06);
  if (share === 0) return value;
  // Darker below, where the head's shadow falls on it.
  const depth = 1 - 0.4 * clamp01((v + 0.5) / 0.8);
  return mix(value, hairTone(shape, u, v, light) * depth, share);
};

/** The v at which the hair ends on the forehead and beside the face. */
export function hairline({ person }: FaceShape, u: number): number {
  const a = Math.min(1.2, Math.abs(u) / person.headWidth);
  const side = a * a * a * a * a * a;
  const top = person.hairlineV;
  switch (person.hairStyle) {
    case "short":
      return top + (0.75 + 0.2 * person.hairVolume) * side;
    case "fringe":
      return top + 0.24 +
        0.12 * texture(u * 9, 0.5, person.texture) + 0.6 * side;
    case "parted":
      return top - 0.1 + 0.4 * Math.abs(u - person.hairPart) + 0.5 * side;
    case "long":
      return top - 0.08 + 0.3 * Math.abs(u - person.hairPart) +
        2.2 * side * a * a;
    case "receding":
      return top - 0.12 - 0.22 * bell((a - 0.55) / 0.4) + 0.7 * side * a;
    case "scarf":
      return top + 0.03 + 0.25 * a * a + 1.5 * side * a * a;
    default:
      return -9;
  }
}

/** Draws the hair in front of the head: above the hairline, beside the face. */
export const drawHairFront: DrawPart = (shape, u, v, value, pixel, light) => {
  const { person } = shape;
  if (person.hairStyle === "bald") return value;
  const distance = v - hairline(shape, u);
  const share = coverage(
    distance,
    pixel + (person.hairStyle === "scarf" ? 0 : HAIR_EDGE),
  );
  // The hair's shadow on the skin.
  if (distance > 0) value *= 1 - 0.25 * bell(distance / 0.14);
  return share === 0 ? value : mix(value, hairTone(shape, u, v, light), share);
};

/** Draws the beard on the skin; the lips are drawn later. */
export const drawBeard: DrawPart = (shape, u, v, value, _pixel, light) => {
  const { person } = shape;
  if (person.beard === "none" || v < 0) return value;
  const away = Math.abs(u);
  const upperEdge = shape.mouthV - shape.upperLip;
  let share = 0;
  if (person.beard !== "moustache") {
    // The cheeks' edge rises toward the ears.
    const a = away / person.headWidth;
    const edge = shape.mouthV + 0.12 - 0.62 * a * a * a -
      0.05 * bell(u / 0.1);
    share = clamp01((v - edge) / 0.16);
  }
  const along = away / (shape.mouthWidth * 1.12);
  const band = upperEdge - 0.055 + shape.cornerDown * along * along +
    0.05 * along * along * along - 0.3 * shape.sneer;
  const moustache = bell((v - band) / 0.13) * clamp01((1.1 - along) * 5);
  share = Math.max(share, Math.min(1, moustache * 1.5));
  if (share === 0) return value;
  if (person.beard === "stubble") return value * (1 - 0.3 * share);
  const grain = texture(u * 22, v * 14, person.texture);
  const tone = person.hairTone * (0.4 + 0.5 * light + 0.4 * grain);
  return mix(value, tone, 0.82 * share);
};
