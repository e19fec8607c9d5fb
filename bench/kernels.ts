// `deno task bench kernels`: the rate of each kernel of the fast network on one
// face's layers, in GFLOP/s or GB/s (read and written), the best of many runs:
// the table of lib/network/wasm/README.md. One JSON line a measurement.

import process from "node:process";
import { parseArgs } from "node:util";
import type { Kernels } from "../lib/network/wasm/kernels.ts";
import { loadModule } from "../lib/load_wasm.ts";

const RUNS = 400;

if (parseArgs({ options: { help: { type: "boolean" } } }).values.help) {
  console.log("Usage: deno task bench kernels");
  process.exit(0);
}

const memory = new WebAssembly.Memory({ initial: 256 });
const kernels = await loadModule<Kernels>(
  new URL("../lib/network/wasm/", import.meta.url),
  "kernels",
  memory,
);
const floats = new Float32Array(memory.buffer);
for (let i = 0; i < floats.length; i++) floats[i] = Math.sin(i);
const table = new Int32Array(memory.buffer, 64, 16).fill(0);
const MEGABYTE = 2 ** 20;
// Apart by odd amounts, so that they do not fall on the same cache lines.
const [x, y, w, other] = [1, 3, 5, 7].map((m) => m * MEGABYTE + m * 448);

/** Seconds of the fastest run. */
function best(run: () => void): number {
  let least = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const started = performance.now();
    run();
    least = Math.min(least, performance.now() - started);
  }
  return least / 1000;
}

function report(
  kernel: string,
  shape: string,
  unit: "GFLOP/s" | "GB/s",
  amount: number,
  run: () => void,
): void {
  const rate = Number((amount / 1e9 / best(run)).toFixed(1));
  console.log(JSON.stringify({ bench: "kernel", kernel, shape, rate, unit }));
}

for (
  const [pixels, inputs, outputs] of [
    [1936, 8, 16],
    [1936, 16, 16],
    [484, 32, 32],
    [484, 64, 64],
    [144, 128, 128],
  ]
) {
  const shape = `${pixels} x ${inputs} x ${outputs}`;
  const work = 2 * pixels * inputs * outputs;
  const from = [x, 0, 0, inputs * 4, 64, 1, inputs];
  report("conv", shape, "GFLOP/s", work, () =>
    kernels.conv(
      ...[...from, w, 0, y, 0, 0, outputs * 4, 1, 1, pixels, outputs / 8, 0],
    ));
  report("convFilter", shape, "GFLOP/s", work, () =>
    kernels.convFilter(
      ...[...from, y, 0, 0, outputs * 4, w, 1, 1, pixels, outputs / 8],
    ));
}

for (const [size, channels] of [[44, 16], [22, 32], [11, 64], [6, 128]]) {
  const shape = `${size} x ${size} x ${channels}`;
  const pixel = channels * 4, row = (size + 2) * pixel;
  for (let tap = 0; tap < 9; tap++) {
    table[tap] = Math.floor(tap / 3) * row + tap % 3 * pixel;
  }
  const work = 2 * 9 * size * size * channels;
  const bytes = size * size * pixel;
  const from = [x, 0, row, pixel, 64, 9];
  const map = [size * size * pixel, size * pixel];
  const end = [1, size, size, channels];
  report(
    "depthwise",
    shape,
    "GFLOP/s",
    work,
    () => kernels.depthwise(...[...from, w, 0, y, ...map, pixel, ...end, 0]),
  );
  report(
    "depthwiseFilter",
    shape,
    "GFLOP/s",
    work,
    () => kernels.depthwiseFilter(...[...from, y, ...map, pixel, w, ...end]),
  );
  report(
    "moments",
    shape,
    "GB/s",
    bytes,
    () => kernels.moments(x, size * size, channels, other, w),
  );
  report(
    "normalize",
    shape,
    "GB/s",
    2 * bytes,
    () => kernels.normalize(x, other, other, 0, y, ...map, ...end),
  );
  report("normalizeSums", shape, "GB/s", 2 * bytes, () =>
    kernels.normalizeSums(
      ...[x, y, size * size, channels, other, other, other, 0, w],
    ));
  report(
    "normalizeGradient",
    shape,
    "GB/s",
    3 * bytes,
    () => kernels.normalizeGradient(x, y, other, 0, w, ...map, ...end),
  );
  const half = Math.ceil(size / 2), before = size % 2;
  const window = [3, 3, 2, 2, before, before];
  const pooled = half * half * pixel;
  const input = [x, size, size, channels];
  const places = w + MEGABYTE;
  // Read: the input. Written: maxima, their values before scaling, places.
  report("maxPool", shape, "GB/s", bytes + 2.25 * pooled, () =>
    kernels.maxPool(
      ...[...input, other, other, 0, 0, 0, ...window, y, pooled, half * pixel],
      ...[places, w, 1, half, half],
    ));
  report(
    "maxPoolGradient",
    shape,
    "GB/s",
    2 * bytes + 1.25 * pooled,
    () =>
      kernels.maxPoolGradient(
        ...[...input, other, ...window, y, places, w, 1, half, half],
      ),
  );
  report(
    "copyRows",
    shape,
    "GB/s",
    2 * bytes,
    () => kernels.copyRows(x, 0, 0, y, 0, 0, 1, 1, bytes, 0),
  );
}
report("adam", "58,423 weights", "GB/s", 58424 * 4 * 9, () => {
  kernels.adam(
    ...[x, y, w, other, x + MEGABYTE, y + MEGABYTE, 58424],
    ...[0, 0.9, 0.999, 0.5, 0.5, 1e-7, 0],
  );
});
