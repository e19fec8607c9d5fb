// What one search works with: addresses in memory and sizes. Set by
// `configure` before a search, from lib/haar/fast/memory.ts, which lays the memory
// out; nothing here is allocated.

/** The window's sides and the pixels less a border of one, for the norm. */
export let windowWidth: i32 = 0;
export let windowHeight: i32 = 0;
export let area: f64 = 0;

/** Bytes from one line of the integral images to the next. */
export let pitch: i32 = 0;
/** Lines that the integral images have room for. */
export let lineCount: i32 = 0;
/** The integral images; tilted is 0 if no feature needs it. */
export let sums: usize = 0;
export let squares: usize = 0;
export let tilted: usize = 0;

/** The gray image and the bytes of its rows. */
export let image: usize = 0;
export let imageWidth: i32 = 0;

/** Four buffers of one row: two of pixels, two of half-resized pixels. */
export let rows: usize = 0;
export let rowBytes: i32 = 0;

/** 64 bytes for each node of the largest tree: its votes on 16 windows. */
export let scratch: usize = 0;

/** Groups of windows that no stage has rejected: address and lanes. */
export let groups: usize = 0;

/** The windows found: layer, x, y, unused (32 bits each), score (a double). */
export let found: usize = 0;
export let foundCapacity: i32 = 0;
export let foundCount: i32 = 0;

/** The cascade's tables, once for each of the two column orders. */
export let stageCount: i32 = 0;
export let plainStages: usize = 0;
export let splitStages: usize = 0;

export function configure(
  cascadeWidth: i32,
  cascadeHeight: i32,
  stages: i32,
  plainTables: usize,
  splitTables: usize,
): void {
  windowWidth = cascadeWidth;
  windowHeight = cascadeHeight;
  area = <f64> ((cascadeWidth - 2) * (cascadeHeight - 2));
  stageCount = stages;
  plainStages = plainTables;
  splitStages = splitTables;
}

export function place(
  linePitch: i32,
  lines: i32,
  sumTable: usize,
  squareTable: usize,
  tiltedTable: usize,
  imageStart: usize,
  width: i32,
  rowBuffers: usize,
  bytesOfRow: i32,
  treeScratch: usize,
  groupList: usize,
  foundList: usize,
  capacity: i32,
): void {
  pitch = linePitch;
  lineCount = lines;
  sums = sumTable;
  squares = squareTable;
  tilted = tiltedTable;
  image = imageStart;
  imageWidth = width;
  rows = rowBuffers;
  rowBytes = bytesOfRow;
  scratch = treeScratch;
  groups = groupList;
  found = foundList;
  foundCapacity = capacity;
  foundCount = 0;
}

/** Forgets what was found. */
export function restart(): void {
  foundCount = 0;
}

/** How many windows were found; more than the capacity are only counted. */
export function countFound(): i32 {
  return foundCount;
}

export function report(layer: i32, x: i32, y: i32, score: f64): void {
  if (foundCount < foundCapacity) {
    const at = found + <usize> foundCount * 24;
    store<i32>(at, layer);
    store<i32>(at, x, 4);
    store<i32>(at, y, 8);
    store<f64>(at, score, 16);
  }
  foundCount++;
}
