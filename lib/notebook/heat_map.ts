// Numbers as pictures: one map of values, and sheets of small ones such as the
// filters of a convolution or its output maps. Plot's raster needs a canvas, which
// its document here lacks. Faces are in face_sheet.ts.

import type { ColorImage } from "../image/gray.ts";
import { type Chart, escapeXml, frame, picture } from "./chart.ts";

/** A grid of values. */
export interface ValueMap {
  /** `width * height` numbers, row by row. */
  values: ArrayLike<number>;
  width: number;
  height: number;
  /** A word or two below it. */
  caption?: string;
}

/** How values become colors. */
export interface HeatOptions {
  /**
   * The values that get the first and the last color; values beyond are clamped
   * to these. By default, the lowest and highest of all maps; if any are
   * negative, the range is symmetric about 0.
   */
  range?: readonly [number, number];
  /** A value's side in CSS pixels (default 8). */
  scale?: number;
  /** Maps per row (default 8). */
  columns?: number;
}

/** Colors from low to high: dark to light, readable in gray (after viridis). */
const SEQUENTIAL = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];
/** Blue below 0, white at 0, orange above 0: distinguishable for the color-blind. */
const DIVERGING = [[5, 80, 174], [255, 255, 255], [188, 76, 0]];

const GAP = 10;

/**
 * Draws one map of values.
 *
 * @example
 * ```ts
 * import { heatMap } from "mien/notebook/heat_map.ts";
 * const chart = heatMap("Four values", { values: [0, 1, 2, 3], width: 2, height: 2 });
 * ```
 */
export function heatMap(
  title: string,
  map: ValueMap,
  options: HeatOptions = {},
): Chart {
  return heatMaps(title, [map], options);
}

/**
 * Draws maps of values in rows, all with the same colors for the same values.
 *
 * @example
 * ```ts
 * import { heatMaps } from "mien/notebook/heat_map.ts";
 * const edge = { values: [-1, 0, 1, -2, 0, 2, -1, 0, 1], width: 3, height: 3 };
 * const chart = heatMaps("Filters", [{ ...edge, caption: "Sobel" }], { scale: 16 });
 * ```
 */
export function heatMaps(
  title: string,
  maps: readonly ValueMap[],
  options: HeatOptions = {},
): Chart {
  const { scale = 8, columns = 8 } = options;
  const [low, high] = options.range ?? rangeOf(maps);
  const colors = low < 0 ? DIVERGING : SEQUENTIAL;
  const pitchX = Math.max(...maps.map((map) => map.width)) * scale + GAP;
  const words = maps.some((map) => map.caption) ? 18 : 0;
  const pitchY = Math.max(...maps.map((map) => map.height)) * scale + GAP +
    words;
  const parts = maps.map((map, index) => {
    const x = GAP + (index % columns) * pitchX;
    const y = GAP / 2 + Math.floor(index / columns) * pitchY;
    const width = map.width * scale, height = map.height * scale;
    return `<g transform="translate(${x},${y})">` +
      `${picture(paint(map, low, high, colors), scale)}<text x="${
        width / 2
      }" ` +
      `y="${height + 14}" font-size="11" text-anchor="middle">` +
      `${escapeXml(map.caption ?? "")}</text></g>`;
  });
  const note = `${formatValue(low)} (${low < 0 ? "blue" : "dark"}) to ` +
    `${formatValue(high)} (${low < 0 ? "orange" : "yellow"})`;
  const rows = Math.ceil(maps.length / columns);
  const height = rows * pitchY + GAP + 20;
  const width = GAP + Math.min(columns, maps.length) * pitchX;
  return frame(
    title,
    `${title}: values from ${note}.`,
    Math.max(width, 8 * title.length + 28, 7 * note.length + 28),
    height,
    `${parts.join("")}<text x="14" y="${height - 8}" font-size="11.5">` +
      `${escapeXml(note)}</text>`,
  );
}

function rangeOf(maps: readonly ValueMap[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const { values } of maps) {
    for (let i = 0; i < values.length; i++) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
  }
  const side = Math.max(-low, high);
  return low < 0 ? [-side, side] : [low, high];
}

function paint(
  { values, width, height }: ValueMap,
  low: number,
  high: number,
  colors: number[][],
): ColorImage {
  if (values.length !== width * height) {
    throw new RangeError(
      `a map of ${width} x ${height} needs ${width * height} values, not ` +
        values.length,
    );
  }
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const share = (values[i] - low) / (high - low || 1);
    const place = Math.min(1, Math.max(0, share || 0)) * (colors.length - 1);
    const from = Math.min(Math.floor(place), colors.length - 2);
    for (let c = 0; c < 3; c++) {
      data[4 * i + c] = Math.round(
        colors[from][c] +
          (place - from) * (colors[from + 1][c] - colors[from][c]),
      );
    }
    data[4 * i + 3] = 255;
  }
  return { width, height, data };
}

function formatValue(value: number): string {
  return String(Number(value.toPrecision(2)));
}
