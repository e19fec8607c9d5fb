// Paints pixels onto canvases: gray faces, maps of numbers, heat over a face. Maps run from dark blue
// (negative) through gray (0) to yellow (positive), which is also readable in grayscale.

import { FACE_SIZE } from "../../emotions.ts";
import { type Box, scaleBox } from "../../image/box.ts";
import { make } from "./dom.ts";

type Color = readonly [number, number, number];
const LOW: Color = [0, 50, 100], ZERO: Color = [128, 128, 128];
const HIGH: Color = [250, 236, 90];

/** The color of a value from -1 to 1. */
function colorOf(value: number): Color {
  const end = value < 0 ? LOW : HIGH, part = Math.min(1, Math.abs(value));
  return [0, 1, 2].map((i) =>
    Math.round(ZERO[i] + (end[i] - ZERO[i]) * part)
  ) as unknown as Color;
}

/** A canvas of a size in pixels; `shown` is its width on the page, if that differs. */
export function canvasOf(
  width: number,
  height: number,
  label: string,
  shown?: number,
): HTMLCanvasElement {
  const canvas = make("canvas", {
    width,
    height,
    role: "img",
    "aria-label": label,
  });
  if (shown) {
    canvas.style.width = `${shown}px`;
    canvas.style.aspectRatio = `${width} / ${height}`;
  }
  return canvas;
}

