// The charts of the notebooks: counts, curves, confusion, calibration. Each
// function returns a chart; show it with showChart of show.ts. Sheets of
// faces are in face_sheet.ts.

import type { EpochFigures } from "../training/run/recorded_run.ts";
import * as Plot from "@observablehq/plot";
import { besideEachOther, type Chart, drawChart, INK } from "./chart.ts";
import type { CalibrationBin } from "../evaluation/metrics.ts";
import { spreadNames } from "./line_names.ts";

/** Names of the two axes, with the unit: "faces (count)", "loss (nats)". */
export interface AxisLabels {
  x: string;
  y: string;
}

/** One bar: its label, its height, and the panel it belongs to. */
export interface Bar {
  label: string;
  value: number;
  /** Bars of one group, such as a split, have their own panel. */
  group?: string;
}

/**
 * Bars with their values above them.
 *
 * @param labels Names of the axes with units.
 * @param options `format` writes a value.
 *
 * @example
 * ```ts
 * import { barChart } from "mien/notebook/charts.ts";
 * const bars = [{ label: "happy", value: 7215 }, { label: "sad", value: 4830 }];
 * barChart("Faces per class", bars, { x: "emotion", y: "faces (count)" });
 * ```
 */
export function barChart(
  title: string,
  bars: Bar[],
  labels: AxisLabels,
  options: { format?: (value: number) => string } = {},
): Chart {
  const { format = (value: number) => value.toLocaleString("en") } = options;
  const groups = [...new Set(bars.map((bar) => bar.group ?? ""))];
  const names = [...new Set(bars.map((bar) => bar.label))];
  const facets = groups.length > 1 ? { fy: "group" } : {};
  return drawChart(title, describeBars(title, bars, format), {
    width: 640,
    height: groups.length > 1 ? 60 + 150 * groups.length : 290,
    marginTop: 24,
    marginLeft: 62,
    marginBottom: 42,
    marginRight: groups.length > 1 ? 90 : 20,
    x: { label: labels.x, domain: names },
    y: { label: labels.y, grid: true, ticks: 5 },
    fy: { label: null, domain: groups },
    marks: [
      Plot.barY(bars, { x: "label", y: "value", fill: INK.first, ...facets }),
      Plot.text(bars, {
        x: "label",
        y: "value",
        text: (bar: Bar) => format(bar.value),
        dy: -8,
        ...facets,
      }),
      Plot.ruleY([0]),
    ],
  });
}

function describeBars(
  title: string,
  bars: Bar[],
  format: (value: number) => string,
): string {
  const parts = bars.map((bar) =>
    `${bar.group ? `${bar.group}, ` : ""}${bar.label} ${format(bar.value)}`
  );
  return `${title}: ${parts.join("; ")}.`;
}

/** A line; its name is at its end. */
export interface Line {
  name: string;
  points: { x: number; y: number }[];
  /** Whether it is dashed, for comparison only. */
  dashed?: boolean;
  /** Its color; by default that of the run with this name, or else the next one. */
  ink?: string;
}

/** The color of a run or split, the same in every chart. */
const NAMED_INKS: Record<string, string> = {
  training: INK.first,
  validation: INK.second,
  report: INK.first,
  reference: INK.soft,
  wide: INK.second,
  distilled: INK.third,
  photographs: INK.fourth,
};

/** How a line chart differs from its defaults. */
export interface LineOptions {
  /** Lowest and highest value of an axis; by default the points decide. */
  xDomain?: [number, number];
  yDomain?: [number, number];
  width?: number;
  height?: number;
}

const LINE_INKS = [INK.first, INK.second, INK.third, INK.fourth, INK.soft];

/** The color of a recorded run in every chart. */
export function inkOfRun(name: string): string {
  return NAMED_INKS[name] ?? INK.soft;
}

const inkOf = (line: Line, index: number): string =>
  line.ink ?? NAMED_INKS[line.name] ?? LINE_INKS[index % LINE_INKS.length];

/**
 * Up to five lines, each named at its end.
 *
 * @param labels Names of the axes with units.
 */
