/**
 * Light and camera of drawn pictures: the lamp's direction, and the blur,
 * exposure and noise of the photograph.
 *
 * @module
 */
import type { Canvas, Light } from "./face.ts";
import { createRandom, type Random } from "../random.ts";

/** A random light: the lamp is above the face, on the left to the right. */
export function createLight(random: Random): Light {
  const right = 1.4 * (random.next() - 0.5);
  const down = -0.1 - 0.6 * random.next();
  const length = Math.sqrt(right * right + down * down + 1);
  const ambient = 0.3 + 0.25 * random.next();
  return {
    right: right / length,
    down: down / length,
    front: 1 / length,
    ambient,
    lamp: 1.12 - ambient,
  };
}

/** What a camera does to a picture. */
export interface Camera {
  /** Share of a pixel that goes to each neighbor of its row and column. */
  readonly blur: number;
  /** Standard deviation of the noise, in gray values. */
  readonly noise: number;
  /** Gray values of the picture per gray value of the canvas. */
  readonly contrast: number;
  /** What the canvas's 0.45 becomes, from 0 (black) to 1 (white). */
  readonly middle: number;
}

const grain = createRandom(0);

/** Normal noise, made once; each row of a picture starts at a random place in it. */
const GRAIN = Float32Array.from({ length: 16_384 }, () => grain.normal());

/** Blurs, exposes and adds noise, and writes the picture in 256 grays. */
export function develop(
  target: Uint8Array,
  canvas: Canvas,
  { blur, noise, contrast, middle }: Camera,
  random: Random,
): void {
  const { data, width, height } = canvas;
  const rows = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const before = data[x > 0 ? at - 1 : at];
      const after = data[x < width - 1 ? at + 1 : at];
      rows[at] = data[at] + blur * (before + after - 2 * data[at]);
    }
  }
  for (let y = 0; y < height; y++) {
    const start = random.integer(GRAIN.length);
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const above = rows[y > 0 ? at - width : at];
      const below = rows[y < height - 1 ? at + width : at];
      const value = rows[at] + blur * (above + below - 2 * rows[at]);
      const gray = 255 * (middle + contrast * (value - 0.45)) +
        noise * GRAIN[(start + x) % GRAIN.length];
      target[at] = gray < 0 ? 0 : gray > 255 ? 255 : Math.round(gray);
    }
  }
}
