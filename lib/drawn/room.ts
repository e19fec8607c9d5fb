/**
 * The room behind the people of a drawn scene: a lit wall, windows, pictures,
 * shelves of books, a sofa, plants. Edges and textures that a detector must not
 * take for faces.
 *
 * @module
 */
import type { Canvas } from "./face.ts";
import type { Random } from "../random.ts";
import { coverage, mix, texture } from "./texture.ts";

/** Draws a room all over the canvas. */
export function drawRoom(canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const size = Math.min(width, height);
  const between = (low: number, high: number) =>
    low + (high - low) * random.next();
  drawWall(canvas, random);
  const things = 3 + random.integer(3);
  for (let thing = 0; thing < things; thing++) {
    const w = size * between(0.18, 0.42);
    const h = size * between(0.22, 0.5);
    const x = between(-0.1, 0.95) * width;
    const y = between(-0.05, 0.4) * height;
    const draw = [drawWindow, drawPicture, drawShelf, drawPlant][
      random.integer(4)
    ];
    draw(canvas, x, y, w, h, random);
  }
  if (random.next() < 0.7) drawSofa(canvas, random);
}

/** Fills an upright rectangle; `tone` is given places from 0 to 1. */
function fillRectangle(
  canvas: Canvas,
  x: number,
  y: number,
  w: number,
  h: number,
  tone: (across: number, down: number) => number,
): void {
  const left = Math.max(0, Math.round(x));
  const right = Math.min(canvas.width, Math.round(x + w));
  const top = Math.max(0, Math.round(y));
  const bottom = Math.min(canvas.height, Math.round(y + h));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      canvas.data[row * canvas.width + column] = tone(
        (column - x) / w,
        (row - y) / h,
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
  fillRectangle(canvas, 0, 0, width, height, (across, down) => {
    const grain = texture(across * 30, down * 30, seed) +
      texture(across * 4, down * 3, seed);
    const striped = Math.floor(across * width / stripe) % 2 * stripes;
    return (mix(left, right, across) - striped) * (1.05 - 0.3 * down) +
      0.05 * (grain - 1);
  });
}

function drawWindow(
  canvas: Canvas,
  x: number,
  y: number,
  w: number,
  h: number,
  random: Random,
): void {
  const seed = random.integer(0x7fffffff);
  const frame = 0.25 + 0.5 * random.next();
  fillRectangle(canvas, x, y, w, h, (across, down) => {
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
}

function drawPicture(
  canvas: Canvas,
  x: number,
  y: number,
  w: number,
  h: number,
  random: Random,
): void {
  const seed = random.integer(0x7fffffff);
  const frame = 0.1 + 0.5 * random.next();
  fillRectangle(canvas, x, y, w, h * 0.75, (across, down) => {
    const edge = Math.min(across, 1 - across, down, 1 - down);
    if (edge < 0.05) return frame + 0.1 * (across - down);
    if (edge < 0.13) return 0.85;
    const land = texture(across * 4, down * 4, seed);
    return 0.25 + 0.5 * (0.6 * land + 0.4 * (1 - down));
  });
}

function drawShelf(
  canvas: Canvas,
  x: number,
  y: number,
  w: number,
  h: number,
  random: Random,
): void {
  const wood = 0.2 + 0.35 * random.next();
  fillRectangle(canvas, x, y, w * 1.2, h * 1.3, () => wood * 0.6);
  for (let board = 0; board < 3; board++) {
    const bottom = y + h * 1.3 * (board + 1) / 3;
    const tall = h * 1.3 / 3;
    for (let at = x + 3; at < x + w * 1.2 - 8;) {
      const thick = 4 + 9 * random.next();
      const size = tall * (0.6 + 0.28 * random.next());
      const tone = 0.12 + 0.7 * random.next();
      fillRectangle(
        canvas,
        at,
        bottom - size,
        thick - 1,
        size,
        (across, down) =>
          tone * (0.75 + 0.5 * across * (1 - across)) *
          (down > 0.12 && down < 0.2 ? 1.3 : 1),
      );
      at += thick;
    }
    fillRectangle(canvas, x, bottom - 3, w * 1.2, 4, () => wood);
  }
}

function drawPlant(
  canvas: Canvas,
  x: number,
  y: number,
  w: number,
  h: number,
  random: Random,
): void {
  const leaves = 14 + random.integer(14);
  const low = y + h * 1.4;
  fillRectangle(
    canvas,
    x - w * 0.18,
    low,
    w * 0.36,
    h * 0.4,
    (across) => 0.3 + 0.3 * across,
  );
  for (let leaf = 0; leaf < leaves; leaf++) {
    const toX = x + w * (random.next() - 0.5);
    const toY = low - h * (0.2 + 0.9 * random.next());
    const tone = 0.12 + 0.3 * random.next();
    fillEllipse(
      canvas,
      mix(x, toX, 0.7),
      mix(low, toY, 0.8),
      w * 0.06,
      h * 0.2,
      (toX - x) / w,
      tone,
    );
  }
}

/** Fills an ellipse whose top leans to the right by `lean` radii. */
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
  fillRectangle(
    canvas,
    width * 0.3 * (random.next() - 0.5),
    top,
    width * (0.8 + 0.3 * random.next()),
    height - top,
    (across, down) => {
      const seam = Math.abs(across * seams - Math.round(across * seams));
      return tone * (1.1 - 0.4 * down) * (seam < 0.015 ? 0.6 : 1) +
        0.06 * (texture(across * 60, down * 30, seed) - 0.5);
    },
  );
}
