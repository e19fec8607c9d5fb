/**
 * Rotates, moves, zooms, blurs, lights, mirrors and covers a face: what the
 * playground does to the 48 x 48 pixels before the network sees them. Canvas
 * filters would do it differently in each browser.
 *
 * @module
 */
import { FACE_PIXELS, FACE_SIZE } from "../emotions.ts";

/** The covered parts are squares of this many pixels: 12 x 12 of them. */
export const COVER_SIZE = 4;

/** Squares in a row. */
export const COVER_COLUMNS = FACE_SIZE / COVER_SIZE;

/** The changes to a face, all applied at once, in one resampling. */
export interface FaceChange {
  /** Degrees clockwise. */
  readonly turn: number;
  /** Pixels to the right. */
  readonly right: number;
  /** Pixels down. */
  readonly down: number;
  /** Times larger. */
  readonly zoom: number;
  /** Standard deviation of a Gaussian, in pixels. */
  readonly blur: number;
  /** Gray levels that are added, -255 to 255. */
  readonly light: number;
  /** The values' distance from middle gray is multiplied by this. */
  readonly contrast: number;
  readonly mirror: boolean;
  /** Indices of covered squares, row by row. */
  readonly cover: ReadonlySet<number>;
}

/** Leaves a face as it is. */
export const NO_CHANGE: FaceChange = {
  turn: 0,
  right: 0,
  down: 0,
  zoom: 1,
  blur: 0,
  light: 0,
  contrast: 1,
  mirror: false,
  cover: new Set(),
};

/** The gray of covered parts: the middle of the scale. */
const COVER_GRAY = 128;

/**
 * Changes a face. In this order, it is mirrored, rotated and zoomed about its
 * center, moved, blurred, lit and covered. Beyond its edges, edge pixels repeat.
 *
 * @param face 48 x 48 gray values, 0 to 255
 *
 * @example
 * ```ts
 * import { changeFace, NO_CHANGE } from "mien/explorer/transform.ts";
 * const face = new Uint8Array(48 * 48).fill(100);
 * console.log(changeFace(face, { ...NO_CHANGE, light: 20 })[0]); // 120
 * ```
 */
export function changeFace(face: Uint8Array, change: FaceChange): Uint8Array {
  let moved = resample(face, change);
  if (change.blur > 0) moved = blurred(moved, change.blur);
  const { light, contrast } = change;
  const result = new Uint8Array(FACE_PIXELS);
  for (let i = 0; i < FACE_PIXELS; i++) {
    const value = (moved[i] - 127.5) * contrast + 127.5 + light;
    result[i] = Math.max(0, Math.min(255, Math.round(value)));
  }
  for (const square of change.cover) coverSquare(result, square);
  return result;
}

function resample(
  face: Uint8Array,
  { turn, right, down, zoom, mirror }: FaceChange,
): Float32Array {
  const result = new Float32Array(FACE_PIXELS);
  const middle = (FACE_SIZE - 1) / 2, limit = FACE_SIZE - 1;
  const cos = Math.cos(turn * Math.PI / 180) / zoom;
  const sin = Math.sin(turn * Math.PI / 180) / zoom;
  const clamp = (at: number) => Math.max(0, Math.min(limit, at));
  for (let y = 0, to = 0; y < FACE_SIZE; y++) {
    for (let x = 0; x < FACE_SIZE; x++, to++) {
      const u = x - middle - right, v = y - middle - down;
      const across = cos * u + sin * v;
      const px = clamp((mirror ? -across : across) + middle);
      const py = clamp(cos * v - sin * u + middle);
      const left = Math.min(Math.floor(px), limit - 1);
      const top = Math.min(Math.floor(py), limit - 1);
      const fx = px - left, fy = py - top, at = top * FACE_SIZE + left;
      const upper = face[at] * (1 - fx) + face[at + 1] * fx;
      const lower = face[at + FACE_SIZE] * (1 - fx) +
        face[at + FACE_SIZE + 1] * fx;
      result[to] = upper * (1 - fy) + lower * fy;
    }
  }
  return result;
}

