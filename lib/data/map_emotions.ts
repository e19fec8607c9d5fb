// Other classes for the same faces: happy or not, three groups of the seven, a different order.
import { complaintAbout } from "../emotions.ts";
import { type Faces, facesError, hashFaces, pickFaces } from "./faces.ts";

/**
 * The same faces with your own classes, each made from one or more of the old ones. Faces of other
 * old classes are left out, and so are FER+'s votes, which are for the seven emotions.
 *
 * @param classes the new names in their order, each with the old names that it takes; `"..."`
 * stands for all that are not named elsewhere
 * @throws {DatasetError} for a name that the faces do not have, or that is used twice
 *
 * @example
 * ```ts
 * import { mapEmotions } from "mien/data/map_emotions.ts";
 * import { drawFaces } from "mien/drawn/faces.ts";
 *
 * const faces = drawFaces({ count: 70, seed: 1 });
 * const { emotions } = mapEmotions(faces, { happy: ["happy"], other: ["..."] });
 * console.log(emotions); // [ "happy", "other" ]
 * ```
 */
export function mapEmotions(
  faces: Faces,
  classes: Readonly<Record<string, readonly string[]>>,
): Faces {
  const emotions = Object.keys(classes);
  const refuse = (reason: string) =>
    facesError(faces, `mapEmotions: ${reason}`);
  const complaint = complaintAbout(emotions);
  if (complaint) throw refuse(complaint);
  const target = new Map<string, number>();
  for (const [label, name] of emotions.entries()) {
    for (const old of classes[name]) {
      if (old === "...") continue;
      if (!faces.emotions.includes(old)) {
        throw refuse(
          `there is no class "${old}"; the classes are ${
            faces.emotions.join(", ")
          }`,
        );
      }
      if (target.has(old)) {
        throw refuse(`"${old}" is in two classes`);
      }
      target.set(old, label);
    }
  }
  const rest = emotions.findIndex((name) => classes[name].includes("..."));
  const labelOf = faces.emotions.map((old) => target.get(old) ?? rest);
  const rows = [...faces.labels.keys()].filter((row) =>
    labelOf[faces.labels[row]] >= 0
  );
  if (rows.length === 0) throw refuse("no faces are left");
  const picked = pickFaces({ ...faces, votes: undefined }, rows);
  const labels = picked.labels.map((label) => labelOf[label]);
  const hash = hashFaces({ ...picked, labels });
  return { ...picked, emotions, labels, source: { ...faces.source, hash } };
}
