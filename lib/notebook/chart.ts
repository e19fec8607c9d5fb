// A chart: a self-contained SVG that is readable on light and dark pages,
// because it brings its own background and inks for both. The kinds of charts are
// in charts.ts; show.ts shows them in a notebook.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { Buffer } from "node:buffer";
import type { ColorImage, GrayImage } from "../image/gray.ts";
import { encodePng } from "../image/image.ts";

/** A vector image, ready to be shown or written to a file. */
export interface Chart {
  /** A complete SVG document. */
  svg: string;
  /** Size in CSS pixels. */
  width: number;
  height: number;
  /** What it shows, in words, for those who cannot see it. */
  description: string;
}

/** The colors of every chart, on light and on dark pages. */
const COLORS = {
  text: ["#1f2328", "#e6edf3"],
  soft: ["#59636e", "#9da7b3"],
  panel: ["#ffffff", "#161b22"],
  first: ["#1f6feb", "#58a6ff"],
  second: ["#bc4c00", "#f0883e"],
  third: ["#1a7f37", "#56d364"],
  fourth: ["#8250df", "#bc8cff"],
  cell: ["#1f5fbf", "#2f74d0"],
};

/**
 * The colors of every chart, as CSS variables with the light theme's value
 * for programs without variables. Contrast to the background is at least 3 to 1
 * for lines and areas, 4.5 to 1 for text, in both themes.
 */
export const INK = Object.fromEntries(
  Object.entries(COLORS).map((
    [name, [light]],
  ) => [name, `var(--mien-${name}, ${light})`]),
) as Record<keyof typeof COLORS, string>;

const variables = (theme: 0 | 1) =>
  Object.entries(COLORS).map(([name, both]) => `--mien-${name}:${both[theme]}`)
    .join(";");

const STYLE = `.mien-chart{${variables(0)};color:var(--mien-text);` +
  `max-width:100%;height:auto}` +
  `@media (prefers-color-scheme:dark){.mien-chart{${variables(1)}}}` +
  `.mien-chart text{white-space:pre}`;

const FONT = "system-ui, sans-serif";
const TITLE_HEIGHT = 30;

let window: ReturnType<typeof parseHTML> | undefined;

/** The document in which Plot draws: linkedom's, made once. */
function plotDocument(): Document {
  window ??= parseHTML("<!doctype html><body></body>");
  return window.document;
}

/**
 * Draws with Observable Plot; the options are Plot's own, and axes have their
 * labels at their middle. Do not use legends (Plot makes them in HTML): label
 * the marks instead.
 *
 * @param title What the chart shows, in a few words, above it.
 * @param description The same in a sentence, with its main figures.
 */
export function drawChart(
  title: string,
  description: string,
  options: Plot.PlotOptions,
): Chart {
  const { width = 640, height = 300 } = options;
  const drawn = Plot.plot({
    fontSize: 12,
    ...options,
    x: { labelAnchor: "center", ...options.x },
    y: { labelAnchor: "center", ...options.y },
    width,
    height,
    document: plotDocument(),
    className: "mien-plot",
    style: { fontSize: "12px", background: "none" },
  } as Plot.PlotOptions);
  const inner = drawn.outerHTML
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/ style="[^"]*"/, "")
    .replace(/ font-size="10"/, ' font-size="12"')
    // Coordinates with sixteen digits make files larger but pictures no better.
    .replace(
      /-?\d+\.\d{3,}/g,
      (digits: string) => String(Number(Number(digits).toFixed(2))),
    );
  return frame(title, description, width, height, inner);
}

/**
 * Puts a background and a title around vectors.
 *
 * @param inner SVG elements in a space of `width` by `height`.
 */
export function frame(
  title: string,
  description: string,
  width: number,
  height: number,
  inner: string,
): Chart {
  const top = title === "" ? 0 : TITLE_HEIGHT;
  const heading = title === ""
    ? ""
    : `<text x="14" y="21" font-size="14" font-weight="600" ` +
      `fill="currentColor">${escapeXml(title)}</text>`;
  const body = `<rect width="${width}" height="${height + top}" rx="6" ` +
    `fill="${INK.panel}"/>${heading}<g transform="translate(0,${top})">` +
    `${inner}</g>`;
  return document(description, width, height + top, body);
}

/** A picture as an SVG element; if it is enlarged, with sharp pixels. */
export function picture(image: GrayImage | ColorImage, scale: number): string {
  const data = Buffer.from(encodePng(image)).toString("base64");
  return `<image href="data:image/png;base64,${data}" ` +
    `width="${image.width * scale}" height="${image.height * scale}" ` +
    `style="image-rendering:${scale > 1 ? "pixelated" : "auto"}"/>`;
}

/** Puts charts in one row, as one chart. */
export function besideEachOther(...charts: Chart[]): Chart {
  return place(charts, (chart) => [chart.width, 0]);
}

/** Stacks charts, as one chart. */
export function belowEachOther(...charts: Chart[]): Chart {
  return place(charts, (chart) => [0, chart.height]);
}

function place(
  charts: Chart[],
  step: (chart: Chart) => [number, number],
): Chart {
  let x = 0, y = 0, width = 0, height = 0;
  const parts = charts.map((chart) => {
    const part = `<g transform="translate(${x},${y})">${bodyOf(chart)}</g>`;
    width = Math.max(width, x + chart.width);
    height = Math.max(height, y + chart.height);
    const [right, down] = step(chart);
    x += right;
    y += down;
    return part;
  });
  const description = charts.map((chart) => chart.description).join(" ");
  return document(description, width, height, parts.join(""));
}

function bodyOf(chart: Chart): string {
  return chart.svg
    .replace(/^<svg[^>]*><style>[\s\S]*?<\/style>/, "")
    .replace(/<\/svg>$/, "");
}

function document(
  description: string,
  width: number,
  height: number,
  body: string,
): Chart {
  const label = escapeXml(description);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" class="mien-chart" ` +
    `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${FONT}" fill="${INK.text}" role="img" ` +
    `aria-label="${label}"><style>${STYLE}</style>${body}</svg>`;
  return { svg, width, height, description };
}

/** Text escaped for SVG or HTML, between tags or in quotes. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
