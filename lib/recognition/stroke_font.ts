/**
 * Lettering for labels: a stroke font drawn with an anti-aliased round pen. It is
 * sharp at any size, unlike the bitmap fonts of image packages, and needs no file.
 *
 * It has what labels need: lowercase letters, digits, space and `%.#-`.
 *
 * Units: the baseline is y = 0, lowercase is 5 high, digits 7, tall letters
 * 7.4, descenders go to -2.2; a line of text is 10 high.
 *
 * @module
 */

/** Coverage of some text by its pen, 0 to 255, row by row. */
export interface TextMask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

// Each stroke is a list of points "x,y", or an arc "@ cx cy rx ry from to"
// in degrees, counterclockwise if `to` is larger. Strokes are separated by
// ";"; the number before ":" is the width.
const LETTERS: Record<string, string> = {
  a: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 4.4,5 4.4,0",
  b: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 0,7.4 0,0",
  c: "3.8: @ 2.2 2.5 2.2 2.5 45 315",
  d: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 4.4,7.4 4.4,0",
  e: "4.3: 0.1,2.7 4.3,2.7; @ 2.15 2.5 2.15 2.5 4 318",
  f: "2.9: 1.1,0 1.1,5.8; @ 2.7 5.8 1.6 1.6 180 75; 0,5 2.8,5",
  g: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 4.4,5 4.4,-0.2; @ 2.3 -0.2 2.1 2 0 -145",
  h: "4: 0,7.4 0,0; @ 2 3 2 2 180 0; 4,3 4,0",
  i: "0: 0,5 0,0; 0,7 0,7.1",
  j: "1.2: 1.2,5 1.2,-0.6; @ 0 -0.6 1.2 1.6 0 -90; 1.2,7 1.2,7.1",
  k: "3.7: 0,7.4 0,0; 3.5,5 0,2; 1.3,3.1 3.7,0",
  l: "0: 0,7.4 0,0",
  m: "6.4: 0,5 0,0; @ 1.6 3.2 1.6 1.8 180 0; 3.2,3.2 3.2,0; " +
    "@ 4.8 3.2 1.6 1.8 180 0; 6.4,3.2 6.4,0",
  n: "4: 0,5 0,0; @ 2 3 2 2 180 0; 4,3 4,0",
  o: "4.4: @ 2.2 2.5 2.2 2.5 0 360",
  p: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 0,5 0,-2.2",
  q: "4.4: @ 2.2 2.5 2.2 2.5 0 360; 4.4,5 4.4,-2.2",
  r: "2.7: 0,5 0,0; @ 2 3 2 2 180 65",
  s: "3.8: @ 1.9 3.75 1.75 1.25 35 270; @ 1.9 1.25 1.9 1.25 90 -145",
  t: "3: 1.1,6.6 1.1,1.5; @ 2.6 1.5 1.5 1.5 180 285; 0,5 2.8,5",
  u: "4: 0,5 0,2; @ 2 2 2 2 180 360; 4,5 4,0",
  v: "4.2: 0,5 2.1,0 4.2,5",
  w: "6: 0,5 1.5,0 3,4.6 4.5,0 6,5",
  x: "4: 0,5 4,0; 4,5 0,0",
  y: "4.2: 0,5 2.1,0; 4.2,5 1.4,-1.7 0.3,-2.2",
  z: "3.8: 0,5 3.8,5 0,0 3.8,0",
  "0": "4.4: @ 2.2 3.5 2.2 3.5 0 360",
  "1": "4.4: 0.7,5.6 2.4,7 2.4,0",
  "2": "4.4: @ 2.15 4.9 2.05 2.1 165 -38; 3.77,3.6 0.1,0 4.3,0",
  "3": "4.4: @ 2 5.2 1.8 1.8 150 -90; @ 2 1.7 2.2 1.7 90 -150",
  "4": "4.4: 3.4,0 3.4,7 0,2 4.4,2",
  "5": "4.4: 4,7 0.8,7 0.5,3.7; @ 2.1 2.2 2.2 2.2 137 -145",
  "6": "4.4: @ 2.2 2.2 2.2 2.2 0 360; 0.05,2.6 0.5,4.4 1.6,5.9 3.3,7",
  "7": "4.4: 0,7 4.3,7 1.4,0",
  "8": "4.4: @ 2.2 5.3 1.8 1.7 0 360; @ 2.2 1.8 2.2 1.8 0 360",
  "9": "4.4: @ 2.2 4.8 2.2 2.2 0 360; 4.35,4.4 3.9,2.6 2.8,1.1 1.1,0",
  "%": "6.6: @ 1.4 5.5 1.4 1.5 0 360; @ 5.2 1.5 1.4 1.5 0 360; 5.5,7 1.1,0",
  ".": "0: 0,0 0,0.1",
  "#": "4.8: 1.7,7 0.9,0; 3.9,7 3.1,0; 0.2,4.8 4.8,4.8; 0,2.2 4.6,2.2",
  "-": "2.6: 0,2.7 2.6,2.7",
  " ": "1.6:",
};
const SPACING = 1.9;
const PEN = 1.05;

