/**
 * Draws what was recognized onto a picture: a box around each face, a label
 * with emotion and confidence, and a bar for each probability.
 *
 * Sizes scale with the picture, so labels are as readable on a phone photo as
 * on a small video. Colors are those of `emotions.ts`, and every bar has its
 * emotion's name, so color is never the only cue. It sets pixels itself because
 * Deno and its workers have no canvas.
 *
 * @module
 */
import { colorsOf, EMOTIONS, indexOfLargest } from "../emotions.ts";
import { type Box, scaleBox } from "../image/box.ts";
import type { ColorImage } from "../image/gray.ts";
import { measureText, textMask } from "./stroke_font.ts";

/** What is drawn for one face. */
export interface FaceNote {
  readonly box: Box;
  /** One probability per class, in the order of the names. */
  readonly probabilities: ArrayLike<number>;
  /** The number of the face's track in a video, shown before the emotion. */
  readonly track?: number;
  /** Whether the label says "unsure", in gray, instead of the emotion. */
  readonly unsure?: boolean;
}

/** Where a face's bars are. */
export type PanelSide = "right" | "left" | "below" | "above" | "inside";

/** Called for every rectangle that was painted. */
type Touched = (x: number, y: number, width: number, height: number) => void;

/** The names of the classes, and their colors. */
interface Classes {
  readonly names: readonly string[];
  readonly colors: readonly (readonly number[])[];
}

function classesOf(names: readonly string[]): Classes {
  const colors = colorsOf(names).map((hex) =>
    [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
  );
  return { names, colors };
}

const BLACK = [0, 0, 0], WHITE = [255, 255, 255], GRAY = [190, 190, 190];
const SIDES: readonly PanelSide[] = [
  "right",
  "left",
  "below",
  "above",
  "inside",
];

/**
 * A copy of a picture with its faces marked. If the picture or its faces are
 * small, it is first enlarged by a whole factor so that labels fit: until its
 * shorter side has 320 pixels and half of its faces about 110, but not beyond
 * 8 megapixels.
 *
 * @param emotions the names of the classes; by default the seven
 *
 * @example
 * ```ts
 * import { annotate } from "mien/recognition/annotate.ts";
 * const data = new Uint8ClampedArray(400 * 400 * 4).fill(255);
 * const box = { x: 100, y: 100, width: 120, height: 120 };
 * const probabilities = [0, 0, 0, 0.9, 0, 0, 0.1]; // happy 90%
 * annotate({ width: 400, height: 400, data }, [{ box, probabilities }]);
 * ```
 */
export function annotate(
  image: ColorImage,
  faces: readonly FaceNote[],
  emotions: readonly string[] = EMOTIONS,
): ColorImage {
  const sides = faces.map((face) => face.box.height).sort((a, b) => a - b);
  const median = sides[sides.length >> 1] ?? Infinity;
  // Never beyond 8 megapixels: a picture may be one pixel wide.
  const most = Math.floor(Math.sqrt(8e6 / (image.width * image.height)));
  const wanted = Math.max(
    Math.ceil(320 / Math.min(image.width, image.height)),
    Math.round(110 / median),
  );
  const factor = Math.max(1, Math.min(wanted, most));
  const target = enlarge(image, factor);
  drawFaces(
    target,
    faces.map((face) => ({ ...face, box: scaleBox(face.box, factor) })),
    { emotions },
  );
  return target;
}

function enlarge(image: ColorImage, factor: number): ColorImage {
  const width = image.width * factor, height = image.height * factor;
  if (factor === 1) return { width, height, data: image.data.slice() };
  const data = new Uint8ClampedArray(width * height * 4);
  const from = new Uint32Array(image.data.slice().buffer);
  const to = new Uint32Array(data.buffer);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / factor) * image.width;
    for (let x = 0; x < width; x++) {
      to[at++] = from[row + Math.floor(x / factor)];
    }
  }
  return { width, height, data };
}

/**
 * Draws faces into a picture, in place.
 *
 * @param options.sides remembers by track where a face's bars are, so that
 * they do not jump from side to side in a video
 * @param options.touched is called for every rectangle that is painted
 * @param options.emotions the names of the classes; by default the seven
 */
