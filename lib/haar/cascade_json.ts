// The compact form of a cascade, which tasks/cascade.ts makes: JSON a fifth as
// long as OpenCV's XML, with a line of text for each feature and each weak
// classifier, and the notice of the file it was made from.
import {
  type Cascade,
  CascadeError,
  checkCascade,
  type HaarFeature,
  type WeakClassifier,
} from "./cascade.ts";

/** A cascade as JSON. */
export interface CompactCascade {
  readonly format: "haar cascade 1";
  readonly name: string;
  readonly notice: string;
  readonly width: number;
  readonly height: number;
  /** For each feature: x, y, width, height, weight of 1 to 3 rectangles. */
  readonly features: readonly string[];
  /** Indices of the tilted features. */
  readonly tilted: readonly number[];
  readonly stages: readonly {
    readonly threshold: number;
    /** Left, right, feature, threshold of each node; a bar; the leaves. */
    readonly weak: readonly string[];
  }[];
}

/** Turns a cascade into its compact form; nothing is lost. */
export function compactCascade(cascade: Cascade): CompactCascade {
  const { name, notice, width, height } = cascade;
  return {
    format: "haar cascade 1",
    name,
    notice,
    width,
    height,
    features: cascade.features.map(({ rectangles }) =>
      rectangles.map((r) =>
        [r.x, r.y, r.width, r.height, short(r.weight)].join(" ")
      ).join(" ")
    ),
    tilted: [...cascade.features.keys()]
      .filter((i) => cascade.features[i].tilted),
    stages: cascade.stages.map((stage) => ({
      threshold: Number(short(stage.threshold)),
      weak: stage.weakClassifiers.map(({ nodes, leaves }) => {
        const questions = nodes.map((node) =>
          `${node.left} ${node.right} ${node.feature} ${short(node.threshold)}`
        );
        return `${questions.join(" ")} | ${leaves.map(short).join(" ")}`;
      }),
    })),
  };
}

/** The fewest digits that give the same 32-bit float. */
function short(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}

/**
 * Turns the compact form back into a cascade.
 *
 * @param source what to call it in messages: its name, unless it has a file
 * @throws {CascadeError} if it is not the compact form of a usable cascade
 *
 * @example
 * ```ts
 * import { compactCascade, readCompactCascade } from "mien/haar/cascade_json.ts";
 * import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
 *
 * const compact = compactCascade(frontalFaceCascade());
 * console.log(readCompactCascade(compact).stages.length); // 25
 * ```
 */
export function readCompactCascade(
  compact: CompactCascade,
  source = typeof compact?.name === "string" ? compact.name : "cascade",
): Cascade {
  const fail = (reason: string, place?: string): never => {
    throw new CascadeError(source, reason, place);
  };
  const lists = [compact?.features, compact?.tilted, compact?.stages];
  if (compact?.format !== "haar cascade 1" || !lists.every(Array.isArray)) {
    fail("this is not a cascade in compact form");
  }
  const { width, height, notice } = compact;
  if (typeof width !== "number" || typeof height !== "number") {
    fail("the window's width and height are not numbers");
  }
  if (typeof notice !== "string") fail("the notice is not text");
  const tilted = new Set(compact.tilted);
  const numbers = (text: string, place: string) => {
    if (typeof text !== "string") fail("a line of numbers is missing", place);
    const values = text.trim().split(/\s+/).map((word) =>
      Math.fround(Number(word))
    );
    return values.every(Number.isFinite)
      ? values
      : fail(`"${text.slice(0, 40)}" is not a list of numbers`, place);
  };
  const cascade: Cascade = {
    name: source,
    notice,
    width,
    height,
    features: compact.features.map((text, i): HaarFeature => {
      const values = numbers(text, `feature ${i}`);
      if (values.length % 5 !== 0) {
        fail("a rectangle needs five numbers", `feature ${i}`);
      }
      const rectangles = groupsOf(5, values).map(([x, y, w, h, weight]) => ({
        x,
        y,
        width: w,
        height: h,
        weight,
      }));
      return { rectangles, tilted: tilted.has(i) };
    }),
    stages: compact.stages.map((stage, s) => {
      if (!Array.isArray(stage?.weak)) {
        fail("its weak classifiers are missing", `stage ${s}`);
      }
      if (typeof stage.threshold !== "number") {
        fail("its threshold is not a number", `stage ${s}`);
      }
      const threshold = Math.fround(stage.threshold);
      const weakClassifiers = stage.weak.map((text, w): WeakClassifier => {
        const place = `stage ${s}, weak classifier ${w}`;
        if (typeof text !== "string") fail("it is not text", place);
        const [questions, votes] = text.split("|");
        const values = numbers(questions, place);
        if (values.length % 4 !== 0) fail("a node needs four numbers", place);
        const nodes = groupsOf(4, values)
          .map(([left, right, feature, threshold]) => ({
            left,
            right,
            feature,
            threshold,
          }));
        return { nodes, leaves: numbers(votes, place) };
      });
      return { threshold, weakClassifiers };
    }),
  };
  checkCascade(cascade);
  return cascade;
}

function groupsOf(size: number, values: number[]): number[][] {
  return Array.from(
    { length: values.length / size },
    (_, i) => values.slice(i * size, (i + 1) * size),
  );
}