export function lineChart(
  title: string,
  lines: Line[],
  labels: AxisLabels,
  options: LineOptions = {},
): Chart {
  const shown = lines.filter((line) => line.points.length > 0);
  const height = options.height ?? 300;
  const ends = spreadNames(
    shown.map(({ points }) => points.map(({ y }) => y)),
    height - 56,
    options.yDomain,
  );
  const lastX = Math.max(...shown.map((line) => line.points.at(-1)!.x));
  return drawChart(title, describeLines(title, shown), {
    width: options.width ?? 640,
    height,
    marginTop: 14,
    marginLeft: 58,
    marginBottom: 42,
    marginRight: 24 + 7 * Math.max(4, ...lines.map(({ name }) => name.length)),
    x: {
      label: labels.x,
      domain: options.xDomain,
      tickFormat: (x: number) => x.toLocaleString("en"),
      ticks: ticksAcross(shown, options.xDomain),
    },
    y: {
      label: labels.y,
      grid: true,
      ticks: 5,
      domain: options.yDomain,
      nice: options.yDomain === undefined,
    },
    marks: shown.flatMap((line, index) => [
      Plot.line(line.points, {
        x: "x",
        y: "y",
        stroke: inkOf(line, index),
        strokeWidth: 2,
        strokeDasharray: line.dashed ? "5 4" : undefined,
      }),
      Plot.dot(line.points.slice(-1), {
        x: "x",
        y: "y",
        r: 3,
        fill: inkOf(line, index),
      }),
      // All names in one column, even for lines that end early.
      Plot.text(line.points.slice(-1), {
        x: () => lastX,
        y: "y",
        text: () => line.name,
        textAnchor: "start",
        dx: 8,
        dy: ends[index],
        fill: inkOf(line, index),
      }),
    ]),
  });
}

/** About six ticks, none between two whole numbers if there are only whole ones. */
function ticksAcross(lines: Line[], domain: number[] = []): number {
  const points = lines.flatMap((line) => line.points.map((point) => point.x));
  const across = [...points, ...domain];
  if (!across.every(Number.isInteger)) return 6;
  const span = Math.max(...across) - Math.min(...across);
  return Math.min(6, Math.max(1, span));
}

/** Notebooks with charts that say "no data yet" are not saved. */
function describeLines(title: string, lines: Line[]): string {
  if (lines.length === 0) return `${title}: no data yet.`;
  const parts = lines.map(({ name, points }) =>
    `${name} ends at ${Number(points.at(-1)!.y.toPrecision(3))}`
  );
  return `${title}: ${parts.join("; ")}.`;
}

/**
 * Loss and accuracy for each epoch, side by side.
 *
 * @param epochs The epochs so far, in order.
 * @param total How many there will be; the axes already have room for them.
 */
export function trainingCurves(epochs: EpochFigures[], total?: number): Chart {
  const last = Math.max(2, total ?? 0, ...epochs.map(({ epoch }) => epoch));
  const points = (key: keyof EpochFigures) =>
    epochs.filter((figures) => figures[key] !== undefined)
      .map((figures) => ({ x: figures.epoch, y: figures[key]! }));
  const panel = (
    title: string,
    [training, validation]: (keyof EpochFigures)[],
    unit: string,
    yDomain?: [number, number],
  ) =>
    lineChart(
      title,
      [
        { name: "training", points: points(training) },
        { name: "validation", points: points(validation) },
      ],
      { x: "epoch", y: `${training} (${unit})` },
      { xDomain: [1, last], yDomain, width: 400, height: 250 },
    );
  return besideEachOther(
    panel("Loss", ["loss", "valLoss"], "nats", epochs[0] ? undefined : [0, 2]),
    panel("Accuracy", ["accuracy", "valAccuracy"], "0 to 1", [0, 1]),
  );
}

/**
 * The confusion matrix: in each cell, its share of the row as a percentage, and the
 * count below it.
 *
 * @param confusion `confusion[label][answer]` in faces.
 * @param names The classes' names, by label.
 * @param title What it is the confusion of.
 */