function blurred(face: Float32Array, deviation: number): Float32Array {
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from(
    { length: 2 * reach + 1 },
    (_, i) => Math.exp(-((i - reach) ** 2) / (2 * deviation ** 2)),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const along = (from: Float32Array, step: number, other: number) => {
    const to = new Float32Array(FACE_PIXELS);
    for (let line = 0; line < FACE_SIZE; line++) {
      for (let i = 0; i < FACE_SIZE; i++) {
        let sum = 0;
        for (let k = -reach; k <= reach; k++) {
          const at = Math.max(0, Math.min(FACE_SIZE - 1, i + k));
          sum += weights[k + reach] * from[line * other + at * step];
        }
        to[line * other + i * step] = sum / total;
      }
    }
    return to;
  };
  return along(along(face, 1, FACE_SIZE), FACE_SIZE, 1);
}

function coverSquare(face: Uint8Array, square: number): void {
  const top = Math.floor(square / COVER_COLUMNS) * COVER_SIZE;
  const left = square % COVER_COLUMNS * COVER_SIZE;
  for (let y = top; y < top + COVER_SIZE; y++) {
    const from = y * FACE_SIZE + left;
    face.fill(COVER_GRAY, from, from + COVER_SIZE);
  }
}

/** The numeric changes, their ranges and steps. */
export const RANGES = {
  turn: { label: "turn", least: -45, most: 45, step: 1, unit: "°" },
  right: { label: "move right", least: -16, most: 16, step: 0.5, unit: " px" },
  down: { label: "move down", least: -16, most: 16, step: 0.5, unit: " px" },
  zoom: { label: "zoom", least: 0.5, most: 2, step: 0.02, unit: "×" },
  blur: { label: "blur", least: 0, most: 4, step: 0.1, unit: " px" },
  light: { label: "light", least: -120, most: 120, step: 2, unit: "" },
  contrast: { label: "contrast", least: 0.1, most: 2, step: 0.02, unit: "×" },
} as const;

/** A numeric change. */
export type ChangeName = keyof typeof RANGES;

/** A change that flips the answer. */
export interface TurningPoint {
  readonly name: ChangeName;
  readonly value: number;
  /** How far that is from the original value, as a fraction of the range. */
  readonly part: number;
  /** The new answer's index. */
  readonly answer: number;
}

/**
 * The smallest change of one kind, as a fraction of its range, that flips the
 * network's answer; nothing if none does.
 *
 * @param answer returns the index of the answer for each of some faces
 */
export function findTurningPoint(
  face: Uint8Array,
  change: FaceChange,
  answer: (faces: Uint8Array[]) => number[],
): TurningPoint | undefined {
  const [before] = answer([changeFace(face, change)]);
  let best: TurningPoint | undefined;
  for (const name of Object.keys(RANGES) as ChangeName[]) {
    const { least, most, step } = RANGES[name];
    const count = Math.round((most - least) / step);
    const values = Array.from(
      { length: count + 1 },
      (_, i) => Number((least + i * step).toFixed(4)),
    );
    const found = answer(
      values.map((value) => changeFace(face, { ...change, [name]: value })),
    );
    for (const [i, value] of values.entries()) {
      const part = Math.abs(value - change[name]) / (most - least);
      if (found[i] !== before && (!best || part < best.part)) {
        best = { name, value, part, answer: found[i] };
      }
    }
  }
  return best;
}

/** Covered squares as text for the address: rows of twelve, a hexadecimal number each. */
export function writeCover(cover: ReadonlySet<number>): string | undefined {
  if (cover.size === 0) return undefined;
  return Array.from({ length: COVER_COLUMNS }, (_, row) => {
    let bits = 0;
    for (let x = 0; x < COVER_COLUMNS; x++) {
      if (cover.has(row * COVER_COLUMNS + x)) bits |= 1 << x;
    }
    return bits.toString(16);
  }).join(".");
}

/** What {@linkcode writeCover} wrote; anything else covers nothing. */
export function readCover(text: string): Set<number> {
  const cover = new Set<number>();
  for (const [row, digits] of text.split(".").slice(0, 12).entries()) {
    const bits = parseInt(digits, 16) || 0;
    for (let x = 0; x < COVER_COLUMNS; x++) {
      if (bits & (1 << x)) cover.add(row * COVER_COLUMNS + x);
    }
  }
  return cover;
}
