// A Haar cascade as data: stages of weak classifiers over rectangle features,
// checked so that every index and rectangle is in range, and the error of all
// cascade readers. cascade_xml.ts reads OpenCV's XML; feature.ts, stage.ts and
// search.ts evaluate a cascade.
import type { Box } from "../image/box.ts";
import { UserError } from "../user_error.ts";

/** An upright or tilted rectangle of a feature, in pixels of the window. */
export interface HaarRectangle extends Box {
  /** The factor for the sum of its pixels (a 32-bit float). */
  readonly weight: number;
}

/** Two or three weighted rectangles (one is allowed): bright less dark. */
export interface HaarFeature {
  readonly rectangles: readonly HaarRectangle[];
  /** Whether the rectangles are turned by 45 degrees. */
  readonly tilted: boolean;
}

/** A question of a weak classifier: is the feature below the threshold? */
export interface WeakNode {
  /** Where to go if it is: a later node, or minus the number of a leaf. */
  readonly left: number;
  /** Where to go if it is not. */
  readonly right: number;
  /** An index into the cascade's features. */
  readonly feature: number;
  /** A 32-bit float. */
  readonly threshold: number;
}

/** A small tree of questions; with one node it is called a stump. */
export interface WeakClassifier {
  readonly nodes: readonly WeakNode[];
  /** The votes, 32-bit floats. */
  readonly leaves: readonly number[];
}

/** Weak classifiers whose votes must reach a threshold together. */
export interface Stage {
  /** A 32-bit float; 1e-5 below the file's, as in OpenCV. */
  readonly threshold: number;
  readonly weakClassifiers: readonly WeakClassifier[];
}

/** A cascade: a window is an object when it passes every stage in turn. */
export interface Cascade {
  /** What it is called in messages, such as the file's name. */
  readonly name: string;
  /** The comments at the head of the file: authors and license. */
  readonly notice: string;
  /** Width of the window in pixels, 3 to 255. */
  readonly width: number;
  /** Height of the window in pixels, 3 to 255. */
  readonly height: number;
  readonly stages: readonly Stage[];
  readonly features: readonly HaarFeature[];
}

/** A file or value that is not a usable cascade: what is wrong, and where. */
export class CascadeError extends UserError {
  override readonly name = "CascadeError";

  /**
   * @param source the file, as the user named it
   * @param reason what is wrong and, if helpful, what to do
   * @param place where in the file: a line and column, or a path of elements
   */
  constructor(
    readonly source: string,
    readonly reason: string,
    readonly place?: string,
  ) {
    super(`${source}${place ? `, ${place}` : ""}: ${reason}`);
  }
}

/** The longest window side; known cascades have less than 100. */
const MAX_WINDOW = 255;

/** The most nodes a cascade may have: 40 times those of the largest known one. */
export const MAX_NODES = 200_000;

/**
 * Checks that a cascade can be evaluated: sides, indices, rectangles and
 * numbers in range, and no node that leads back to an earlier one.
 *
 * @throws {CascadeError} naming the first thing that is wrong
 */
export function checkCascade(cascade: Cascade): void {
  const { name, width, height, stages, features } = cascade;
  const fail = (reason: string, place?: string): never => {
    throw new CascadeError(name, reason, place);
  };
  for (const [side, value] of [["width", width], ["height", height]] as const) {
    if (!Number.isInteger(value) || value < 3 || value > MAX_WINDOW) {
      fail(`the window's ${side} is ${value}, not 3 to ${MAX_WINDOW}`);
    }
  }
  if (features.length === 0) fail("it has no features");
  if (stages.length === 0) fail("it has no stages");
  features.forEach((feature, i) => {
    const problem = featureProblem(feature, width, height);
    if (problem) fail(problem, `feature ${i}`);
  });
  let nodes = 0;
  stages.forEach((stage, s) => {
    if (!Number.isFinite(stage.threshold)) {
      fail(`the threshold is ${stage.threshold}`, `stage ${s}`);
    }
    if (stage.weakClassifiers.length === 0) {
      fail("it has no weak classifiers", `stage ${s}`);
    }
    stage.weakClassifiers.forEach((weak, w) => {
      nodes += weak.nodes.length;
      const problem = weakProblem(weak, features.length);
      if (problem) fail(problem, `stage ${s}, weak classifier ${w}`);
    });
  });
  if (nodes > MAX_NODES) fail(`it has ${nodes} nodes, more than ${MAX_NODES}`);
}

function featureProblem(
  feature: HaarFeature,
  width: number,
  height: number,
): string | undefined {
  const count = feature.rectangles.length;
  if (count < 1 || count > 3) return `it has ${count} rectangles, not 1 to 3`;
  for (const { x, y, width: w, height: h, weight } of feature.rectangles) {
    const whole = [x, y, w, h].every(Number.isInteger);
    const left = feature.tilted ? x - h : x;
    const bottom = feature.tilted ? y + w + h : y + h;
    const inside = left >= 0 && y >= 0 && x + w <= width && bottom <= height;
    if (!whole || w < 1 || h < 1 || !inside) {
      return `the ${feature.tilted ? "tilted " : ""}rectangle ${x} ${y} ${w} ` +
        `${h} is not inside the window of ${width}x${height}`;
    }
    if (!Number.isFinite(weight)) return `a weight is ${weight}`;
  }
}

function weakProblem(
  weak: WeakClassifier,
  features: number,
): string | undefined {
  const { nodes, leaves } = weak;
  if (nodes.length === 0) return "it has no nodes";
  if (leaves.length !== nodes.length + 1) {
    return `${nodes.length} nodes need ${nodes.length + 1} leaves, ` +
      `there are ${leaves.length}`;
  }
  for (const [i, node] of nodes.entries()) {
    for (const next of [node.left, node.right]) {
      const known = next > 0
        ? next > i && next < nodes.length
        : -next < leaves.length;
      if (!Number.isInteger(next) || !known) {
        return `node ${i} leads to ${next}, which is neither a later node nor a leaf`;
      }
    }
    const { feature, threshold } = node;
    if (!Number.isInteger(feature) || feature < 0 || feature >= features) {
      return `node ${i} uses feature ${feature} of ${features}`;
    }
    if (!Number.isFinite(threshold)) {
      return `the threshold of node ${i} is ${threshold}`;
    }
  }
  const vote = leaves.find((leaf) => !Number.isFinite(leaf));
  if (vote !== undefined) return `a leaf is ${vote}`;
}