export function confusionChart(
  confusion: number[][],
  names: string[],
  title = "Confusion matrix",
): Chart {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const hits = confusion.reduce((sum, row, label) => sum + row[label], 0);
  const all = sums.reduce((a, b) => a + b, 0);
  const cells = confusion.flatMap((row, label) =>
    row.map((count, answer) => {
      const share = sums[label] === 0 ? 0 : count / sums[label];
      return {
        label: names[label],
        answer: names[answer],
        count: count.toLocaleString("en"),
        percent: `${Math.round(100 * share)} %`,
        opacity: cellOpacity(share),
        ink: share < STRONG_SHARE ? "currentColor" : "white",
      };
    })
  );
  type Cell = typeof cells[number];
  const place = { x: "answer", y: "label", fill: (cell: Cell) => cell.ink };
  const description = `${title}: ${hits.toLocaleString("en")} of ` +
    `${all.toLocaleString("en")} right. Each cell: its share of the row, ` +
    "and the number of faces.";
  return drawChart(title, description, {
    width: 560,
    height: 430,
    marginLeft: 84,
    marginTop: 10,
    marginBottom: 46,
    marginRight: 14,
    x: { label: "recognized as", domain: names },
    y: { label: "true emotion", domain: names },
    color: { type: "identity" },
    opacity: { type: "identity" },
    marks: [
      Plot.cell(cells, {
        x: "answer",
        y: "label",
        fill: () => INK.cell,
        fillOpacity: "opacity",
        inset: 1,
      }),
      Plot.text(cells, { ...place, text: "percent", dy: -7, fontWeight: 600 }),
      Plot.text(cells, { ...place, text: "count", dy: 9, fontSize: 11 }),
    ],
  });
}

/** From this share of its row on, a cell is dark and its text white. */
const STRONG_SHARE = 0.4;

/**
 * The opacity of a cell. It jumps where the text turns white: with the
 * opacities in between, neither text color would have a contrast of 4.5 to 1.
 */
function cellOpacity(share: number): number {
  return share < STRONG_SHARE
    ? 0.04 + 0.41 * share / STRONG_SHARE
    : 0.9 + 0.1 * (share - STRONG_SHARE) / (1 - STRONG_SHARE);
}

/**
 * Calibration: the accuracy of answers against their confidence. On the dashed
 * line, an answer with 70 % confidence is right in 70 % of cases.
 *
 * @param bins From calibrationBins of evaluation/metrics.ts.
 * @param error The expected calibration error, 0 to 1.
 * @param name What is calibrated.
 */
export function calibrationChart(
  bins: CalibrationBin[],
  error: number,
  name = "Calibration",
): Chart {
  const shown = bins.filter((bin) => bin.count > 0);
  const percent = `${(100 * error).toFixed(1)} %`;
  const title = `${name} (expected error ${percent})`;
  return drawChart(
    title,
    `${title}, ${shown.length} bins; above each dot its number of faces.`,
    {
      width: 560,
      height: 400,
      marginLeft: 58,
      marginTop: 22,
      marginBottom: 46,
      marginRight: 20,
      x: { label: "confidence (0 to 1)", domain: [0, 1], ticks: 5 },
      y: { label: "accuracy (0 to 1)", domain: [0, 1], ticks: 5, grid: true },
      marks: [
        Plot.rectY(shown, {
          x1: "low",
          x2: "high",
          y: "accuracy",
          fill: INK.first,
          fillOpacity: 0.35,
        }),
        Plot.line([[0, 0], [1, 1]], {
          stroke: INK.soft,
          strokeDasharray: "5 4",
        }),
        Plot.line(shown, { x: "confidence", y: "accuracy", stroke: INK.first }),
        Plot.dot(shown, { x: "confidence", y: "accuracy", fill: INK.first }),
        Plot.text(shown, {
          x: "confidence",
          y: "accuracy",
          text: (bin: CalibrationBin) => bin.count.toLocaleString("en"),
          dy: -11,
          fontSize: 11,
        }),
        Plot.ruleY([0]),
      ],
    },
  );
}