interface Glyph {
  readonly width: number;
  /** Line segments, four numbers each: x0, y0, x1, y1. */
  readonly segments: readonly number[];
}

const glyphs = new Map(
  Object.entries(LETTERS).map(([letter, strokes]) => [letter, trace(strokes)]),
);

function trace(text: string): Glyph {
  const [width, strokes] = text.split(":");
  const segments: number[] = [];
  for (const stroke of strokes.split(";")) {
    const points = tracePoints(stroke.trim());
    for (let i = 2; i + 1 < points.length; i += 2) {
      segments.push(...points.slice(i - 2, i + 2));
    }
  }
  return { width: Number(width), segments };
}

function tracePoints(stroke: string): number[] {
  if (!stroke.startsWith("@")) return stroke.split(/[ ,]+/).map(Number);
  const [cx, cy, rx, ry, from, to] = stroke.slice(2).split(" ").map(Number);
  const steps = Math.ceil(Math.abs(to - from) / 15);
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = (from + (to - from) * i / steps) * Math.PI / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  }).flat();
}

const glyphOf = (letter: string): Glyph => {
  const glyph = glyphs.get(letter);
  if (!glyph) throw new RangeError(`No letter "${letter}" in the stroke font`);
  return glyph;
};

/** The width of some text in pixels when a line is `height` pixels high. */
export function measureText(text: string, height: number): number {
  const units = [...text].reduce((sum, c) => sum + glyphOf(c).width, 0);
  return Math.ceil((units + SPACING * text.length) * height / 10);
}

/**
 * Draws some text as a mask `height` pixels high. The last 500 masks are kept
 * for the next call with the same text and height.
 *
 * @throws {RangeError} for a character that the font does not have
 */
export function textMask(text: string, height: number): TextMask {
  const key = `${height} ${text}`;
  let mask = masks.get(key);
  if (!mask) {
    if (masks.size >= 500) masks.clear();
    masks.set(key, mask = drawText(text, height));
  }
  return mask;
}
const masks = new Map<string, TextMask>();

function drawText(text: string, height: number): TextMask {
  const scale = height / 10;
  const width = measureText(text, height);
  const data = new Uint8Array(width * height);
  const pen = Math.max(PEN * scale, 1.1) / 2;
  let left = SPACING / 2;
  for (const letter of text) {
    const { width: advance, segments } = glyphOf(letter);
    for (let i = 0; i < segments.length; i += 4) {
      drawSegment(
        { width, height, data },
        (segments[i] + left) * scale,
        (7.8 - segments[i + 1]) * scale,
        (segments[i + 2] + left) * scale,
        (7.8 - segments[i + 3]) * scale,
        pen,
      );
    }
    left += advance + SPACING;
  }
  return { width, height, data };
}

function drawSegment(
  mask: TextMask,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  pen: number,
) {
  const reach = pen + 1;
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(mask.width - 1, Math.ceil(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const end = Math.min(mask.height - 1, Math.ceil(Math.max(y0, y1) + reach));
  const dx = x1 - x0, dy = y1 - y0, squared = dx * dx + dy * dy;
  for (let y = top; y <= end; y++) {
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0, py = y + 0.5 - y0;
      const along = squared > 0
        ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared))
        : 0;
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const coverage = Math.min(1, Math.max(0, pen + 0.5 - distance)) * 255;
      const at = y * mask.width + x;
      if (coverage > mask.data[at]) mask.data[at] = coverage;
    }
  }
}
