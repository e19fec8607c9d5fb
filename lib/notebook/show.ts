// Shows things in a notebook's cells: text, tables, charts, pictures, and
// views that update in place. All our cells await these functions, because
// from Deno 2.8 on the kernel may say that a cell has ended before its last
// outputs have been sent, and Jupyter drops what comes later: each function
// here waits a moment after sending something. What is shown is made in
// charts.ts and face_sheet.ts; bars are in training_view.ts.

import { type Chart, escapeXml, frame, picture } from "./chart.ts";
import type { ColorImage, GrayImage } from "../image/gray.ts";

/** Milliseconds between a cell's last output and its end. */
const SETTLE = 40;

/** Data by media type, as Jupyter expects it. */
type Bundle = Record<string, string>;

interface Kernel {
  display(bundle: Bundle, options: {
    raw: true;
    display_id?: string;
    update?: boolean;
  }): Promise<void>;
}

/** Deno's kernel, or `undefined` in a plain program, where text is printed. */
function kernel(): Kernel | undefined {
  try {
    return (Deno as unknown as { jupyter: Kernel }).jupyter;
  } catch {
    return undefined;
  }
}

async function display(
  bundle: Bundle,
  place: { display_id?: string; update?: boolean } = {},
): Promise<void> {
  const deno = kernel();
  if (deno === undefined) console.log(bundle["text/plain"]);
  else await deno.display(bundle, { raw: true, ...place });
  await settle();
}

/** Lets what was sent arrive before the cell ends. */
function settle(): Promise<void> {
  return new Promise((done) => setTimeout(done, SETTLE));
}

/**
 * Prints values as text, as `console.log` does, without losing any.
 *
 * @example
 * ```ts
 * import { print } from "mien/notebook/show.ts";
 * await print("parameters", 58_423);
 * ```
 */
export async function print(...values: unknown[]): Promise<void> {
  console.log(...values);
  await settle();
}

/**
 * Shows HTML.
 *
 * @param text The same as text, for programs that cannot show HTML.
 */
export async function showHtml(html: string, text: string): Promise<void> {
  await display({ "text/html": html, "text/plain": text });
}

/** A table cell; columns of numbers, with or without a unit, are right-aligned. */
export type TableValue = string | number | bigint | boolean | null | undefined;

/** Rows by column name, or a polars data frame. */
export type TableRows = readonly object[] | { toRecords(): object[] };

/** Rows beyond this number are counted, not shown. */
const MAX_TABLE_ROWS = 60;

/**
 * Shows rows as a table, its columns in the order of the first row's. Values
 * are text, numbers or nothing.
 *
 * @param rows Objects, or a polars data frame without long columns.
 * @param caption What the table shows, above it.
 *
 * @example
 * ```ts
 * import { showTable } from "mien/notebook/show.ts";
 * await showTable([{ emotion: "happy", faces: 7215 }], "Faces per class");
 * ```
 */
export async function showTable(
  rows: TableRows,
  caption = "",
): Promise<void> {
  // polars' frames are proxies, for which "toRecords" in rows is false.
  const records = Array.isArray(rows)
    ? rows
    : (rows as { toRecords(): object[] }).toRecords();
  const all = records as Record<string, TableValue>[];
  const shown = all.slice(0, MAX_TABLE_ROWS);
  const columns = Object.keys(shown[0] ?? {});
  const numeric = columns.map((column) =>
    shown.every((row) =>
      (row[column] ?? "") === "" || isNumeric(row[column])
    ) &&
    shown.some((row) => isNumeric(row[column]))
  );
  const align = (index: number) =>
    ` style="text-align:${numeric[index] ? "right" : "left"};` +
    `font-variant-numeric:tabular-nums;padding:2px 10px"`;
  const line = (tag: string, values: string[]) =>
    `<tr>${
      values.map((value, i) =>
        `<${tag}${align(i)}>${escapeXml(value)}</${tag}>`
      )
        .join("")
    }</tr>`;
  const cells = shown.map((row) =>
    columns.map((column) => formatValue(row[column]))
  );
  const rest = all.length - shown.length;
  const note = rest > 0
    ? `<p>and ${rest.toLocaleString("en")} more rows</p>`
    : "";
  const heading = caption === ""
    ? ""
    : `<caption style="display:block;text-align:left;font-weight:600;` +
      `padding:2px 10px">${escapeXml(caption)}</caption>`;
  // Laid out as blocks, a caption can be wider than its table, and a wide table scrolls.
  const html = `<table style="display:block;overflow-x:auto">${heading}` +
    `<thead>${line("th", columns)}</thead><tbody>` +
    `${cells.map((row) => line("td", row)).join("")}</tbody></table>${note}`;
  const text = [columns, ...cells].map((row) => row.join("\t")).join("\n");
  await showHtml(html, caption === "" ? text : `${caption}\n${text}`);
}

/** A number, or text of one with sign and unit, such as "± 1.5 %"; "1,024 faces" is not. */
function isNumeric(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint" ||
    typeof value === "string" &&
      /^[±+−-]? ?[\d,.]+(e[+-]?\d+)?( ?%| s)?$/.test(value);
}

function formatValue(value: TableValue): string {
  if (value == null) return "";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value)
    ? value.toLocaleString("en")
    : String(Number(value.toPrecision(4)));
}

/** Shows a chart of charts.ts, or a sheet of faces. */
export async function showChart(chart: Chart): Promise<void> {
  await display(chartBundle(chart));
}

function chartBundle(chart: Chart): Bundle {
  return { "image/svg+xml": chart.svg, "text/plain": chart.description };
}

/**
 * Shows a picture with its pixels unchanged.
 *
 * @param description What it shows, in a few words, above it.
 * @param options `scale`: screen pixels per picture pixel (default 1).
 *
 * @example
 * ```ts
 * import { showImage } from "mien/notebook/show.ts";
 * const face = { width: 48, height: 48, data: new Uint8Array(2304).fill(128) };
 * await showImage(face, "a gray square", { scale: 4 });
 * ```
 */
export async function showImage(
  image: GrayImage | ColorImage,
  description: string,
  options: { scale?: number } = {},
): Promise<void> {
  const { scale = 1 } = options;
  const width = image.width * scale, height = image.height * scale;
  const inner = `<g transform="translate(14,0)">${picture(image, scale)}</g>`;
  // Wide enough for the text above it.
  const words = Math.ceil(7.8 * description.length);
  await showChart(
    frame(
      description,
      description,
      Math.max(width, words) + 28,
      height + 14,
      inner,
    ),
  );
}

/** A view in a cell that is redrawn in place. */
export interface LiveView {
  /** Replaces the current chart. */
  update(chart: Chart): Promise<void>;
}

/**
 * Shows a chart that can be replaced in place.
 *
 * @example
 * ```ts
 * import { showLive } from "mien/notebook/show.ts";
 * import { trainingCurves } from "mien/notebook/charts.ts";
 * const view = await showLive(trainingCurves([], 2));
 * await view.update(trainingCurves([{ epoch: 1, loss: 1, accuracy: 0.5 }], 2));
 * ```
 */
export async function showLive(chart: Chart): Promise<LiveView> {
  const display_id = crypto.randomUUID();
  await display(chartBundle(chart), { display_id });
  return {
    update: (next) => display(chartBundle(next), { display_id, update: true }),
  };
}
