// The profile face cascade that comes with the project: OpenCV's haarcascade_profileface, window
// 20x20, 26 stages, made by David Bradley; its license is in the file's notice. It finds faces turned to
// one side, and in a mirrored image those turned to the other.
import type { Cascade } from "./cascade.ts";
import { type CompactCascade, readCompactCascade } from "./cascade_json.ts";
import compact from "./haarcascade_profileface.json" with { type: "json" };

let cascade: Cascade | undefined;

/** The profile face cascade; read once, then always the same object. */
export function profileFaceCascade(): Cascade {
  cascade ??= readCompactCascade(compact as CompactCascade);
  return cascade;
}
