// What is wrong with the data itself: repeated faces within and across splits,
// contradictory labels, and how much they limit the accuracy that can be reached.
// Whether a label is right, only a person can tell. Hash and correlation take a few
// lines each, too few for another library.
import { Buffer } from "node:buffer";
import { FACE_PIXELS, FACE_SIZE } from "../emotions.ts";
import { facePixels, type Faces, type Split, SPLITS } from "./faces.ts";

/** Rows of faces that are the same, in ascending order; at least two. */
export type DuplicateGroup = readonly number[];

/** Repeated, contradicted and blank faces of one split. */
export interface SplitAudit {
  readonly split: typeof SPLITS[number];
  readonly faces: number;
  /** Faces that repeat an earlier one in this split. */
  readonly repeated: number;
  /** Faces that are also in Training; 0 for Training itself. */
  readonly inTraining: number;
  /** Faces with a different label elsewhere in the data. */
  readonly contradicted: number;
  /** Faces with a single gray value: blank pictures. */
  readonly blank: number;
  /**
   * The highest accuracy any classifier can reach on this split, 0 to 1: equal pixels
   * get equal answers, so at best the most common label of each group.
   */
  readonly highestAccuracy: number;
}

/** The audit of a data set; counts are of faces unless stated otherwise. */
export interface Audit {
  readonly faces: number;
  /** Faces that repeat an earlier one: all faces minus the distinct ones. */
  readonly repeated: number;
  readonly groups: readonly DuplicateGroup[];
  /** Groups in more than one split. */
  readonly acrossSplits: number;
  /** Groups whose faces do not all have the same label. */
  readonly contradicting: readonly DuplicateGroup[];
  /** The splits that have faces. */
  readonly splits: readonly SplitAudit[];
}

/**
 * Finds faces that are equal in every pixel, and what they mean for each split.
 *
 * @example
 * ```ts
 * import { auditFaces } from "mien/data/audit.ts";
 * import { findFaces } from "mien/drawn/find_faces.ts";
 * const { repeated, contradicting } = auditFaces(await findFaces());
 * console.log(repeated, contradicting.length);
 * ```
 */
export function auditFaces(faces: Faces): Audit {
  const groups = findDuplicates(faces);
  const contradicting = groups.filter((group) =>
    group.some((row) => faces.labels[row] !== faces.labels[group[0]])
  );
  const across = groups.filter((group) =>
    group.some((row) => faces.splits[row] !== faces.splits[group[0]])
  );
  return {
    faces: faces.length,
    repeated: groups.reduce((sum, group) => sum + group.length - 1, 0),
    groups,
    acrossSplits: across.length,
    contradicting,
    splits: SPLITS.map((_, split) => auditSplit(faces, split, groups))
      .filter((split) => split.faces > 0),
  };
}

function auditSplit(
  faces: Faces,
  split: number,
  groups: readonly DuplicateGroup[],
): SplitAudit {
  let repeated = 0, inTraining = 0, contradicted = 0, lost = 0;
  for (const group of groups) {
    const here = group.filter((row) => faces.splits[row] === split);
    if (here.length === 0) continue;
    const labels = here.map((row) => faces.labels[row]);
    repeated += here.length - 1;
    if (split !== 0 && group.some((row) => faces.splits[row] === 0)) {
      inTraining += here.length;
    }
    if (new Set(group.map((row) => faces.labels[row])).size > 1) {
      contradicted += here.length;
    }
    const commonest = Math.max(
      ...faces.emotions.map((_, emotion) =>
        labels.filter((label) => label === emotion).length
      ),
    );
    lost += here.length - commonest;
  }
  let count = 0;
  let blank = 0;
  for (let row = 0; row < faces.length; row++) {
    if (faces.splits[row] !== split) continue;
    count++;
    if (isBlank(facePixels(faces, row))) blank++;
  }
  return {
    split: SPLITS[split],
    faces: count,
    repeated,
    inTraining,
    contradicted,
    blank,
    highestAccuracy: count === 0 ? 0 : 1 - lost / count,
  };
}

/** Groups of faces that are equal in every pixel, by their first row. */
export function findDuplicates(faces: Faces): DuplicateGroup[] {
  const rowsOf = new Map<string, number[]>();
  for (let row = 0; row < faces.length; row++) {
    const { buffer, byteOffset } = facePixels(faces, row);
    // One character per pixel: equal strings are equal faces.
    const key = Buffer.from(buffer, byteOffset, FACE_PIXELS)
      .toString("latin1");
    const rows = rowsOf.get(key);
    if (rows) rows.push(row);
    else rowsOf.set(key, [row]);
  }
  return [...rowsOf.values()].filter((rows) => rows.length > 1);
}

