/**
 * What surrounds a drawn face: hair behind the head, neck, clothes and ears.
 * Places are in face units (see person.ts), tones are gray values from 0
 * to 1.
 *
 * @module
 */
import type { DrawPart } from "./face_parts.ts";
import { drawHairBehind } from "./hair.ts";
import { bell, clamp01, coverage, mix, texture } from "./texture.ts";

/** Draws everything of a person but the face. */
export const drawBody: DrawPart = (shape, u, v, value, pixel, light) => {
  const { person } = shape;
  const style = person.hairStyle;
  const overEars = style === "long" || style === "scarf";
  if (!overEars) value = drawHairBehind(shape, u, v, value, pixel, light);
  if (v > 0.5) {
    const width = 0.54 * person.headWidth + 0.1 * (v - 0.5);
    const neck = coverage(Math.abs(u) - width, pixel);
    // The chin's shadow, then light again, darker to the sides.
    const chin = 0.5 + 0.22 * clamp01((v - shape.chinV) * 2.5);
    const round = 1 - 0.35 * Math.min(1, u * u / (width * width));
    value = mix(value, person.skin * chin * round * light, neck);
    value = drawClothes(shape, u, v, value, pixel, light);
  }
  if (overEars) return drawHairBehind(shape, u, v, value, pixel, light);
  const ear = (Math.abs(u) - person.headWidth - 0.02) / 0.085;
  const earV = (v - 0.02) / 0.21;
  const size = ear * ear + earV * earV;
  const share = coverage((size - 1) * 0.05, pixel);
  return mix(value, person.skin * (0.48 + 0.3 * size) * light, share);
};

const drawClothes: DrawPart = ({ person }, u, v, value, pixel, light) => {
  const away = Math.abs(u);
  const base = person.chinV + 0.24;
  const arm = 1.55 + 0.12 * Math.min(1, Math.max(0, v - base - 0.7));
  const q = clamp01((away - 0.35) / (arm - 0.35));
  const shoulder = base + 0.12 * away + 0.75 * (1 - Math.sqrt(1 - q * q)) +
    0.3 * clamp01(1 - away / 0.36);
  const share = coverage(
    Math.max((shoulder - v) * 0.8, away - arm),
    pixel + 0.015,
  );
  if (share === 0) return value;
  const seam = away - 1.12 - 0.04 * (v - 2);
  const folds = texture(u * 4, v * 1.3 + u, person.texture);
  const tone = person.clothesTone *
    (0.5 + 0.4 * light - 0.22 * (u * u) / (arm * arm) + 0.16 * folds) *
    (1 - 0.35 * bell(seam / (0.03 + 0.5 * pixel)) * clamp01((v - 2.1) * 3)) *
    (1 - 0.25 * bell((v - shoulder) / 0.07));
  return mix(value, tone, share);
};
