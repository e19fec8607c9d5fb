// Checks that a data set's arrays match each other before a run starts.
import { FACE_PIXELS } from "../../emotions.ts";
import { type Faces, facesError, SPLITS } from "../../data/faces.ts";

/** @throws {DatasetError} for arrays that do not match each other, or an unknown split */
export function checkFaces(faces: Faces): void {
  const { pixels, labels, splits, length } = faces;
  for (
    const [name, { length: found }, wanted] of [
      ["pixels", pixels, length * FACE_PIXELS],
      ["labels", labels, length],
      ["splits", splits, length],
    ] as const
  ) {
    if (found === wanted) continue;
    throw facesError(
      faces,
      `${length} faces need ${wanted} ${name}, not ${found}`,
    );
  }
  const wrong = splits.findIndex((split) => split >= SPLITS.length);
  if (wrong < 0) return;
  throw facesError(
    faces,
    `the split is ${splits[wrong]}, not 0, 1 or 2 (${SPLITS.join(", ")})`,
    wrong + 1,
  );
}