/**
 * Whether each face of a split, in the split's order, is also in Training, equal in every pixel:
 * a network trained there may have memorized it. For Training itself, true for all.
 */
export function standsInTraining(faces: Faces, split: Split): boolean[] {
  const training = SPLITS.indexOf("Training"), wanted = SPLITS.indexOf(split);
  const repeated = new Set(
    findDuplicates(faces).filter((group) =>
      group.some((row) => faces.splits[row] === training)
    ).flat(),
  );
  return [...faces.splits.keys()]
    .filter((row) => faces.splits[row] === wanted)
    .map((row) => wanted === training || repeated.has(row));
}

/** Bits of a fingerprint that may differ: one of its four bands of 16 must agree. */
const FINGERPRINT_DISTANCE = 3;

/** Pearson's r of the pixels from which two faces are near duplicates. */
const LEAST_CORRELATION = 0.98;

/**
 * Pairs of faces that look the same without being equal: different brightness,
 * contrast or compression. Candidates have 64-bit difference hashes that differ
 * in at most three bits; those that also correlate over all pixels are pairs.
 * It misses shifted or mirrored faces, so the count is a lower bound. Blank
 * faces are left out.
 *
 * @returns the rows of each pair, ascending; pairs of equal faces are left out
 */
export function findNearDuplicates(faces: Faces): [number, number][] {
  const equal = new Set(
    findDuplicates(faces).flatMap((group) => group.slice(1)),
  );
  const rows = [...faces.labels.keys()]
    .filter((row) => !equal.has(row) && !isBlank(facePixels(faces, row)));
  const prints = rows.map((row) => fingerprint(facePixels(faces, row)));
  const pairs = new Map<number, [number, number]>();
  for (let band = 0; band < 4; band++) {
    const buckets = new Map<number, number[]>();
    prints.forEach((print, index) => {
      const bucket = buckets.get(print[band]);
      if (bucket) bucket.push(index);
      else buckets.set(print[band], [index]);
    });
    for (const bucket of buckets.values()) {
      for (let i = 0; i < bucket.length; i++) {
        for (let j = i + 1; j < bucket.length; j++) {
          const [a, b] = [bucket[i], bucket[j]];
          if (distance(prints[a], prints[b]) > FINGERPRINT_DISTANCE) continue;
          const key = rows[a] * faces.length + rows[b];
          if (pairs.has(key)) continue;
          const r = correlate(
            facePixels(faces, rows[a]),
            facePixels(faces, rows[b]),
          );
          if (r >= LEAST_CORRELATION) pairs.set(key, [rows[a], rows[b]]);
        }
      }
    }
  }
  return [...pairs.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function isBlank(pixels: Uint8Array): boolean {
  return pixels.every((value) => value === pixels[0]);
}

/**
 * A difference hash: for an 8 x 9 grid of means, whether each is darker than its
 * right neighbor. 64 bits as four numbers of 16 bits.
 */
function fingerprint(pixels: Uint8Array): Uint16Array {
  const print = new Uint16Array(4);
  for (let y = 0; y < 8; y++) {
    const means = Array.from({ length: 9 }, (_, x) => {
      const left = Math.floor((x * FACE_SIZE) / 9);
      const right = Math.floor(((x + 1) * FACE_SIZE) / 9);
      let sum = 0;
      for (let row = y * 6; row < y * 6 + 6; row++) {
        for (let column = left; column < right; column++) {
          sum += pixels[row * FACE_SIZE + column];
        }
      }
      return sum / (right - left);
    });
    for (let x = 0; x < 8; x++) {
      if (means[x] < means[x + 1]) print[y >> 1] |= 1 << ((y & 1) * 8 + x);
    }
  }
  return print;
}

/** The number of differing bits; stops counting when there are too many. */
function distance(a: Uint16Array, b: Uint16Array): number {
  let count = 0;
  for (let band = 0; band < 4 && count <= FINGERPRINT_DISTANCE; band++) {
    for (let bits = a[band] ^ b[band]; bits !== 0; bits &= bits - 1) count++;
  }
  return count;
}

/** Pearson's correlation of two faces, -1 to 1. */
export function correlate(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sumA = 0, sumB = 0, sumAA = 0, sumBB = 0, sumAB = 0;
  for (let i = 0; i < FACE_PIXELS; i++) {
    sumA += a[i];
    sumB += b[i];
    sumAA += a[i] * a[i];
    sumBB += b[i] * b[i];
    sumAB += a[i] * b[i];
  }
  const covariance = FACE_PIXELS * sumAB - sumA * sumB;
  const spread = (FACE_PIXELS * sumAA - sumA * sumA) *
    (FACE_PIXELS * sumBB - sumB * sumB);
  return covariance / Math.sqrt(spread);
}
