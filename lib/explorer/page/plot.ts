// A small line chart in SVG: one or two curves, and a mark at the current position. The notebooks'
// charts are in notebook/charts.ts, which needs a library that is too large for a page.

const SPACE = "http://www.w3.org/2000/svg";
const WIDTH = 420, HEIGHT = 170, LEFT = 40, RIGHT = 10, TOP = 8, BOTTOM = 32;

function svg(
  tag: string,
  attributes: Record<string, string | number>,
  words?: string,
): SVGElement {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  if (words !== undefined) element.textContent = words;
  return element;
}

/** One curve. */
export interface Curve {
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
  /** A dot at each point. */
  readonly dots?: boolean;
}

/** What a plot shows; y runs from 0 to 1. */
export interface PlotOptions {
  readonly label: string;
  readonly x: string;
  readonly least: number;
  readonly most: number;
  readonly curves: readonly Curve[];
  /** The current position. */
  readonly now?: number;
}

/** Draws a plot into an element, replacing the previous one. */
export function drawPlot(place: HTMLElement, options: PlotOptions): void {
  const { least, most, curves, now } = options;
  const across = (x: number) =>
    LEFT + (x - least) / (most - least || 1) * (WIDTH - LEFT - RIGHT);
  const down = (y: number) => TOP + (1 - y) * (HEIGHT - TOP - BOTTOM);
  const root = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "plot",
    role: "img",
    "aria-label": options.label,
  });
  for (const y of [0, 0.5, 1]) {
    root.append(
      svg("line", {
        x1: LEFT,
        x2: WIDTH - RIGHT,
        y1: down(y),
        y2: down(y),
        class: "axis",
      }),
      svg(
        "text",
        { x: LEFT - 5, y: down(y) + 4, "text-anchor": "end" },
        `${100 * y} %`,
      ),
    );
  }
  for (const part of [0, 0.5, 1]) {
    const x = least + part * (most - least);
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    const words = String(Number(x.toPrecision(3)));
    root.append(svg("text", {
      x: across(x),
      y: HEIGHT - BOTTOM + 14,
      "text-anchor": anchor,
    }, words));
  }
  root.append(svg("text", {
    x: (LEFT + WIDTH - RIGHT) / 2,
    y: HEIGHT - 3,
    "text-anchor": "middle",
  }, options.x));
  for (const { points, color, dashed, dots } of curves) {
    root.append(svg("polyline", {
      points: points.map(([x, y]) =>
        `${across(x).toFixed(1)},${down(y).toFixed(1)}`
      ).join(" "),
      fill: "none",
      stroke: color,
      "stroke-width": 2,
      ...(dashed ? { "stroke-dasharray": "5 4" } : {}),
    }));
    for (const [x, y] of dots ? points : []) {
      root.append(
        svg("circle", { cx: across(x), cy: down(y), r: 3.5, fill: color }),
      );
    }
  }
  if (now !== undefined) {
    root.append(svg("line", {
      x1: across(now),
      x2: across(now),
      y1: TOP,
      y2: HEIGHT - BOTTOM,
      class: "now",
    }));
  }
  place.replaceChildren(root);
}
