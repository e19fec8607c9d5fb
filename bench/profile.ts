// `deno task bench profile`: where a forward pass or a training step of 64 faces
// spends its time, kernel by kernel: how long each takes, what it computes and moves,
// and which limit of this machine it is closer to. The whole is measured too. One
// JSON line per kernel and shape.

import * as tf from "@tensorflow/tfjs";
import { loadModule } from "../lib/load_wasm.ts";
import { buildMiniXception } from "../lib/model/mini_xception.ts";
import { buildWideXception } from "../lib/model/wide_xception.ts";
import { Network } from "../lib/network/network.ts";
import { Optimizer } from "../lib/network/optimizer.ts";
import { readTrained } from "../lib/network/trained.ts";
import type { Kernels } from "../lib/network/wasm/kernels.ts";
import { readChoice, readNumber, runTask } from "../tasks/command_line.ts";

const HELP =
  `Usage: deno task bench profile [--model mini|wide] [--step] [--runs N]

Prints {"bench":"profile","kernel","shape","calls","ms","percent","gflops",
"gbs","bound","reached"}, a line per kernel and shape, slowest first, then a line per
kernel, then the sum of all and the time of the whole; the difference is JavaScript.
The time of a call is its fastest in all runs. bound is the limit that the kernel is
closer to, arithmetic or memory, and reached is the share of that limit: of the rate
of multiply-adds in a large matrix product, or of a copy in the second-level cache.
The last line has both, and the rate of a copy too large for the caches, which limits
kernels that read a whole batch.

  --model M   mini (default) or wide
  --step      a training step (forward, backward, Adam), not a forward pass
  --runs N    runs (default 30)
  --help      show this text`;

const BATCH = 64;

/** What a call works on: its shape, floating-point operations and bytes. */
type Work = [shape: string, flops: number, bytes: number];

/** A convolution's or its gradient's: `at` is where faces and sizes start. */
function products(a: number[], at: number, maps: number): Work {
  const [xPixel, taps, length] = [a[3], a[5], a[6]];
  const [faces, height, width, panels] = a.slice(at);
  const pixels = faces * height * width;
  return [
    `${taps} x ${length} to ${panels * 8}`,
    2 * pixels * taps * length * panels * 8,
    pixels * (Math.min(xPixel, 4 * length) + maps * panels * 32),
  ];
}

/** Faces, height, width and channels from `at` on, a few operations a float. */
function pixels(a: number[], at: number, flops: number, floats: number): Work {
  const [faces, height, width, channels] = a.slice(at);
  const count = faces * height * width * channels;
  const shape = `${height} x ${width} x ${channels}`;
  return [shape, flops * count, floats * 4 * count];
}

/** Two maps of a pooling: the larger, and the smaller whose sizes start at `at`. */
function pooling(a: number[], at: number, large: number, small: number): Work {
  const [, height, width, channels] = a;
  const [faces, rows, columns] = a.slice(at);
  const outputs = faces * rows * columns * channels;
  const window = at === 20 ? a[9] * a[10] : 4;
  return [
    `${height} x ${width} x ${channels}`,
    window * outputs,
    4 * (faces * height * width * channels * large + outputs * small),
  ];
}

const flat = (count: number, flops: number, floats: number): Work => [
  "",
  flops * count,
  4 * floats * count,
];

