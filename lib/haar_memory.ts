// Lays out the memory of lib/wasm/haar for one cascade, image size and set of
// options: the cascade's tables, the layers' blends, the image and all
// buffers. Done once; then images of that size need no allocation.
import type { Cascade } from "./cascade.ts";
import { roundHalfEven } from "./gray.ts";
import { onlyStumps, tableBytes, writeTables } from "./haar_tables.ts";
import type { Layer, Size } from "./pyramid.ts";

/** What lib/wasm/haar exports. */
export interface HaarExports {
  configure(...values: number[]): void;
  place(...values: number[]): void;
  restart(): void;
  countFound(): number;
  searchLayer(
    index: number,
    width: number,
    step: number,
    columns: number,
    from: number,
    to: number,
    columnBlends: number,
    rowBlends: number,
  ): void;
}

/** A layer with the addresses of its blends; 0 where it is the image. */
export interface PlacedLayer extends Layer {
  readonly columnBlends: number;
  readonly rowBlends: number;
}

/** Where things are in memory. */
export interface HaarPlan {
  readonly layers: readonly PlacedLayer[];
  /** The image's bytes. */
  readonly image: Uint8Array;
  /** What was found: 6 integers each, see assembly/state.ts. */
  readonly found: Int32Array;
  /** The same memory, for the scores: 3 doubles each, the last one counts. */
  readonly scores: Float64Array;
  /** How many can be found. */
  readonly capacity: number;
}

/** Bytes of integral images that stay in a processor's second cache. */
const CACHE_BYTES = 512 * 1024;
const PAGE = 65536;
const BLEND_BYTES = 64;

/** Lays everything out and tells the module; grows the memory if needed. */
export function planMemory(
  cascade: Cascade,
  image: Size,
  layers: readonly Layer[],
  capacity: number,
  memory: WebAssembly.Memory,
  exports: HaarExports,
): HaarPlan {
  const widest = Math.max(8, ...layers.map((layer) => layer.width));
  const tallest = Math.max(1, ...layers.map((layer) => layer.height));
  // An odd number of cache lines, so that lines do not share cache sets.
  const pitch = (Math.ceil((widest + 24) * 4 / 128) * 2 + 1) * 64;
  const fewest = 2 * (cascade.height + 1);
  const lines = Math.max(
    cascade.height + 2,
    Math.min(tallest + 1, Math.max(fewest, CACHE_BYTES / (2 * pitch) | 0)),
  );
  const tilted = cascade.features.some((feature) => feature.tilted);
  const rowBytes = Math.ceil((widest + 32) / 16) * 16;
  let end = 64;
  const reserve = (bytes: number) => {
    const start = end;
    end += Math.ceil(bytes / 64) * 64;
    return start;
  };
  const tables = [0, 1].map(() => reserve(tableBytes(cascade)));
  const placed = layers.map((layer): PlacedLayer => {
    const same = layer.width === image.width && layer.height === image.height;
    const blocks = Math.ceil(layer.width / 8);
    const columnBlends = same ? 0 : reserve(blocks * BLEND_BYTES);
    const rowBlends = same ? 0 : reserve(layer.height * 8);
    return { ...layer, columnBlends, rowBlends };
  });
  const pixels = reserve(image.width * image.height + 64);
  const rows = reserve(rowBytes * 6);
  const sums = reserve(lines * pitch);
  const squares = reserve(lines * pitch);
  const tiltedSums = tilted ? reserve(lines * pitch) : 0;
  const groups = reserve(lines * (widest / 16 + 2) * 32 + 4096);
  const found = reserve(capacity * 24 + 64);
  const pages = Math.ceil(end / PAGE) - memory.buffer.byteLength / PAGE;
  if (pages > 0) memory.grow(pages);

  const { buffer } = memory;
  for (const [i, split] of [false, true].entries()) {
    const layout = { pitch, split, toTilted: tiltedSums - sums };
    writeTables(cascade, layout, buffer, tables[i]);
  }
  for (const layer of placed) {
    if (layer.columnBlends === 0) continue;
    writeColumnBlends(buffer, layer.columnBlends, image.width, layer.width);
    writeRowBlends(buffer, layer.rowBlends, image.height, layer.height);
  }
  const stumps = onlyStumps(cascade) ? 1 : 0;
  exports.configure(
    ...[cascade.width, cascade.height, cascade.stages.length, stumps],
    ...tables,
  );
  exports.place(
    ...[pitch, lines, sums, squares, tiltedSums, pixels, image.width],
    ...[rows, rowBytes, groups, found, capacity],
  );
  return {
    layers: placed,
    image: new Uint8Array(buffer, pixels, image.width * image.height),
    found: new Int32Array(buffer, found, capacity * 6),
    scores: new Float64Array(buffer, found, capacity * 3),
    capacity,
  };
}

/** First source pixel and weight of the second, in 1/256, of a pixel. */
function blend(target: number, scale: number, source: number) {
  const place = scale * (target + 0.5) - 0.5;
  const first = Math.floor(place);
  if (first < 0) return { first: 0, weight: 0 };
  if (first >= source - 1) return { first: source - 1, weight: 0 };
  return { first, weight: roundHalfEven((place - first) * 256) };
}

function writeRowBlends(
  buffer: ArrayBuffer,
  start: number,
  source: number,
  target: number,
): void {
  const table = new Int32Array(buffer, start, 2 * target);
  const scale = 1 / (target / source);
  for (let y = 0; y < target; y++) {
    const { first, weight } = blend(y, scale, source);
    table[2 * y] = first;
    table[2 * y + 1] = weight;
  }
}

/**
 * For 8 pixels each: the first source pixel (0), the kind (4): 0 where all lie
 * within 16 bytes, 1 within 32, else 2; which bytes are the left and the right
 * neighbours (16, 32), or for kind 2 the 8 source pixels (8); weights (48).
 */
function writeColumnBlends(
  buffer: ArrayBuffer,
  start: number,
  source: number,
  target: number,
): void {
  const view = new DataView(buffer);
  const scale = 1 / (target / source);
  for (let x = 0; x < target; x += 8) {
    const at = start + x / 8 * BLEND_BYTES;
    const blends = Array.from(
      { length: 8 },
      (_, i) => blend(Math.min(x + i, target - 1), scale, source),
    );
    const base = blends[0].first;
    const span = blends[7].first + 2 - base;
    const kind = span <= 16 ? 0 : span <= 32 ? 1 : 2;
    view.setInt32(at, base, true);
    view.setInt32(at + 4, kind, true);
    for (const [i, { first, weight }] of blends.entries()) {
      view.setInt16(at + 48 + 2 * i, weight, true);
      if (kind === 2) {
        view.setInt32(at + 8 + 4 * i, first, true);
      } else {
        // The high byte of each 16-bit lane is none: 128 picks nothing.
        view.setUint16(at + 16 + 2 * i, 0x8000 | (first - base), true);
        view.setUint16(at + 32 + 2 * i, 0x8000 | (first - base + 1), true);
      }
    }
  }
}
