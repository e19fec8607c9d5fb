/**
 * Video frames as decoders return them: a plane of luma and two of chroma at
 * half size (YUV 4:2:0, BT.601, limited range).
 *
 * The detector needs gray and the encoder this same format, so frames are never
 * converted to RGB. Gray is the luma plane, stretched; annotations are drawn on
 * a transparent layer and blended in where something was drawn.
 *
 * @module
 */
import type { ColorImage } from "../image/gray.ts";

/** One 4:2:0 frame: luma, then blue and red chroma, row by row. */
export interface YuvFrame {
  /** Even. */
  readonly width: number;
  /** Even. */
  readonly height: number;
  /** `width * height * 3 / 2` bytes. */
  readonly data: Uint8Array;
}

/** Luma 16 to 235 as gray 0 to 255. */
const GRAY_OF_LUMA = Uint8Array.from(
  { length: 256 },
  (_, luma) => Math.min(255, Math.max(0, Math.round((luma - 16) * 255 / 219))),
);

/** Writes a frame's gray values, 0 to 255, into `gray`. */
export function lumaToGray(frame: YuvFrame, gray: Uint8Array): void {
  const { data } = frame, pixels = frame.width * frame.height;
  for (let i = 0; i < pixels; i++) gray[i] = GRAY_OF_LUMA[data[i]];
}

const TILE = 16;

/**
 * A transparent RGBA layer over frames. Tiles of 16 x 16 pixels record what was
 * painted, so that blending costs little where little was drawn.
 */
export class Overlay {
  readonly image: ColorImage;
  private readonly columns: number;
  private readonly painted: Uint8Array;

  constructor(readonly width: number, readonly height: number) {
    const data = new Uint8ClampedArray(width * height * 4);
    this.image = { width, height, data };
    this.columns = Math.ceil(width / TILE);
    this.painted = new Uint8Array(this.columns * Math.ceil(height / TILE));
  }

  /** Records a painted rectangle; `drawFaces` calls it. */
  readonly touched = (x: number, y: number, width: number, height: number) => {
    const last = (start: number, length: number, limit: number) =>
      Math.floor((Math.min(start + length, limit) - 1) / TILE);
    const right = last(x, width, this.width);
    const bottom = last(y, height, this.height);
    for (let row = Math.max(0, Math.floor(y / TILE)); row <= bottom; row++) {
      const left = Math.max(0, Math.floor(x / TILE));
      this.painted.fill(
        1,
        row * this.columns + left,
        row * this.columns + right + 1,
      );
    }
  };

  /** Blends what was painted into a frame and clears the layer. */
  blendInto(frame: YuvFrame): void {
    for (let tile = 0; tile < this.painted.length; tile++) {
      if (!this.painted[tile]) continue;
      this.painted[tile] = 0;
      const left = tile % this.columns * TILE;
      const top = Math.floor(tile / this.columns) * TILE;
      const right = Math.min(left + TILE, this.width);
      const bottom = Math.min(top + TILE, this.height);
      for (let y = top; y < bottom; y += 2) {
        for (let x = left; x < right; x += 2) this.blendFour(frame, x, y);
        this.image.data.fill(
          0,
          (y * this.width + left) * 4,
          (y * this.width + right) * 4,
        );
        this.image.data.fill(
          0,
          ((y + 1) * this.width + left) * 4,
          ((y + 1) * this.width + right) * 4,
        );
      }
    }
  }

  /** Four luma values and the one pair of chroma values they share. */
  private blendFour({ data: frame }: YuvFrame, x: number, y: number) {
    const { width, height, image: { data } } = this;
    let red = 0, green = 0, blue = 0, alpha = 0;
    for (let i = 0; i < 4; i++) {
      const at = (y + (i >> 1)) * width + x + (i & 1), p = at * 4;
      const a = data[p + 3];
      if (a === 0) continue;
      const r = data[p], g = data[p + 1], b = data[p + 2];
      const luma = (16 * a + 65.481 * r + 128.553 * g + 24.966 * b) / 255;
      frame[at] = frame[at] * (1 - a / 255) + luma + 0.5;
      red += r, green += g, blue += b, alpha += a;
    }
    if (alpha === 0) return;
    const keep = 1 - alpha / 1020;
    const cb = 128 * alpha - 37.797 * red - 74.203 * green + 112 * blue;
    const cr = 128 * alpha + 112 * red - 93.786 * green - 18.214 * blue;
    const u = width * height + (y >> 1) * (width >> 1) + (x >> 1);
    const v = u + (width >> 1) * (height >> 1);
    frame[u] = frame[u] * keep + cb / 1020 + 0.5;
    frame[v] = frame[v] * keep + cr / 1020 + 0.5;
  }
}
