// Draws the cascade on one window: the window's pixels, a feature's rectangles, the table of stages.

import type { Cascade, WeakClassifier } from "../../haar/cascade.ts";
import { featureValue } from "../../haar/feature.ts";
import type { IntegralImage } from "../../haar/integral_image.ts";
import { stageSum, weakVote, type Window } from "../../haar/stage.ts";
import type { GrayImage } from "../../image/gray.ts";
import { button, make, table } from "../page/dom.ts";
import { paintEnlarged, paintGray, zoomOf } from "../page/paint.ts";
import { digits } from "./reason_text.ts";

/** Draws the window at (x, y) of a layer. */
export function drawCut(
  canvas: HTMLCanvasElement,
  { width: side, height }: Cascade,
  { width, data }: GrayImage,
  { x, y }: { x: number; y: number },
): void {
  const cut = new Uint8Array(side * height);
  for (let i = 0; i < cut.length; i++) {
    const row = y + Math.floor(i / side);
    cut[i] = data[row * width + x + i % side];
  }
  paintEnlarged(canvas, (small) => paintGray(small, cut, side, height));
}

/** Draws a weak classifier's first feature over the window, and returns its vote as text. */
export function drawFeature(
  canvas: HTMLCanvasElement,
  cascade: Cascade,
  weak: WeakClassifier,
  integral: IntegralImage,
  window: Window,
): string {
  const [node] = weak.nodes, feature = cascade.features[node.feature];
  const context = canvas.getContext("2d")!, zoom = zoomOf(cascade.width);
  for (const { x, y, width, height, weight } of feature.rectangles) {
    const color = weight > 0 ? "#f0e442" : "#0072b2";
    const box = new Path2D();
    box.rect(x * zoom, y * zoom, width * zoom, height * zoom);
    context.fillStyle = `${color}88`;
    context.fill(box);
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.stroke(box);
  }
  const raw = featureValue(feature, integral, window.x, window.y);
  const value = Math.fround(raw * window.norm);
  const vote = weakVote(weak, cascade, integral, window);
  return `Bright (yellow) minus dark (blue) rectangles: ${digits(value)}, ` +
    `${value < node.threshold ? "below" : "not below"} ` +
    `${digits(node.threshold)}: a vote of ${digits(vote)}.`;
}

/** The stages up to two after the one that rejected the window; nothing was computed beyond. */
export function stageTable(
  cascade: Cascade,
  integral: IntegralImage,
  window: Window | undefined,
  passed: number,
  chosen: number,
  choose: (stage: number) => void,
): HTMLElement {
  const rows = cascade.stages.slice(0, passed + 3).map((stage, i) => {
    const asked = window !== undefined && i <= passed;
    const sum = asked ? stageSum(stage, cascade, integral, window) : 0;
    const state = !asked
      ? "not reached"
      : sum >= stage.threshold
      ? "passed"
      : "rejected here";
    const open = button(String(i), () => choose(i), {
      "aria-label": `stage ${i}, ${state}`,
      "aria-pressed": String(i === chosen),
    });
    return [
      make("td", open),
      make("td", String(stage.weakClassifiers.length)),
      make("td", asked ? digits(sum) : ""),
      make("td", digits(stage.threshold)),
      make("td.left", state),
    ];
  });
  const heads = ["stage", "features", "votes", "needed", ""];
  return table(heads, rows, "", "The stages");
}
