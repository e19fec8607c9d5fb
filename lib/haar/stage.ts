// A stage of a cascade: weak classifiers, each a small tree of questions about
// features, vote; the votes' sum decides whether a window passes.
import type { Cascade, Stage, WeakClassifier } from "./cascade.ts";
import { featureValue } from "./feature.ts";
import type { IntegralImage } from "./integral_image.ts";

/** A window: where it starts, and the factor for its features. */
export interface Window {
  readonly x: number;
  readonly y: number;
  /** See `windowNorm`. */
  readonly norm: number;
}

/** The vote of one weak classifier: the leaf that its questions lead to. */
export function weakVote(
  weak: WeakClassifier,
  cascade: Cascade,
  integral: IntegralImage,
  { x, y, norm }: Window,
): number {
  let next = 0;
  do {
    const { feature, threshold, left, right } = weak.nodes[next];
    const value = featureValue(cascade.features[feature], integral, x, y);
    next = Math.fround(value * norm) < threshold ? left : right;
  } while (next > 0);
  return weak.leaves[-next];
}

/** The sum of a stage's votes. The window fails if it is below `threshold`. */
export function stageSum(
  stage: Stage,
  cascade: Cascade,
  integral: IntegralImage,
  window: Window,
): number {
  return stage.weakClassifiers.reduce(
    (sum, weak) => sum + weakVote(weak, cascade, integral, window),
    0,
  );
}
