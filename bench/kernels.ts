// `deno task bench kernels`: the rate of each kernel of the fast network on one
// face's layers, in GFLOP/s or GB/s (read and written), the best of many runs:
// the table in lib/network/wasm/README.md. One JSON line per measurement.

import {
  Arena,
  PixelBuffer,
  type Step,
} from "../lib/network/compiler/buffers.ts";
import { copy } from "../lib/network/compiler/steps/element_steps.ts";
import {
  moments,
  normalize,
  normalizeGradient,
  normalizeSums,
} from "../lib/network/compiler/steps/norm_steps.ts";
import {
  maxPool,
  maxPoolGradient,
} from "../lib/network/compiler/steps/pool_steps.ts";
import {
  conv,
  convFilter,
  depthwise,
  depthwiseFilter,
} from "../lib/network/compiler/steps/window_steps.ts";
import type { Window } from "../lib/network/graph.ts";
import type { Kernels } from "../lib/network/wasm/kernels.ts";
import { loadModule } from "../lib/load_wasm.ts";
import { runTask } from "../tasks/command_line.ts";

const HELP = `Usage: deno task bench kernels

Prints {"bench":"kernel","kernel","shape","rate","unit"} for each kernel of the fast
network and each shape of one face's layers, the best of many runs.`;

const RUNS = 400;

const memory = new WebAssembly.Memory({ initial: 256 });
const kernels = await loadModule<Kernels>(
  new URL("../lib/network/wasm/", import.meta.url),
  "kernels",
  memory,
);
const floats = new Float32Array(memory.buffer);
for (let i = 0; i < floats.length; i++) floats[i] = Math.sin(i);
const arena = new Arena();

/** Seconds of the fastest run. */
function best(run: Step): number {
  let least = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const started = performance.now();
    run(0, 1);
    least = Math.min(least, performance.now() - started);
  }
  return least / 1000;
}

function report(
  kernel: string,
  shape: string,
  unit: "GFLOP/s" | "GB/s",
  amount: number,
  run: Step,
): void {
  const rate = Number((amount / 1e9 / best(run)).toFixed(1));
  console.log(JSON.stringify({ bench: "kernel", kernel, shape, rate, unit }));
}

/** Pixels of one face, with zero pixels around it or none. */
function pixels(size: number, channels: number, around = 0): PixelBuffer {
  const border = { top: around, left: around, bottom: around, right: around };
  const buffer = new PixelBuffer(size, size, channels, border).keep();
  buffer.place(arena.allocate(buffer.faceBytes));
  return buffer;
}

/** Writes a table of numbers and returns its address. */
function table(numbers: number[]): number {
  const address = arena.allocate(numbers.length * 4);
  new Int32Array(memory.buffer, address, numbers.length).set(numbers);
  return address;
}

function window(size: number, stride: number, around: number): Window {
  return {
    size: [size, size],
    strides: [stride, stride],
    dilation: [1, 1],
    top: around,
    left: around,
  };
}

await runTask({ help: HELP, options: {} }, measure);

function measure(): void {
  const point = window(1, 1, 0);
  const here = table([0]);
  const weights = arena.allocate(2 ** 18);
  const gradients = arena.allocate(2 ** 18);

  for (
    const [size, inputs, outputs] of [
      [44, 8, 16],
      [44, 16, 16],
      [22, 32, 32],
      [22, 64, 64],
      [12, 128, 128],
    ]
  ) {
    const shape = `${size * size} x ${inputs} x ${outputs}`;
    const work = 2 * size * size * inputs * outputs;
    const x = pixels(size, inputs), y = pixels(size, outputs);
    const taps = { address: here, count: 1, floats: inputs };
    const sliding = { window: point, taps, x, y };
    report(
      "conv",
      shape,
      "GFLOP/s",
      work,
      conv(kernels, { ...sliding, weights, bias: 0, mode: "set" }),
    );
    report(
      "convFilter",
      shape,
      "GFLOP/s",
      work,
      convFilter(kernels, { ...sliding, out: gradients }),
    );
  }

  for (const [size, channels] of [[44, 16], [22, 32], [11, 64], [6, 128]]) {
    const shape = `${size} x ${size} x ${channels}`;
    const wide = pixels(size, channels, 1);
    const x = pixels(size, channels), dy = pixels(size, channels);
    const dx = pixels(size, channels);
    const work = 2 * 9 * size * size * channels;
    const bytes = x.faceBytes;
    const offsets = Array.from(
      { length: 9 },
      (_, tap) =>
        Math.floor(tap / 3) * wide.rowBytes + tap % 3 * wide.pixelBytes,
    );
    const taps = { address: table(offsets), count: 9, floats: channels };
    const sliding = { window: window(3, 1, 1), taps, x: wide, y: dy };
    report(
      "depthwise",
      shape,
      "GFLOP/s",
      work,
      depthwise(kernels, { ...sliding, weights, bias: 0, mode: "set" }),
    );
    report(
      "depthwiseFilter",
      shape,
      "GFLOP/s",
      work,
      depthwiseFilter(kernels, { ...sliding, out: gradients }),
    );
    const affine = { scale: weights, shift: weights };
    const relu = true, sums = gradients, slopes = gradients, mean = weights;
    report(
      "moments",
      shape,
      "GB/s",
      bytes,
      moments(kernels, { x, pivot: weights, sums }),
    );
    report(
      "normalize",
      shape,
      "GB/s",
      2 * bytes,
      normalize(kernels, { x, y: dy, affine, relu }),
    );
    report(
      "normalizeSums",
      shape,
      "GB/s",
      2 * bytes,
      normalizeSums(kernels, { x, dy, mean, affine, relu, slopes }),
    );
    const coefficients = weights;
    report(
      "normalizeGradient",
      shape,
      "GB/s",
      3 * bytes,
      normalizeGradient(kernels, {
        x,
        dy,
        dx,
        coefficients,
        relu,
        adds: false,
      }),
    );
    const half = Math.ceil(size / 2);
    const pool = window(3, 2, size % 2);
    const pooled = pixels(half, channels);
    const places = pixels(half, channels);
    // Read: the input. Written: maxima, and their places as bytes.
    report(
      "maxPool",
      shape,
      "GB/s",
      bytes + 1.25 * pooled.faceBytes,
      maxPool(kernels, {
        window: pool,
        x,
        y: pooled,
        affine,
        places,
      }),
    );
    report(
      "maxPoolGradient",
      shape,
      "GB/s",
      2 * bytes + 1.25 * pooled.faceBytes,
      maxPoolGradient(kernels, {
        window: pool,
        normalized: { x, coefficients },
        places,
        dy: pooled,
        dx,
      }),
    );
    report(
      "copyRows",
      shape,
      "GB/s",
      2 * bytes,
      copy(kernels, { from: x, to: dx, adds: false }),
    );
  }

  const count = 58424;
  const [values, slopes, l2, decay, first, second] = Array.from(
    { length: 6 },
    () => arena.allocate(count * 4),
  );
  report("adam", "58,424 weights", "GB/s", count * 4 * 9, () => {
    const [rate, beta1, beta2, correction1, correction2] = [
      0,
      0.9,
      0.999,
      1,
      1,
    ];
    kernels.adam(
      values,
      slopes,
      l2,
      decay,
      first,
      second,
      count,
      rate,
      beta1,
      beta2,
      correction1,
      correction2,
      1e-7,
      0,
    );
  });
}