/** Writes gray values onto a canvas, which is resized to fit. */
export function paintGray(
  canvas: HTMLCanvasElement,
  gray: ArrayLike<number>,
  width: number = FACE_SIZE,
  height: number = gray.length / width,
): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  for (let i = 0, to = 0; i < gray.length; i++, to += 4) {
    image.data[to] = image.data[to + 1] = image.data[to + 2] = gray[i];
    image.data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** A face's picture as an element. */
export function faceCanvas(
  face: Uint8Array,
  label: string,
  shown?: number,
): HTMLCanvasElement {
  const canvas = canvasOf(FACE_SIZE, FACE_SIZE, label, shown);
  paintGray(canvas, face);
  return canvas;
}

/** Maps of one layer: values are rows x columns x channels. */
export interface Maps {
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/**
 * The absolute value that gets the full color: one in a hundred values is
 * larger, so a single bright pixel does not turn all others gray.
 */
function fullColor(values: ArrayLike<number>): number {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return Math.max(1e-12, sizes[Math.floor(sizes.length * 0.99)]);
}

/** The largest absolute value. */
export function largest(values: ArrayLike<number>): number {
  let most = 1e-12;
  for (let i = 0; i < values.length; i++) {
    most = Math.max(most, Math.abs(values[i]));
  }
  return most;
}

/** Paints one map onto a canvas, which is resized to fit. */
export function paintMap(
  canvas: HTMLCanvasElement,
  { values, rows, columns, channels }: Maps,
  channel: number,
  most: number = fullColor(values),
): void {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const color = colorOf(values[i * channels + channel] / most);
    image.data.set([...color, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** Canvas pixels for a value of an enlarged map. */
export function zoomOf(columns: number): number {
  return Math.ceil(288 / columns);
}

/** Paints one map enlarged, so that a thin frame fits onto it. */
export function paintEnlarged(
  canvas: HTMLCanvasElement,
  paint: (small: HTMLCanvasElement) => void,
  box?: Box,
): void {
  const small = document.createElement("canvas");
  paint(small);
  const zoom = zoomOf(small.width);
  canvas.width = small.width * zoom;
  canvas.height = small.height * zoom;
  const context = canvas.getContext("2d")!;
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (!box) return;
  const scaled = scaleBox(box, zoom);
  frame(canvas, scaled, "#000", 5);
  frame(canvas, scaled, "#ff8c3a", 3);
}

/** The number of maps in a row of the mosaic. */
function mosaicColumns(channels: number): number {
  return Math.min(channels, channels <= 32 ? 8 : 16);
}

/** The size of a tile of the mosaic, and the gap between tiles, in pixels. */
const TILE = 48, GAP = 4;

/** Paints all maps of a layer side by side; the chosen one is framed. */
export function paintMosaic(
  canvas: HTMLCanvasElement,
  maps: Maps,
  chosen: number,
): void {
  const across = mosaicColumns(maps.channels);
  const down = Math.ceil(maps.channels / across);
  canvas.width = across * (TILE + GAP) - GAP;
  canvas.height = down * (TILE + GAP) - GAP;
  const context = canvas.getContext("2d")!;
  context.imageSmoothingEnabled = false;
  const tile = document.createElement("canvas");
  const most = fullColor(maps.values);
  for (let k = 0; k < maps.channels; k++) {
    paintMap(tile, maps, k, most);
    const x = k % across * (TILE + GAP),
      y = Math.floor(k / across) * (TILE + GAP);
    context.drawImage(tile, x, y, TILE, TILE);
    if (k !== chosen) continue;
    context.lineWidth = 3;
    context.strokeStyle = "#d55e00";
    context.strokeRect(x + 1, y + 1, TILE - 2, TILE - 2);
  }
}

/** The map at a position in the mosaic, in the canvas's own pixels. */
export function mosaicAt(channels: number, x: number, y: number): number {
  const across = mosaicColumns(channels);
  const column = Math.min(across - 1, Math.floor(x / (TILE + GAP)));
  const map = Math.floor(y / (TILE + GAP)) * across + column;
  return Math.max(0, Math.min(channels - 1, map));
}

/** Where a pointer is, in the canvas's own pixels. */
export function pointAt(
  canvas: HTMLCanvasElement,
  event: MouseEvent,
): { x: number; y: number } {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return {
    x: (event.clientX - left) / width * canvas.width,
    y: (event.clientY - top) / height * canvas.height,
  };
}

/** Draws a frame over part of an enlarged canvas. */
export function frame(
  canvas: HTMLCanvasElement,
  box: Box,
  color: string,
  line = 0.5,
): void {
  const context = canvas.getContext("2d")!;
  context.strokeStyle = color;
  context.lineWidth = line;
  context.strokeRect(
    box.x + line / 2,
    box.y + line / 2,
    Math.max(line, box.width - line),
    Math.max(line, box.height - line),
  );
}

/** Heat, a value from 0 to 1 for each position of a coarse map, over a face. */
export function paintHeat(
  canvas: HTMLCanvasElement,
  face: Uint8Array,
  parts: ArrayLike<number>,
  rows: number,
  columns: number,
): void {
  paintGray(canvas, face);
  const context = canvas.getContext("2d")!;
  const image = context.getImageData(0, 0, FACE_SIZE, FACE_SIZE);
  let most = 1e-12;
  for (let i = 0; i < parts.length; i++) most = Math.max(most, parts[i]);
  const clamp = (at: number, limit: number) => Math.max(0, Math.min(limit, at));
  for (let y = 0, at = 0; y < FACE_SIZE; y++) {
    const v = clamp((y + 0.5) * rows / FACE_SIZE - 0.5, rows - 1);
    for (let x = 0; x < FACE_SIZE; x++, at += 4) {
      const u = clamp((x + 0.5) * columns / FACE_SIZE - 0.5, columns - 1);
      const top = Math.min(Math.floor(v), Math.max(0, rows - 2));
      const left = Math.min(Math.floor(u), Math.max(0, columns - 2));
      const part = (dy: number, dx: number) =>
        Math.max(
          0,
          parts[
            Math.min(top + dy, rows - 1) * columns +
            Math.min(left + dx, columns - 1)
          ],
        );
      const fy = v - top, fx = u - left;
      const heat = ((part(0, 0) * (1 - fx) + part(0, 1) * fx) * (1 - fy) +
        (part(1, 0) * (1 - fx) + part(1, 1) * fx) * fy) / most;
      const amount = heat * 0.6, keep = 1 - amount;
      image.data[at] = image.data[at] * keep + 240 * amount;
      image.data[at + 1] = image.data[at + 1] * keep +
        (94 + 134 * heat) * amount;
      image.data[at + 2] = image.data[at + 2] * keep + 40 * heat * amount;
    }
  }
  context.putImageData(image, 0, 0);
}
