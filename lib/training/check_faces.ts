// Are the faces such that a run can learn from them? Told before its first epoch.
import { FACE_PIXELS } from "../emotions.ts";
import {
  DatasetError,
  describeSplits,
  type Faces,
  SPLITS,
} from "../data/faces.ts";

/**
 * @param classes what the network tells apart
 * @param weights one weight a class in the loss, where they are given
 * @throws {DatasetError} for arrays that do not fit each other, a label that is no class, a split
 * without faces, or weights that leave nothing to learn
 */
export function checkFaces(
  faces: Faces,
  classes: number,
  weights?: unknown,
): void {
  const { pixels, labels, splits, length, source } = faces;
  const fail = (reason: string, row?: number) =>
    new DatasetError(source.path ?? source.name, reason, row);
  for (
    const [name, { length: found }, wanted] of [
      ["pixels", pixels, length * FACE_PIXELS],
      ["labels", labels, length],
      ["splits", splits, length],
    ] as const
  ) {
    if (found === wanted) continue;
    throw fail(`${length} faces need ${wanted} ${name}, not ${found}`);
  }
  for (let row = 0; row < length; row++) {
    if (labels[row] >= classes) {
      throw fail(
        `the label is ${
          labels[row]
        }; the network tells ${classes} classes apart, 0 to ${classes - 1}`,
        row + 1,
      );
    }
    if (splits[row] >= SPLITS.length) {
      throw fail(
        `the split is ${splits[row]}, not 0, 1 or 2 (${SPLITS.join(", ")})`,
        row + 1,
      );
    }
  }
  const inSplit = (split: number) => splits.includes(split);
  if (!inSplit(0)) {
    throw fail(
      `no faces to train on: it has ${
        describeSplits(faces) || "none"
      }, and Training is needed`,
    );
  }
  if (!inSplit(1)) {
    throw fail(
      `no faces to validate on: it has ${
        describeSplits(faces)
      }, and PublicTest is needed; use the whole of FER-2013, or put a part of the faces into PublicTest`,
    );
  }
  if (!Array.isArray(weights)) return;
  const counts = labels.some((label, row) =>
    splits[row] === 0 && weights[label] !== 0
  );
  if (counts) return;
  throw fail(
    "classWeights are 0 for all classes of Training: nothing would be learned",
  );
}