/** The work of a call by its arguments (wasm/kernels.ts), where it matters. */
const WORK: Record<string, (a: number[]) => Work> = {
  conv: (a) => products(a, 13, a[17] === 2 ? 2 : 1),
  convFilter: (a) => products(a, 12, 1),
  depthwise: (a) => pixels(a, 12, 2 * a[5], a[16] === 2 ? 3 : 2),
  depthwiseFilter: (a) => pixels(a, 11, 2 * a[5], 2),
  depthwiseInput: (a) => pixels(a, 11, 2 * a[5], 3),
  normalize: (a) => pixels(a, 8, a[3] ? 4 : 3, a[3] ? 3 : 2),
  normalizeGradient: (a) => pixels(a, 7, 6, a[11] ? 4 : 3),
  normalizeSums: (a) => pixels([1, 1, a[2], a[3]], 0, 6, 2),
  moments: (a) => pixels([1, 1, a[1], a[2]], 0, 4, 1),
  maxPool: (a) => pooling(a, 19, 1, 1 + (a[6] ? 1 : 0) + (a[18] ? 0.25 : 0)),
  maxPoolGradient: (a) => pooling(a, 14, a[4] ? 2 : 1, 1.25),
  winogradInput: (a) => pixels([a[4], a[5], a[6], a[7]], 0, 18, 10),
  winogradOutput: (a) => pixels([a[5], a[6], a[7], a[8]], 0, 16, 10),
  globalAverage: (a) => pixels(a, 4, 1, 1),
  globalAverageGradient: (a) => pixels([a[2], 1, a[3], a[4]], 0, 1, 1),
  copyRows: (a) => pixels([a[6], a[7], a[8] / 4, 1], 0, a[9], 2 + a[9]),
  gather: (a) => flat(a[3], 0, 3),
  zero: (a) => flat(a[1] / 4, 0, 1),
  activate: (a) => flat(a[3], 1, 2),
  activateGradient: (a) => flat(a[4], 1, 3),
  same: (a) => flat(a[2] / 4, 0, 2),
  adam: (a) => flat(a[6], 15, 9),
};

/** The calls of one run, in order, each with its fastest time of all runs. */
interface Call {
  kernel: string;
  work: Work;
  ms: number;
}

/** Times every call of a kernel while `on`. */
class Stopwatch {
  on = false;
  readonly calls: Call[] = [];
  #next = 0;

  begin(): void {
    this.#next = 0;
  }

  /** The same exports, with each call timed. */
  watch(exports: WebAssembly.Exports): WebAssembly.Exports {
    return Object.fromEntries(
      Object.entries(exports).map(([kernel, value]) => {
        const call = value as (...args: number[]) => unknown;
        const watched = (...args: number[]) => {
          if (!this.on) return call(...args);
          const started = performance.now();
          const result = call(...args);
          this.#note(kernel, args, performance.now() - started);
          return result;
        };
        return [kernel, watched];
      }),
    );
  }

  #note(kernel: string, args: number[], ms: number): void {
    const known = this.calls[this.#next];
    if (known) known.ms = Math.min(known.ms, ms);
    else {
      const work = WORK[kernel]?.(args) ?? ["", 0, 0];
      this.calls.push({ kernel, work, ms });
    }
    this.#next++;
  }
}

/** The fastest times of what sets the limits, in ms. */
class Limits {
  product = Infinity;
  cached = Infinity;
  copied = Infinity;

  private constructor(readonly kernels: Kernels) {}

  static async create(): Promise<Limits> {
    const memory = new WebAssembly.Memory({ initial: 300 });
    const base = new URL("../lib/network/wasm/", import.meta.url);
    return new Limits(await loadModule<Kernels>(base, "kernels", memory));
  }

  /** A product of 144 x 128 x 128, a copy of 124 KB, and one of 64 times as much. */
  measure(): void {
    const { kernels } = this;
    const [x, y] = [1 << 16, 9 << 20], row = 44 * 16 * 4, face = 44 * row;
    const timed = (run: () => void) => {
      const started = performance.now();
      run();
      return performance.now() - started;
    };
    const product = () =>
      // deno-fmt-ignore
      kernels.conv(
        x, 0, 0, 512, 0, 1, 128, 1 << 19, 0,
        y, 0, 0, 512,
        1, 1, 144, 16, 0,
      );
    const copy = (faces: number) =>
      kernels.copyRows(x, face, row, y, face, row, faces, 44, row, 0);
    for (let i = 0; i < 10; i++) {
      this.product = Math.min(this.product, timed(product));
      this.cached = Math.min(this.cached, timed(() => copy(1)));
    }
    this.copied = Math.min(this.copied, timed(() => copy(64)));
  }

  /** Rates: multiply-adds, and bytes read and written in the cache and in memory. */
  get rates() {
    const bytes = 2 * 44 * 44 * 64;
    return {
      gflops: 2 * 144 * 128 ** 2 / this.product / 1e6,
      gbs: bytes / this.cached / 1e6,
      memoryGbs: 64 * bytes / this.copied / 1e6,
    };
  }
}