export function drawFaces(
  image: ColorImage,
  faces: readonly FaceNote[],
  { sides = new Map(), touched = () => {}, emotions = EMOTIONS }: {
    sides?: Map<number, PanelSide>;
    touched?: Touched;
    emotions?: readonly string[];
  } = {},
): void {
  const classes = classesOf(emotions);
  const painter = new Painter(image, touched);
  const shorter = Math.min(image.width, image.height);
  const line = Math.max(2, Math.round(shorter / 180));
  const labels: Label[] = [];
  for (const face of faces) {
    labels.push(labelOf(face, emotions, image, line, labels));
  }
  const taken = [...faces.map((face) => face.box), ...labels.map((l) => l.box)];
  const colors = faces.map(({ probabilities, unsure }) =>
    unsure ? GRAY : classes.colors[indexOfLargest(probabilities)]
  );
  for (const [i, { box }] of faces.entries()) {
    painter.frame(box, line + 2, 1, BLACK, 0.55);
    painter.frame(box, line, 0, colors[i], 1);
  }
  for (const [i, { box, track, probabilities }] of faces.entries()) {
    const preferred = sides.get(track ?? -1);
    const { textHeight } = labels[i];
    const panel = placePanel(
      box,
      emotions,
      textHeight,
      image,
      taken,
      preferred,
    );
    if (track !== undefined) sides.set(track, panel.side);
    taken.push(panel.box);
    drawPanel(painter, panel.box, classes, probabilities);
  }
  for (const [i, { text, textHeight, box }] of labels.entries()) {
    const color = colors[i];
    painter.fill(box, color, 1);
    // Black on the bright colors, white on the dark ones.
    const light = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2];
    painter.text(
      text,
      box.x + Math.round(textHeight * 0.15),
      box.y + Math.round((box.height - textHeight) / 2),
      textHeight,
      light > 110 ? BLACK : WHITE,
    );
  }
}

interface Label {
  readonly text: string;
  readonly textHeight: number;
  readonly box: Box;
}

/**
 * The label's text and position: above the box, at its top if the picture
 * ends there, or below it if another label is in the way.
 */
function labelOf(
  face: FaceNote,
  emotions: readonly string[],
  image: ColorImage,
  line: number,
  others: readonly Label[],
): Label {
  const largest = Math.max(18, Math.min(image.width, image.height) / 17);
  const textHeight = Math.round(clamp(face.box.height / 6.5, 13, largest));
  const best = indexOfLargest(face.probabilities);
  const percent = Math.round(face.probabilities[best] * 100);
  const number = face.track === undefined ? "" : `#${face.track} `;
  const text = number +
    (face.unsure ? "unsure" : `${emotions[best]} ${percent}%`);
  const width = measureText(text, textHeight) + Math.round(textHeight * 0.3);
  const height = Math.round(textHeight * 1.25);
  // A box may extend beyond the picture; its label stays inside.
  const top = Math.max(0, Math.round(face.box.y));
  const bottom = Math.round(face.box.y + face.box.height);
  const above = top - height - line;
  const x = clamp(Math.round(face.box.x) - line, 0, image.width - width);
  const places = [
    ...(above >= 0 ? [above] : [Math.max(0, top + line)]),
    ...(bottom + line + height <= image.height ? [bottom + line] : []),
  ].map((y) => ({ x, y, width, height }));
  const free = places.find((box) =>
    others.every((other) => overlap(box, other.box) === 0)
  );
  return { text, textHeight, box: free ?? places[0] };
}

/** The side where the bars cover the least, and their box there. */
function placePanel(
  face: Box,
  emotions: readonly string[],
  textHeight: number,
  image: ColorImage,
  taken: readonly Box[],
  preferred: PanelSide | undefined,
): { side: PanelSide; box: Box } {
  const row = Math.max(10, Math.round(textHeight * 0.8));
  const width = namesWidth(emotions, row) + row * 4;
  const height = row * emotions.length + 4;
  const gap = Math.max(4, Math.round(textHeight / 3));
  const places: Record<PanelSide, [number, number]> = {
    right: [face.x + face.width + gap, face.y],
    left: [face.x - width - gap, face.y],
    below: [face.x, face.y + face.height + gap],
    above: [face.x, face.y - height - textHeight * 1.5 - gap],
    inside: [face.x, face.y + face.height - height],
  };
  let best: { side: PanelSide; box: Box } | undefined;
  let leastCost = Infinity;
  for (const side of SIDES) {
    const x = Math.round(clamp(places[side][0], 0, image.width - width));
    const y = Math.round(clamp(places[side][1], 0, image.height - height));
    const box = { x, y, width, height };
    const hidden = taken.reduce((sum, t) => sum + overlap(box, t), 0);
    const cost = hidden / (width * height) - (side === preferred ? 0.1 : 0);
    if (cost < leastCost - 1e-9) [best, leastCost] = [{ side, box }, cost];
  }
  return best!;
}

