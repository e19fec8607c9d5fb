/**
 * Draws one face into a picture: the skin as a lit relief, then the parts.
 *
 * The skin is a rounded head with bumps (nose, cheeks, brow ridge, chin). Its
 * slope toward the light gives its brightness; hollows (eye sockets, below nose
 * and lip) get less light. Each pixel is mapped back to the face: shift, size
 * and roll are undone, then yaw and pitch, as if the face lay on a paraboloid.
 *
 * Left out: shadows other than the nose's, profile views, color.
 *
 * @module
 */
import { drawBody } from "./body.ts";
import {
  drawBeard,
  drawHairFront,
  HAIR_EDGE,
  hairline,
  hairTone,
} from "./hair.ts";
import {
  drawBrow,
  drawEye,
  drawFolds,
  drawGlasses,
  drawMouth,
} from "./face_parts.ts";
import type { Bumps, FaceShape } from "./face_shape.ts";
import { bell, clamp01, coverage, mix, texture } from "./texture.ts";

/** A gray picture being drawn: 0 is black, 1 white, row-major. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Where a face is, and how it is turned. Angles are in radians. */
export interface Pose {
  /** The center of the face's box, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Half the side of the face's box, in pixels. */
  readonly half: number;
  /** Clockwise. */
  readonly roll: number;
  /** To the right of the picture. */
  readonly yaw: number;
  /** Downwards. */
  readonly pitch: number;
  /** How far the eyes look aside, in face units. */
  readonly gaze: number;
}

/** A distant lamp and ambient light. */
export interface Light {
  /** Direction to the lamp, a unit vector. */
  readonly right: number;
  readonly down: number;
  readonly front: number;
  /** Brightness of the ambient light and of the lamp. */
  readonly ambient: number;
  readonly lamp: number;
}

/** Draws a face, with neck and shoulders, over what is on the canvas. */
export function drawFace(
  canvas: Canvas,
  shape: FaceShape,
  pose: Pose,
  light: Light,
): void {
  const { half } = pose;
  const pixel = 1 / half;
  const cosRoll = Math.cos(pose.roll) / half;
  const sinRoll = Math.sin(pose.roll) / half;
  const sinYaw = Math.sin(pose.yaw);
  const sinPitch = Math.sin(pose.pitch);
  const perYaw = 1 / Math.cos(pose.yaw);
  const perPitch = 1 / Math.cos(pose.pitch);
  const left = Math.max(0, Math.floor(pose.x - 2.2 * half));
  const right = Math.min(canvas.width, Math.ceil(pose.x + 2.2 * half));
  const top = Math.max(0, Math.floor(pose.y - 2 * half));
  const relief = new Float64Array(shape.relief.length);
  const hollows = new Float64Array(shape.hollows.length);
  for (let y = top; y < canvas.height; y++) {
    // Bumps that cannot reach this row are skipped.
    const middle = (y + 0.5 - pose.y) * cosRoll;
    const slant = Math.abs(sinRoll) * (right - left) * 0.5 +
      Math.abs(sinPitch) * 0.6 + 0.05;
    keepNearby(shape.relief, relief, middle, slant);
    keepNearby(shape.hollows, hollows, middle, slant);
    for (let x = left; x < right; x++) {
      const dx = x + 0.5 - pose.x;
      const dy = y + 0.5 - pose.y;
      const flatU = dx * cosRoll + dy * sinRoll;
      const flatV = dy * cosRoll - dx * sinRoll;
      let u = flatU;
      let v = flatV;
      for (let pass = 0; pass < 2; pass++) {
        const depth = 0.25 - 0.6 * Math.min(1.1, u * u) -
          0.25 * Math.min(1.4, v * v);
        u = (flatU - depth * sinYaw) * perYaw;
        v = (flatV - depth * sinPitch) * perPitch;
      }
      const at = y * canvas.width + x;
      canvas.data[at] = facePixel(
        shape,
        relief,
        hollows,
        u,
        v,
        canvas.data[at],
        light,
        pixel,
        sinYaw,
        pose.gaze,
      );
    }
  }
}

/**
 * Copies the bumps that reach the stripe from `middle - slant` to
 * `middle + slant` (in v); a bump of radius 0 ends the list.
 */
function keepNearby(
  all: Bumps,
  kept: Bumps,
  middle: number,
  slant: number,
): void {
  let count = 0;
  for (let row = 0; row < all.length; row += 5) {
    if (Math.abs(all[row + 1] - middle) > all[row + 3] + slant) continue;
    for (let k = 0; k < 5; k++) kept[count + k] = all[row + k];
    count += 5;
  }
  if (count < kept.length) kept[count + 2] = 0;
}