await runTask({
  help: HELP,
  options: {
    model: { type: "string" },
    step: { type: "boolean" },
    runs: { type: "string" },
  },
}, (options) =>
  profile(
    readChoice("model", options.model, ["mini", "wide"]) ?? "mini",
    options.step ?? false,
    readNumber("runs", options.runs, { least: 1, whole: true }) ?? 30,
  ));

async function profile(
  name: "mini" | "wide",
  step: boolean,
  runs: number,
): Promise<void> {
  await tf.setBackend("cpu");
  const limit = await Limits.create();
  const watch = new Stopwatch();
  // The network loads its kernels itself: they are watched as they are loaded.
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (async (module: WebAssembly.Module, imports) => {
    const { exports } = await instantiate(module, imports);
    return { exports: watch.watch(exports) };
  }) as typeof instantiate;
  const trained = readTrained(
    name === "mini" ? buildMiniXception() : buildWideXception(),
  );
  const network = await Network.create(trained.graph, {
    batch: BATCH,
    training: step,
  });
  network.parameters.set(trained.parameters);
  network.statistics.set(trained.statistics);
  network.input.forEach((_, i) => network.input[i] = Math.sin(i * i));
  network.targets.forEach((_, i) => network.targets[i] = Number(i % 8 === 0));
  const adam = {
    kind: "adam",
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
  } as const;
  const optimizer = step ? new Optimizer(network, adam) : null;
  const run = () => {
    if (!optimizer) return network.predict(BATCH);
    network.gradient(BATCH);
    optimizer.step(1e-4);
  };
  run();
  let whole = Infinity;
  for (let i = 0; i < runs; i++) {
    // In turn, so that all meet the machine in the same states.
    limit.measure();
    watch.on = false;
    const started = performance.now();
    run();
    whole = Math.min(whole, performance.now() - started);
    watch.on = true;
    watch.begin();
    run();
  }

  const limits = limit.rates;
  const rounded = (value: number) => Number(value.toFixed(value < 10 ? 2 : 1));
  const sum = watch.calls.reduce((total, { ms }) => total + ms, 0);
  const grouped = (keyOf: (call: Call) => string) =>
    [...Map.groupBy(watch.calls, keyOf).values()].map((calls) => {
      const of = (value: (call: Call) => number) =>
        calls.reduce((total, call) => total + value(call), 0);
      const ms = of((call) => call.ms);
      const gflops = of(({ work }) => work[1]) / ms / 1e6;
      const gbs = of(({ work }) => work[2]) / ms / 1e6;
      const parts = {
        arithmetic: gflops / limits.gflops,
        memory: gbs / limits.gbs,
      };
      const bound = parts.arithmetic > parts.memory ? "arithmetic" : "memory";
      return { calls, ms, gflops, gbs, bound, reached: parts[bound] } as const;
    }).sort((a, b) => b.ms - a.ms);
  const print = (group: ReturnType<typeof grouped>[number], shape?: string) =>
    console.log(JSON.stringify({
      bench: "profile",
      kernel: group.calls[0].kernel,
      shape,
      calls: group.calls.length,
      ms: rounded(group.ms),
      percent: rounded(100 * group.ms / sum),
      gflops: rounded(group.gflops),
      gbs: rounded(group.gbs),
      bound: group.bound,
      reached: Number(group.reached.toFixed(2)),
    }));
  for (const group of grouped(({ kernel, work }) => `${kernel} ${work[0]}`)) {
    print(group, group.calls[0].work[0]);
  }
  for (const group of grouped(({ kernel }) => kernel)) print(group);
  console.log(JSON.stringify({
    bench: "profile",
    model: name,
    step,
    faces: BATCH,
    sumMs: rounded(sum),
    wholeMs: rounded(whole),
    limits: {
      gflops: rounded(limits.gflops),
      gbs: rounded(limits.gbs),
      memoryGbs: rounded(limits.memoryGbs),
    },
  }));
}