/** The width reserved for the names in a panel. */
function namesWidth(emotions: readonly string[], row: number): number {
  const widest = emotions.map((name) => measureText(name, row) + 4);
  return Math.max(row * 5, ...widest);
}

function drawPanel(
  painter: Painter,
  panel: Box,
  { names: emotions, colors }: Classes,
  probabilities: ArrayLike<number>,
) {
  const row = (panel.height - 4) / emotions.length;
  painter.fill(panel, BLACK, 0.6);
  const best = indexOfLargest(probabilities);
  const names = namesWidth(emotions, row), bars = panel.width - names - 4;
  for (let i = 0; i < emotions.length; i++) {
    const y = panel.y + 2 + i * row;
    painter.text(
      emotions[i],
      panel.x + 2,
      y,
      row,
      i === best ? WHITE : [205, 205, 205],
    );
    const x = panel.x + names, height = Math.max(2, Math.round(row * 0.7));
    const bar = { x, y: y + Math.round((row - height) / 2), height };
    painter.fill({ ...bar, width: bars }, WHITE, 0.18);
    const width = Math.round(bars * probabilities[i]);
    painter.fill({ ...bar, width }, colors[i], 1);
  }
}

const clamp = (value: number, low: number, high: number) =>
  Math.max(low, Math.min(value, high));

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

/**
 * Paints colors over pixels. Colors are premultiplied by alpha, so the target
 * may be an opaque picture or a transparent layer.
 */
class Painter {
  constructor(
    private readonly image: ColorImage,
    private readonly touched: Touched,
  ) {}

  /** A filled rectangle, clipped at the picture's edges. */
  fill(
    { x, y, width, height }: Box,
    color: readonly number[],
    alpha: number,
  ): void {
    const left = Math.max(0, x), right = Math.min(this.image.width, x + width);
    const top = Math.max(0, y), end = Math.min(this.image.height, y + height);
    if (left >= right || top >= end) return;
    for (let row = top; row < end; row++) {
      for (let column = left; column < right; column++) {
        this.blend(row * this.image.width + column, color, alpha);
      }
    }
    this.touched(left, top, right - left, end - top);
  }

  /** The outline of a box: `line` pixels wide, `outset` of them outside. */
  frame(
    box: Box,
    line: number,
    outset: number,
    color: readonly number[],
    alpha: number,
  ): void {
    const x = Math.round(box.x) - outset, y = Math.round(box.y) - outset;
    const width = Math.round(box.width) + 2 * outset;
    const height = Math.round(box.height) + 2 * outset;
    for (const top of [y, y + height - line]) {
      this.fill({ x, y: top, width, height: line }, color, alpha);
    }
    const between = { y: y + line, width: line, height: height - 2 * line };
    for (const left of [x, x + width - line]) {
      this.fill({ x: left, ...between }, color, alpha);
    }
  }

  /** Text whose line is `height` pixels high, from its top left corner. */
  text(
    text: string,
    x: number,
    y: number,
    height: number,
    color: readonly number[],
  ): void {
    const mask = textMask(text, height);
    const { width: wide, height: high } = this.image;
    for (let row = 0, at = 0; row < mask.height; row++) {
      for (let column = 0; column < mask.width; column++, at++) {
        const px = x + column, py = y + row;
        if (mask.data[at] > 0 && px >= 0 && px < wide && py >= 0 && py < high) {
          this.blend(py * wide + px, color, mask.data[at] / 255);
        }
      }
    }
    this.touched(x, y, mask.width, mask.height);
  }

  private blend(pixel: number, color: readonly number[], alpha: number) {
    const { data } = this.image, at = pixel * 4, keep = 1 - alpha;
    data[at] = data[at] * keep + color[0] * alpha;
    data[at + 1] = data[at + 1] * keep + color[1] * alpha;
    data[at + 2] = data[at + 2] * keep + color[2] * alpha;
    data[at + 3] = data[at + 3] * keep + 255 * alpha;
  }
}
