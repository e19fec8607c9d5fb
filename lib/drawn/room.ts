/**
 * The room behind the people of a drawn scene: a lit wall, windows, pictures,
 * shelves of books, a sofa, plants. A detector must not mistake their edges and
 * textures for faces.
 *
 * @module
 */
import type { Canvas } from "./face.ts";
import type { Box } from "../image/box.ts";
import type { Random } from "../random.ts";
import { coverage, mix, texture } from "./texture.ts";

/** Fills the canvas with a room. */
export function drawRoom(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const size = Math.min(width, height);
  const between = (low: number, high: number) => mix(low, high, random.next());
  drawWall(canvas, random);
  const things = 3 + random.integer(3);
  for (let thing = 0; thing < things; thing++) {
    const area: Box = {
      width: size * between(0.18, 0.42),
      height: size * between(0.22, 0.5),
      x: between(-0.1, 0.95) * width,
      y: between(-0.05, 0.4) * height,
    };
    THINGS[random.integer(4)](canvas, area, random);
  }
  if (random.next() < 0.7) drawSofa(canvas, random);
}

/** Draws something that stands or hangs in a room. */
type DrawThing = (canvas: Canvas, area: Box, random: Random) => void;

/** Fills a rectangle; `tone` gets places from 0 to 1 in it. */
function fillRectangle(
  canvas: Canvas,
  { x, y, width, height }: Box,
  tone: (across: number, down: number) => number,
): void {
  const left = Math.max(0, Math.round(x));
  const right = Math.min(canvas.width, Math.round(x + width));
  const top = Math.max(0, Math.round(y));
  const bottom = Math.min(canvas.height, Math.round(y + height));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      canvas.data[row * canvas.width + column] = tone(
        (column - x) / width,
        (row - y) / height,
      );
    }
  }
}

function drawWall(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const left = 0.25 + 0.55 * random.next();
  const right = 0.25 + 0.55 * random.next();
  const stripes = random.next() < 0.35 ? 0.08 : 0;
  const stripe = width / (12 + random.integer(20));
  const seed = random.integer(0x7fffffff);
  const all = { x: 0, y: 0, width, height };
  fillRectangle(canvas, all, (across, down) => {
    const grain = texture(across * 30, down * 30, seed) +
      texture(across * 4, down * 3, seed);
    const striped = Math.floor(across * width / stripe) % 2 * stripes;
    return (mix(left, right, across) - striped) * (1.05 - 0.3 * down) +
      0.05 * (grain - 1);
  });
}

const drawWindow: DrawThing = (canvas, area, random) => {
  const seed = random.integer(0x7fffffff);
  const frame = 0.25 + 0.5 * random.next();
  fillRectangle(canvas, area, (across, down) => {
    const bar = Math.min(
      Math.abs(across - 0.5),
      across,
      1 - across,
      down,
      1 - down,
    );
    const sky = 0.95 - 0.25 * down;
    const trees = 0.45 + 0.35 * texture(across * 7, down * 7, seed);
    const skyline = 0.55 + 0.3 * texture(across * 3, 0, seed);
    return bar < 0.045 ? frame : down > skyline ? trees : sky;
  });
};

const drawPicture: DrawThing = (canvas, { x, y, width, height }, random) => {
  const seed = random.integer(0x7fffffff);
  const frame = 0.1 + 0.5 * random.next();
  const area = { x, y, width, height: height * 0.75 };
  fillRectangle(canvas, area, (across, down) => {
    const edge = Math.min(across, 1 - across, down, 1 - down);
    if (edge < 0.05) return frame + 0.1 * (across - down);
    if (edge < 0.13) return 0.85;
    const land = texture(across * 4, down * 4, seed);
    return 0.25 + 0.5 * (0.6 * land + 0.4 * (1 - down));
  });
};

const drawShelf: DrawThing = (canvas, { x, y, ...area }, random) => {
  const wood = 0.2 + 0.35 * random.next();
  const width = area.width * 1.2, height = area.height * 1.3;
  fillRectangle(canvas, { x, y, width, height }, () => wood * 0.6);
  for (let board = 0; board < 3; board++) {
    const bottom = y + height * (board + 1) / 3;
    const tall = height / 3;
    for (let left = x + 3; left < x + width - 8;) {
      const thick = 4 + 9 * random.next();
      const size = tall * (0.6 + 0.28 * random.next());
      const tone = 0.12 + 0.7 * random.next();
      const top = bottom - size;
      const book = { x: left, y: top, width: thick - 1, height: size };
      fillRectangle(canvas, book, (across, down) => {
        const title = down > 0.12 && down < 0.2 ? 1.3 : 1;
        return tone * (0.75 + 0.5 * across * (1 - across)) * title;
      });
      left += thick;
    }
    const edge = { x, y: bottom - 3, width, height: 4 };
    fillRectangle(canvas, edge, () => wood);
  }
};

const drawPlant: DrawThing = (canvas, { x, y, width, height }, random) => {
  const leaves = 14 + random.integer(14);
  const low = y + height * 1.4;
  const pot = {
    x: x - width * 0.18,
    y: low,
    width: width * 0.36,
    height: height * 0.4,
  };
  fillRectangle(canvas, pot, (across) => 0.3 + 0.3 * across);
  for (let leaf = 0; leaf < leaves; leaf++) {
    const toX = x + width * (random.next() - 0.5);
    const toY = low - height * (0.2 + 0.9 * random.next());
    const tone = 0.12 + 0.3 * random.next();
    fillEllipse(
      canvas,
      mix(x, toX, 0.7),
      mix(low, toY, 0.8),
      width * 0.06,
      height * 0.2,
      (toX - x) / width,
      tone,
    );
  }
};

const THINGS = [drawWindow, drawPicture, drawShelf, drawPlant];

/** Fills an ellipse around (x, y) whose top leans right by `lean` radii. */
function fillEllipse(
  canvas: Canvas,
  x: number,
  y: number,
  radiusX: number,
  radiusY: number,
  lean: number,
  tone: number,
): void {
  const reach = radiusX + Math.abs(lean) * radiusY;
  const left = Math.max(0, Math.floor(x - reach));
  const right = Math.min(canvas.width, Math.ceil(x + reach));
  const top = Math.max(0, Math.floor(y - radiusY));
  const bottom = Math.min(canvas.height, Math.ceil(y + radiusY));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const down = (row - y) / radiusY;
      const across = (column - x + lean * (row - y)) / radiusX;
      const size = Math.sqrt(across * across + down * down);
      const at = row * canvas.width + column;
      canvas.data[at] = mix(
        canvas.data[at],
        tone * (1.1 - 0.3 * across),
        coverage((size - 1) * radiusX, 1.5),
      );
    }
  }
}

function drawSofa(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const tone = 0.15 + 0.5 * random.next();
  const top = height * (0.6 + 0.2 * random.next());
  const seed = random.integer(0x7fffffff);
  const seams = 2 + random.integer(3);
  const area: Box = {
    x: width * 0.3 * (random.next() - 0.5),
    y: top,
    width: width * (0.8 + 0.3 * random.next()),
    height: height - top,
  };
  fillRectangle(canvas, area, (across, down) => {
    const seam = Math.abs(across * seams - Math.round(across * seams));
    return tone * (1.1 - 0.4 * down) * (seam < 0.015 ? 0.6 : 1) +
      0.06 * (texture(across * 60, down * 30, seed) - 0.5);
  });
}
