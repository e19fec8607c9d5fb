// The charts of the notebooks: counts, curves, confusion, calibration. Each
// function returns a chart; show it with showChart of show.ts. Sheets of
// faces are in face_sheet.ts.

import type { EpochFigures } from "../training/recorded_run.ts";
import * as Plot from "@observablehq/plot";
import { besideEachOther, type Chart, drawChart, INK } from "./chart.ts";
import type { CalibrationBin } from "../evaluation/metrics.ts";

/** Names of the two axes, with the unit: "faces (count)", "loss (nats)". */
export interface AxisLabels {
  x: string;
  y: string;
}

/** One bar: what it stands for, how high it is, and the panel it belongs to. */
export interface Bar {
  label: string;
  value: number;
  /** Bars of one group stand in a panel of their own, such as a split. */
  group?: string;
}

/**
 * Bars with their values above them.
 *
 * @param labels Names of the axes with units.
 * @param options `format` writes a value; `width` in CSS pixels.
 *
 * @example
 * ```ts
 * import { barChart } from "mien/notebook/charts.ts";
 * const bars = [{ label: "happy", value: 7215 }, { label: "sad", value: 4830 }];
 * barChart("Faces a class", bars, { x: "emotion", y: "faces (count)" });
 * ```
 */
export function barChart(
  title: string,
  bars: Bar[],
  labels: AxisLabels,
  options: { format?: (value: number) => string; width?: number } = {},
): Chart {
  const { format = (value: number) => value.toLocaleString("en") } = options;
  const groups = [...new Set(bars.map((bar) => bar.group ?? ""))];
  const names = [...new Set(bars.map((bar) => bar.label))];
  const facets = groups.length > 1 ? { fy: "group" } : {};
  return drawChart(title, describeBars(title, bars, format), {
    width: options.width ?? 640,
    height: groups.length > 1 ? 60 + 150 * groups.length : 290,
    marginTop: 24,
    marginLeft: 62,
    marginBottom: 42,
    marginRight: groups.length > 1 ? 90 : 20,
    x: { label: labels.x, domain: names, labelAnchor: "center" },
    y: { label: labels.y, grid: true, ticks: 5, labelAnchor: "center" },
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

/** A line: its name stands at its end. */
export interface Line {
  name: string;
  points: { x: number; y: number }[];
  /** Drawn with gaps: what is only for comparison. */
  dashed?: boolean;
}

/** How a line chart differs from its defaults. */
export interface LineOptions {
  /** Lowest and highest value of an axis; else the points decide. */
  xDomain?: [number, number];
  yDomain?: [number, number];
  width?: number;
  height?: number;
}

const LINE_INKS = [INK.first, INK.second, INK.third, INK.soft];

/**
 * Up to four lines, each named at its end.
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
  const ends = spreadEnds(shown);
  return drawChart(title, describeLines(title, shown), {
    width: options.width ?? 640,
    height: options.height ?? 300,
    marginTop: 14,
    marginLeft: 58,
    marginBottom: 42,
    marginRight: 24 + 7 * Math.max(4, ...lines.map(({ name }) => name.length)),
    x: {
      label: labels.x,
      labelAnchor: "center",
      domain: options.xDomain,
      tickFormat: (x: number) => x.toLocaleString("en"),
      ticks: ticksAcross(shown, options.xDomain),
    },
    y: {
      label: labels.y,
      labelAnchor: "center",
      grid: true,
      ticks: 5,
      domain: options.yDomain,
      nice: options.yDomain === undefined,
    },
    marks: shown.flatMap((line, index) => [
      Plot.line(line.points, {
        x: "x",
        y: "y",
        stroke: LINE_INKS[index % LINE_INKS.length],
        strokeWidth: 2,
        strokeDasharray: line.dashed ? "5 4" : undefined,
      }),
      Plot.dot(line.points.slice(-1), {
        x: "x",
        y: "y",
        r: 3,
        fill: LINE_INKS[index % LINE_INKS.length],
      }),
      Plot.text(line.points.slice(-1), {
        x: "x",
        y: "y",
        text: () => line.name,
        textAnchor: "start",
        dx: 8,
        dy: ends[index],
        fill: LINE_INKS[index % LINE_INKS.length],
      }),
    ]),
  });
}

/** Stacks the names of lines that end close to each other, upwards: below may be the axis. */
function spreadEnds(lines: Line[]): number[] {
  const all = lines.flatMap((line) => line.points.map((point) => point.y));
  const range = Math.max(...all) - Math.min(...all) || 1;
  const last = lines.map((line) => line.points.at(-1)!.y);
  return last.map((y, index) => {
    const below = last.filter((other, at) =>
      Math.abs(other - y) < range * 0.07 &&
      (other < y || (other === y && at > index))
    ).length;
    return -14 * below;
  });
}

/** About six ticks, none between two whole numbers where there are only whole ones. */
function ticksAcross(lines: Line[], domain: number[] = []): number {
  const points = lines.flatMap((line) => line.points.map((point) => point.x));
  const across = [...points, ...domain];
  if (!across.every(Number.isInteger)) return 6;
  const span = Math.max(...across) - Math.min(...across);
  return Math.min(6, Math.max(1, span));
}

function describeLines(title: string, lines: Line[]): string {
  const parts = lines.map(({ name, points }) =>
    `${name} ends at ${Number(points.at(-1)!.y.toPrecision(3))}`
  );
  return `${title}: ${parts.join("; ")}.`;
}

/**
 * Loss and accuracy for each epoch, beside each other.
 *
 * @param epochs The epochs so far, in order.
 * @param total How many there will be; the axes already have room for them.
 */
export function trainingCurves(epochs: EpochFigures[], total?: number): Chart {
  const last = Math.max(2, total ?? 0, ...epochs.map(({ epoch }) => epoch));
  const points = (key: keyof EpochFigures) =>
    epochs.filter((figures) => figures[key] !== undefined)
      .map((figures) => ({ x: figures.epoch, y: figures[key]! }));
  const panel = { xDomain: [1, last] as [number, number], width: 400 };
  const loss = lineChart(
    "Loss",
    [
      { name: "training", points: points("loss") },
      { name: "validation", points: points("valLoss") },
    ],
    { x: "epoch", y: "loss (nats)" },
    { ...panel, height: 250, yDomain: epochs.length ? undefined : [0, 2] },
  );
  const accuracy = lineChart(
    "Accuracy",
    [
      { name: "training", points: points("accuracy") },
      { name: "validation", points: points("valAccuracy") },
    ],
    { x: "epoch", y: "accuracy (0 to 1)" },
    { ...panel, height: 250, yDomain: [0, 1] },
  );
  return besideEachOther(loss, accuracy);
}

/**
 * The confusion matrix twice: counts, and each row as a part of its class.
 *
 * @param confusion `confusion[label][answer]` in faces.
 * @param names The classes' names, by label.
 */
export function confusionChart(confusion: number[][], names: string[]): Chart {
  const sums = confusion.map((row) => row.reduce((a, b) => a + b, 0));
  const share = confusion.map((row, label) =>
    row.map((count) => sums[label] === 0 ? 0 : count / sums[label])
  );
  const hits = confusion.reduce((sum, row, label) => sum + row[label], 0);
  const all = sums.reduce((a, b) => a + b, 0);
  return besideEachOther(
    matrix(
      "Confusion, in faces",
      share,
      names,
      (label, answer) => confusion[label][answer].toLocaleString("en"),
      `${hits} of ${all} right`,
    ),
    matrix("Confusion, as parts of each emotion", share, names, (
      label,
      answer,
    ) => share[label][answer].toFixed(2), "shares of each row"),
  );
}

function matrix(
  title: string,
  share: number[][],
  names: string[],
  text: (label: number, answer: number) => string,
  description: string,
): Chart {
  const cells = share.flatMap((row, label) =>
    row.map((value, answer) => ({
      label: names[label],
      answer: names[answer],
      value,
      text: text(label, answer),
    }))
  );
  type Cell = typeof cells[number];
  const place = { x: "answer", y: "label" };
  return drawChart(title, `${title}: ${description}.`, {
    width: 460,
    height: 380,
    marginLeft: 84,
    marginTop: 10,
    marginBottom: 46,
    marginRight: 14,
    x: { label: "recognised as", labelAnchor: "center", domain: names },
    y: { label: "true emotion", labelAnchor: "center", domain: names },
    marks: [
      Plot.cell(cells, {
        ...place,
        fill: INK.cell,
        fillOpacity: (cell: Cell) => 0.04 + 0.96 * Math.sqrt(cell.value),
        inset: 1,
      }),
      Plot.text(cells.filter((cell) => cell.value < 0.3), {
        ...place,
        text: "text",
        fill: "currentColor",
      }),
      Plot.text(cells.filter((cell) => cell.value >= 0.3), {
        ...place,
        text: "text",
        fill: "white",
        fontWeight: 600,
      }),
    ],
    opacity: { type: "identity" },
  });
}

/**
 * Calibration: the accuracy of answers against the confidence they were given
 * with. On the dashed line an answer given with 70 % is right in 70 % of cases.
 *
 * @param bins From calibrationBins of evaluation/metrics.ts.
 * @param error The expected calibration error, 0 to 1.
 */
export function calibrationChart(bins: CalibrationBin[], error: number): Chart {
  const shown = bins.filter((bin) => bin.count > 0);
  const percent = `${(100 * error).toFixed(1)} %`;
  const title = `Calibration (expected error ${percent})`;
  return drawChart(title, `${title}, ${shown.length} bins.`, {
    width: 440,
    height: 380,
    marginLeft: 58,
    marginTop: 14,
    marginBottom: 46,
    marginRight: 20,
    x: {
      label: "confidence (0 to 1)",
      labelAnchor: "center",
      domain: [0, 1],
      ticks: 5,
    },
    y: {
      label: "accuracy (0 to 1)",
      labelAnchor: "center",
      domain: [0, 1],
      ticks: 5,
      grid: true,
    },
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
      Plot.ruleY([0]),
    ],
  });
}