function facePixel(
  shape: FaceShape,
  relief: Bumps,
  hollows: Bumps,
  u: number,
  v: number,
  value: number,
  light: Light,
  pixel: number,
  turn: number,
  gaze: number,
): number {
  const { person, chinV } = shape;
  const sideLight = clamp01(
    light.ambient + light.lamp * (0.75 * light.front + 0.5 * light.right * u),
  );
  const wideV = -0.08;
  const rise = v < wideV
    ? (wideV - v) / (wideV + 1.16)
    : (v - wideV) / (chinV - wideV);
  const rise2 = rise * rise;
  const square = v < wideV ? 0.35 : 0.15 + 0.75 * person.jaw;
  const taper = mix(rise2, rise2 * rise2, square);
  const x = u / person.headWidth;
  const outline = x * x + taper - 1;

  const head = coverage(outline * 0.42, pixel);
  if (head < 1) {
    value = drawBody(shape, u, v, value, pixel, sideLight);
    if (head === 0) return value;
  }
  if (v - hairline(shape, u) < -0.5 * (pixel + HAIR_EDGE)) {
    value = mix(value, hairTone(shape, u, v, sideLight), head);
    return drawGlasses(shape, u, v, value, pixel, sideLight);
  }
  const noseU = u - 0.22 * turn * bell((v - shape.noseV) / 0.55);
  const shade = skinLight(shape, relief, hollows, noseU, u, v, light, x);
  let face = person.skin * shade;
  if (pixel < 0.03) { // Blotches, too faint in small pictures.
    face *= 0.95 + 0.1 * texture(u * 5, v * 5, person.texture ^ 0x5bd1);
  }
  const lit = shade > 1 ? 1 : shade;
  face = drawBeard(shape, u, v, face, pixel, lit);
  face = drawFolds(shape, u, v, face, pixel, lit);
  if (v < 0.2) {
    face = drawEye(shape, u, v, face, pixel, lit, gaze);
    face = drawBrow(shape, u, v, face, pixel, lit);
  } else {
    face = drawMouth(shape, u, v, face, pixel, lit);
  }
  value = mix(value, face, head);
  value = drawHairFront(shape, u, v, value, pixel, sideLight);
  return drawGlasses(shape, u, v, value, pixel, sideLight);
}

/** How much light the skin reflects to the viewer. */
function skinLight(
  shape: FaceShape,
  relief: Bumps,
  hollows: Bumps,
  noseU: number,
  u: number,
  v: number,
  light: Light,
  x: number,
): number {
  const { right: lightU, down: lightV } = light;
  // Slopes of the bumps; the head's are added below.
  let slopeU = 0;
  let slopeV = 0;
  for (let row = 0; row < relief.length; row += 5) {
    const du = noseU - relief[row];
    const radiusU = relief[row + 2];
    if (radiusU === 0) break;
    if (du > radiusU || du < -radiusU) continue;
    const dv = v - relief[row + 1];
    const radiusV = relief[row + 3];
    const rest = 1 - du * du / (radiusU * radiusU) -
      dv * dv / (radiusV * radiusV);
    if (rest <= 0) continue;
    const steep = 4 * relief[row + 4] * rest;
    slopeU += steep * du / (radiusU * radiusU);
    slopeV += steep * dv / (radiusV * radiusV);
  }
  let reach = 1;
  for (let row = 0; row < hollows.length; row += 5) {
    const radiusU = hollows[row + 2];
    if (radiusU === 0) break;
    const du = (noseU - hollows[row]) / radiusU;
    if (du > 1 || du < -1) continue;
    const dv = (v - hollows[row + 1]) / hollows[row + 3];
    const rest = 1 - du * du - dv * dv;
    if (rest > 0) reach *= 1 - hollows[row + 4] * rest;
  }
  // The shadow of the nose, away from the lamp.
  const shadowU = (u + 0.2 * lightU) / 0.17;
  const shadowV = (v - shape.noseV - 0.06 + 0.12 * lightV) / 0.14;
  reach *= 1 - 0.3 * light.lamp * Math.min(1, Math.abs(lightU) * 1.6) *
      bell(Math.sqrt(shadowU * shadowU + shadowV * shadowV));

  const round = x < -1 ? -1 : x > 1 ? 1 : x;
  const normalU = slopeU + 0.85 * round;
  const normalV = slopeV + 0.5 * v;
  const normalFront = Math.sqrt(1.05 - 0.85 * round * round);
  const length = Math.sqrt(
    normalU * normalU + normalV * normalV + normalFront * normalFront,
  );
  const facing = (normalU * lightU + normalV * lightV +
    normalFront * light.front) / length;
  const lamp = facing > 0 ? facing : 0;
  const gloss = lamp > 0.9 ? (lamp - 0.9) * 1.2 : 0;
  return reach * (light.ambient * (0.6 + 0.4 * normalFront / length) +
    light.lamp * (lamp + gloss));
}
