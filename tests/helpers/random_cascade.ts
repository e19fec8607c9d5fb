// Cascades of random features for tests, with small windows and thresholds that
// split noise about evenly, so that some windows pass all stages.
import type {
  Cascade,
  HaarFeature,
  HaarRectangle,
  WeakClassifier,
} from "mien/haar/cascade.ts";
import type { GrayImage } from "mien/image/gray.ts";
import { createRandom, type Random } from "mien/random.ts";

export interface CascadeKind {
  readonly trees: boolean;
  readonly tilted: boolean;
  readonly wholeWeights: boolean;
}

function randomRectangle(
  random: Random,
  side: number,
  tilted: boolean,
  weight: number,
): HaarRectangle {
  for (;;) {
    const x = random.integer(side);
    const y = random.integer(side);
    const width = 1 + random.integer(side >> 1);
    const height = 1 + random.integer(side >> 1);
    const inside = tilted
      ? x - height >= 0 && x + width <= side && y + width + height <= side
      : x + width <= side && y + height <= side;
    if (inside) return { x, y, width, height, weight };
  }
}

/** One of the usual features: edge, line, checker; or any rectangles. */
function randomFeature(
  random: Random,
  side: number,
  kind: CascadeKind,
): HaarFeature {
  const tilted = kind.tilted && random.next() < 0.5;
  const whole = randomRectangle(random, side, tilted, -1);
  const { x, y, width, height } = whole;
  const shape = random.integer(4);
  const halves = { width: width >> 1, height: height >> 1 };
  if (!tilted && shape === 0 && width % 2 === 0) {
    const half = { x, y, width: halves.width, height, weight: 2 };
    return { tilted, rectangles: [whole, half] };
  }
  if (!tilted && shape === 1 && width % 2 === 0 && height % 2 === 0) {
    const low = { x: x + halves.width, y: y + halves.height };
    return {
      tilted,
      rectangles: [
        whole,
        { x, y, ...halves, weight: 2 },
        { ...low, ...halves, weight: 2 },
      ],
    };
  }
  const weight = () =>
    kind.wholeWeights
      ? 1 + random.integer(3)
      : Math.fround(random.normal() * 1.7);
  const others = Array.from(
    { length: random.integer(3) },
    () => randomRectangle(random, side, tilted, weight()),
  );
  const first = kind.wholeWeights ? whole : { ...whole, weight: weight() };
  return { tilted, rectangles: [first, ...others] };
}

/** A cascade of three stages with a window of `side` pixels. */
export function randomCascade(
  seed: number,
  side: number,
  kind: CascadeKind,
): Cascade {
  const random = createRandom(seed);
  const features = Array.from(
    { length: 20 },
    () => randomFeature(random, side, kind),
  );
  const weak = (): WeakClassifier => {
    const count = kind.trees ? 1 + random.integer(3) : 1;
    const nodes = Array.from({ length: count }, (_, i) => ({
      left: i + 1 < count ? i + 1 : 0 - i,
      right: 0 - i - (i + 1 < count ? 0 : 1),
      feature: random.integer(features.length),
      threshold: Math.fround(random.normal() * 0.05),
    }));
    const leaves = Array.from(
      { length: count + 1 },
      () => Math.fround(random.normal()),
    );
    return { nodes, leaves };
  };
  const stages = [3, 4, 5].map((count) => ({
    threshold: Math.fround(-0.8 + 0.5 * random.normal()),
    weakClassifiers: Array.from({ length: count }, weak),
  }));
  const name = `random cascade ${seed}`;
  return { name, notice: "none", width: side, height: side, stages, features };
}

/** Noise in which neighboring pixels are similar. */
export function randomImage(
  seed: number,
  width: number,
  height: number,
): GrayImage {
  const random = createRandom(seed);
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const beside = i > 0 ? data[i - 1] : 128;
    const above = i >= width ? data[i - width] : 128;
    const value = (beside + above) / 2 + 40 * random.normal();
    data[i] = Math.max(0, Math.min(255, value));
  }
  return { width, height, data };
}
