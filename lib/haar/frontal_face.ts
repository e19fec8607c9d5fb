// The frontal face cascade that comes with the project: OpenCV's
// haarcascade_frontalface_default, window 24x24, 25 stages, 2,913 stumps, made
// by Rainer Lienhart; its license is in the file's notice. Other cascades are
// read from OpenCV's XML by cascade_xml.ts.
import type { Cascade } from "./cascade.ts";
import { type CompactCascade, readCompactCascade } from "./cascade_json.ts";
import compact from "./haarcascade_frontalface_default.json" with {
  type: "json",
};

let cascade: Cascade | undefined;

/** The frontal face cascade; read once, then always the same object. */
export function frontalFaceCascade(): Cascade {
  cascade ??= readCompactCascade(compact as CompactCascade);
  return cascade;
}
