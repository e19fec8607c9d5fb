// Lays out the memory of lib/haar/wasm for one cascade, image size and set of
// options: the cascade's tables, the layers' blends, the image and all
// buffers. Done once; then images of that size need no allocation.
import type { Cascade } from "../cascade.ts";
import { CascadeTables, largestTree, tableBytes } from "./tables.ts";
import { blend, type Layer } from "../pyramid.ts";
import type { Size } from "../../image/box.ts";

/** What lib/haar/wasm exports. */
export interface HaarExports {
  configure(
    cascadeWidth: number,
    cascadeHeight: number,
    stages: number,
    plainTables: number,
    splitTables: number,
  ): void;
  place(
    pitch: number,
    lines: number,
    sums: number,
    squares: number,
    tiltedSums: number,
    image: number,
    imageWidth: number,
    rows: number,
    rowBytes: number,
    scratch: number,
    groups: number,
    found: number,
    capacity: number,
  ): void;
  restart(): void;
  countFound(): number;
  searchLayer(
    index: number,
    width: number,
    step: number,
    columns: number,
    rows: number,
    columnBlends: number,
    rowBlends: number,
  ): void;
}

/** A layer with the addresses of its blends; 0 if it is the image itself. */
export interface PlacedLayer extends Layer {
  readonly columnBlends: number;
  readonly rowBlends: number;
}

/** The memory as laid out for one image size. */
export interface HaarPlan {
  readonly layers: readonly PlacedLayer[];
  /** The image's bytes. */
  readonly image: Uint8Array;
  /** The windows found, 6 integers each: see haar/wasm/assembly/state.ts. */
  readonly found: Int32Array;
  /** The same memory as 3 doubles each, of which the last is the score. */
  readonly scores: Float64Array;
  /** The number of windows that it has room for. */
  readonly capacity: number;
}

/** Bytes of integral images that fit in a processor's L2 cache. */
const CACHE_BYTES = 512 * 1024;
const PAGE = 65536;
const BLEND_BYTES = 64;

/** The memory of one cascade; its tables are rewritten only when they move. */
export class HaarMemory {
  readonly #cascade: Cascade;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: HaarExports;
  readonly #tables: CascadeTables;
  readonly #tableStarts: [plain: number, split: number];
  readonly #tablesEnd: number;
  #written = "";

  constructor(
    cascade: Cascade,
    memory: WebAssembly.Memory,
    exports: HaarExports,
  ) {
    this.#cascade = cascade;
    this.#memory = memory;
    this.#exports = exports;
    this.#tables = new CascadeTables(cascade);
    const bytes = Math.ceil(tableBytes(cascade) / 64) * 64;
    this.#tableStarts = [64, 64 + bytes];
    this.#tablesEnd = 64 + 2 * bytes;
  }

  /** Lays everything out, grows the memory if needed, and configures the module. */
  plan(image: Size, layers: readonly Layer[], capacity: number): HaarPlan {
    const cascade = this.#cascade;
    const widest = Math.max(8, ...layers.map((layer) => layer.width));
    // Few different pitches, so that the tables can often stay. An odd number
    // of cache lines, so that lines do not share cache sets.
    const pitch = Math.ceil((widest + 24) * 4 / 512) * 512 + 64;
    const fewest = 2 * (cascade.height + 1);
    const lines = Math.max(fewest, CACHE_BYTES / (2 * pitch) | 0);
    const tilted = cascade.features.some((feature) => feature.tilted);
    const rowBytes = Math.ceil((widest + 32) / 16) * 16;
    let end = this.#tablesEnd;
    const reserve = (bytes: number) => {
      const start = end;
      end += Math.ceil(bytes / 64) * 64;
      return start;
    };
    const sums = reserve(lines * pitch);
    const squares = reserve(lines * pitch);
    const tiltedSums = tilted ? reserve(lines * pitch) : 0;
    const placed = layers.map((layer): PlacedLayer => {
      const same = layer.width === image.width && layer.height === image.height;
      const blocks = Math.ceil(layer.width / 8);
      const columnBlends = same ? 0 : reserve(blocks * BLEND_BYTES);
      const rowBlends = same ? 0 : reserve(layer.height * 8);
      return { ...layer, columnBlends, rowBlends };
    });
    const pixels = reserve(image.width * image.height + 64);
    const rows = reserve(rowBytes * 6);
    const scratch = reserve(64 * largestTree(cascade));
    const groups = reserve(lines * (widest / 16 + 2) * 32 + 4096);
    const found = reserve(capacity * 24 + 64);
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));

    const { buffer } = this.#memory;
    this.#writeTables(pitch, tiltedSums - sums);
    for (const layer of placed) {
      if (layer.columnBlends === 0) continue;
      writeColumnBlends(buffer, layer.columnBlends, image.width, layer.width);
      writeRowBlends(buffer, layer.rowBlends, image.height, layer.height);
    }
    this.#exports.configure(
      cascade.width,
      cascade.height,
      cascade.stages.length,
      ...this.#tableStarts,
    );
    // deno-fmt-ignore
    this.#exports.place(
      pitch, lines, sums, squares, tiltedSums, pixels, image.width,
      rows, rowBytes, scratch, groups, found, capacity,
    );
    return {
      layers: placed,
      image: new Uint8Array(buffer, pixels, image.width * image.height),
      found: new Int32Array(buffer, found, capacity * 6),
      scores: new Float64Array(buffer, found, capacity * 3),
      capacity,
    };
  }

  #writeTables(pitch: number, toTilted: number): void {
    const layout = `${pitch} ${toTilted}`;
    if (layout === this.#written) return;
    for (const [i, split] of [false, true].entries()) {
      this.#tables.write(
        { pitch, split, toTilted },
        this.#memory.buffer,
        this.#tableStarts[i],
      );
    }
    this.#written = layout;
  }
}

function writeRowBlends(
  buffer: ArrayBuffer,
  start: number,
  source: number,
  target: number,
): void {
  const table = new Int32Array(buffer, start, 2 * target);
  for (let y = 0; y < target; y++) {
    const { first, weight } = blend(y, source, target);
    table[2 * y] = first;
    table[2 * y + 1] = weight;
  }
}

/**
 * For 8 pixels each: the first source pixel (0), the kind (4): 0 if all lie
 * within 16 bytes, 1 within 32, else 2; which bytes are the left and the right
 * neighbors (16, 32), or for kind 2 the 8 source pixels (8); weights (48).
 */
function writeColumnBlends(
  buffer: ArrayBuffer,
  start: number,
  source: number,
  target: number,
): void {
  const view = new DataView(buffer);
  for (let x = 0; x < target; x += 8) {
    const at = start + x / 8 * BLEND_BYTES;
    const last = target - 1;
    const base = blend(x, source, target).first;
    const span = blend(Math.min(x + 7, last), source, target).first + 2 - base;
    const kind = span <= 16 ? 0 : span <= 32 ? 1 : 2;
    view.setInt32(at, base, true);
    view.setInt32(at + 4, kind, true);
    for (let i = 0; i < 8; i++) {
      const { first, weight } = blend(Math.min(x + i, last), source, target);
      view.setInt16(at + 48 + 2 * i, weight, true);
      if (kind === 2) {
        view.setInt32(at + 8 + 4 * i, first, true);
      } else {
        // 128 in the high byte of each 16-bit lane picks nothing.
        view.setUint16(at + 16 + 2 * i, 0x8000 | (first - base), true);
        view.setUint16(at + 32 + 2 * i, 0x8000 | (first - base + 1), true);
      }
    }
  }
}
