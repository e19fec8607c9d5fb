// Pictures with rectangles drawn over them, as one chart: boxes, raw candidates, the
// light and dark parts of a Haar feature. Boxes with emotions are in recognition/annotate.ts.
import { type Chart, escapeXml, frame, picture } from "./chart.ts";
import type { Box } from "../image/box.ts";
import type { ColorImage, GrayImage } from "../image/gray.ts";

/** A rectangle in pixels of the picture, and how it is drawn. */
export interface Mark extends Box {
  /** `box`: a frame; `faint`: a thin one; `light`, `dark`: filled. */
  readonly kind: "box" | "faint" | "light" | "dark";
}

/** A picture, what is drawn over it, and a few words below it. */
export interface Panel {
  readonly image: GrayImage | ColorImage;
  readonly marks: readonly Mark[];
  readonly caption?: string;
}

const GAP = 10;
const LOOKS: Record<Mark["kind"], string> = {
  box: `fill="none" stroke="#e69f00" stroke-width="3"`,
  faint: `fill="none" stroke="#56b4e9" stroke-width="1" stroke-opacity="0.7"`,
  light: `fill="#ffffff" fill-opacity="0.85" stroke="#56b4e9"`,
  dark: `fill="#000000" fill-opacity="0.85" stroke="#e69f00"`,
};

/**
 * Draws pictures in a row, each with its marks.
 *
 * @param options `scale`: CSS pixels per picture pixel (default 1)
 *
 * @example
 * ```ts
 * import { overlay } from "mien/notebook/overlay.ts";
 *
 * const image = { width: 90, height: 60, data: new Uint8Array(90 * 60) };
 * const mark = { x: 10, y: 10, width: 30, height: 30, kind: "box" } as const;
 * const chart = overlay("A box", [{ image, marks: [mark] }]);
 * ```
 */
export function overlay(
  title: string,
  panels: readonly Panel[],
  options: { scale?: number } = {},
): Chart {
  const { scale = 1 } = options;
  let x = GAP, height = 0;
  const parts = panels.map(({ image, marks, caption = "" }) => {
    const part = `<g transform="translate(${x},${GAP})">` +
      `${picture(image, scale)}${marks.map(rectangle(scale)).join("")}` +
      `<text x="${image.width * scale / 2}" y="${image.height * scale + 16}" ` +
      `text-anchor="middle" font-size="12" fill="currentColor">` +
      `${escapeXml(caption)}</text></g>`;
    x += image.width * scale + GAP;
    height = Math.max(height, image.height * scale + (caption ? 22 : 0));
    return part;
  });
  const captions = panels.map(({ caption }) => caption ?? "").filter(Boolean);
  const words = captions.length > 0
    ? captions.join(", ")
    : `${panels.length} picture${panels.length === 1 ? "" : "s"}`;
  const description = `${title}: ${words}.`;
  return frame(title, description, x, height + 2 * GAP, parts.join(""));
}

const rectangle = (scale: number) => (mark: Mark) =>
  `<rect x="${mark.x * scale}" y="${mark.y * scale}" ` +
  `width="${mark.width * scale}" height="${mark.height * scale}" ` +
  `${LOOKS[mark.kind]}/>`;
