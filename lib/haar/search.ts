// The cascade: most windows fail in one of the first stages, and so cost
// little. This is the version to read, and the reference for tests of the fast
// one, lib/haar/detector.ts, which is the one to use.
import type { Cascade } from "./cascade.ts";
import type { GrayImage } from "../image/gray.ts";
import type { Box, Size } from "../image/box.ts";
import { windowNorm } from "./feature.ts";
import { stageSum } from "./stage.ts";
import { type IntegralImage, integralImage } from "./integral_image.ts";
import {
  type Layer,
  pyramidLayers,
  type PyramidOptions,
  resizeExact,
  scaled,
} from "./pyramid.ts";

/** How far a window got. */
export interface WindowResult {
  /** Stages passed; all of them means that an object was found. */
  readonly passed: number;
  /** Whether it was skipped for lack of contrast. */
  readonly flat: boolean;
  /** The sum of votes in the last stage that was tried; 0 when flat. */
  readonly sum: number;
}

/** Runs the cascade on the window at (x, y) of a layer's integral image. */
export function tryWindow(
  cascade: Cascade,
  integral: IntegralImage,
  x: number,
  y: number,
): WindowResult {
  const norm = windowNorm(cascade, integral, x, y);
  if (norm === null) return { passed: 0, flat: true, sum: 0 };
  let sum = 0;
  for (const [passed, stage] of cascade.stages.entries()) {
    sum = stageSum(stage, cascade, integral, { x, y, norm });
    if (sum < stage.threshold) return { passed, flat: false, sum };
  }
  return { passed: cascade.stages.length, flat: false, sum };
}

/** A window that passed every stage, in pixels of the image. */
export interface Candidate extends Box {
  /** The sum of votes in the last stage. */
  readonly score: number;
}

/** What happened in one layer of the pyramid. */
export interface LayerReport {
  readonly layer: Layer;
  /** Windows that were tried. */
  readonly windows: number;
  /** Windows that were left after stage 0, 1, 2 and so on. */
  readonly left: number[];
  readonly candidates: Candidate[];
}

/**
 * Searches every layer of an image, slowly, and reports what each stage left.
 * A window that fails in the first stage lets its right neighbor be skipped.
 */
export function searchInSteps(
  image: GrayImage,
  cascade: Cascade,
  options: PyramidOptions,
): LayerReport[] {
  return pyramidLayers(image, cascade, options).map((layer) => {
    const { width, height, scale, step } = layer;
    const integral = integralImage(resizeExact(image, width, height));
    const left = cascade.stages.map(() => 0);
    const candidates: Candidate[] = [];
    let windows = 0;
    for (let y = 0; y < layer.rows; y += step) {
      for (let x = 0; x < layer.columns; x += step) {
        const { passed, flat, sum } = tryWindow(cascade, integral, x, y);
        windows++;
        for (let stage = 0; stage < passed; stage++) left[stage]++;
        if (passed === left.length) {
          candidates.push({ ...inImage(x, y, scale, cascade), score: sum });
        }
        if (passed === 0 && !flat) x += step;
      }
    }
    return { layer, windows, left, candidates };
  });
}

/** The window at (x, y) of a layer as a rectangle of the image. */
export function inImage(
  x: number,
  y: number,
  scale: number,
  window: Size,
): Box {
  return {
    x: scaled(x, scale),
    y: scaled(y, scale),
    width: scaled(window.width, scale),
    height: scaled(window.height, scale),
  };
}
