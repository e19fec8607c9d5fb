// `deno task bench profile`: where the forward pass of 64 faces spends its time,
// operation by operation: milliseconds, their part of the whole, GFLOP/s, and GB/s of
// the maps read and written. The operations' times add up to the whole, which is
// measured beside them. One JSON line an operation.

import process from "node:process";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { loadModule } from "../lib/load_wasm.ts";
import { buildMiniXception } from "../lib/model/mini_xception.ts";
import { buildWideXception } from "../lib/model/wide_xception.ts";
import { Arena } from "../lib/network/compiler/buffers.ts";
import type { Operation } from "../lib/network/compiler/fusion.ts";
import type { Layout } from "../lib/network/compiler/layout.ts";
import { Prediction } from "../lib/network/compiler/prediction.ts";
import { createTrained, readTrained } from "../lib/network/trained.ts";
import type { Kernels } from "../lib/network/wasm/kernels.ts";

const HELP = `Usage: deno task bench profile [--model mini|wide] [--runs N]

Prints {"bench":"profile","operation","layer","output","ms","percent",
"gflops","gbs"}, a line an operation of the forward pass of 64 faces, then the
sum beside the time of the whole pass. Each time is that of the operation's
fastest run.

  --model M   mini (default) or wide
  --runs N    runs (default 60)
  --help      show this text`;

const BATCH = 64;

function readOptions() {
  const { values } = parseArgs({
    options: {
      model: { type: "string", default: "mini" },
      runs: { type: "string", default: "60" },
      help: { type: "boolean", default: false },
    },
  });
  const runs = Number(values.runs);
  if (!["mini", "wide"].includes(values.model) || !(runs >= 1)) {
    console.error("--model is mini or wide, --runs 1 or more (see --help)");
    process.exit(2);
  }
  return { ...values, runs };
}

/** Multiply-adds, twice, and comparisons of one face. */
function flopsOf({ op, node }: Operation, { program }: Layout): number {
  const [height, width, channels] = node.shape;
  const outputs = height * width * channels;
  const window = "window" in node
    ? node.window.size[0] * node.window.size[1]
    : 1;
  if (op === "conv") {
    return 2 * window * outputs * program.shapes[node.inputs[0]][2];
  }
  return (op === "depthwise" ? 2 : 1) * window * outputs;
}

/** Bytes of the maps that an operation of one face reads and writes. */
function bytesOf({ inputs, output }: Operation, layout: Layout): number {
  return [...inputs, output]
    .reduce((sum, value) => sum + layout.valueBuffer(value).faceBytes, 0);
}

/** The fastest time of each operation for a whole batch, in ms. */
function timeOperations(prediction: Prediction, runs: number): number[] {
  const { layout, origins } = prediction;
  const [{ steps, chunk }] = layout.segments;
  const fastest = origins.map(() => Infinity);
  for (let run = 0; run < runs; run++) {
    const times = origins.map(() => 0);
    for (let face = 0; face < BATCH; face += chunk) {
      const faces = Math.min(chunk, BATCH - face);
      let before = performance.now();
      origins.forEach(({ end }, i) => {
        const first = i === 0 ? 0 : origins[i - 1].end;
        for (let s = first; s < end; s++) steps[s](face, faces);
        const now = performance.now();
        times[i] += now - before;
        before = now;
      });
    }
    times.forEach((time, i) => fastest[i] = Math.min(fastest[i], time));
  }
  return fastest;
}

const options = readOptions();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
await tf.setBackend("cpu");
const model = options.model === "mini"
  ? buildMiniXception()
  : buildWideXception();
const trained = readTrained(model);
const memory = new WebAssembly.Memory({ initial: 1 });
const base = new URL("../lib/network/wasm/", import.meta.url);
const kernels = await loadModule<Kernels>(base, "kernels", memory);
const arena = new Arena();
const prediction = new Prediction(trained.graph, kernels, arena);
const { layout } = prediction;
layout.layOut(BATCH);
memory.grow(Math.ceil(arena.bytes / 65536) - 1);
layout.writeTables(memory);
prediction.refresh(memory, trained.parameters, trained.statistics);
const floats = BATCH * trained.graph.inputSize;
new Float32Array(memory.buffer, layout.input.at(0), floats)
  .forEach((_, i, input) => input[i] = Math.sin(i * i));

const network = await createTrained(trained, { batch: BATCH, training: false });
network.input.forEach((_, i) => network.input[i] = Math.sin(i * i));
const rounded = (value: number) => Number(value.toFixed(value < 10 ? 2 : 1));
// In turn, so that both meet the machine in the same states.
let whole = Infinity;
let times = prediction.origins.map(() => Infinity);
for (let run = 0; run < options.runs; run++) {
  const started = performance.now();
  network.predict(BATCH);
  whole = Math.min(whole, performance.now() - started);
  const again = timeOperations(prediction, 1);
  times = times.map((time, i) => Math.min(time, again[i]));
}
const sum = times.reduce((a, b) => a + b);
let flops = 0;
prediction.origins.forEach(({ operation }, i) => {
  const { op, node, output } = operation;
  const work = BATCH * flopsOf(operation, layout);
  flops += work;
  console.log(JSON.stringify({
    bench: "profile",
    operation: op,
    layer: node.name,
    output: layout.program.shapes[output].join("x"),
    ms: rounded(times[i]),
    percent: rounded(100 * times[i] / sum),
    gflops: rounded(work / times[i] / 1e6),
    gbs: rounded(BATCH * bytesOf(operation, layout) / times[i] / 1e6),
  }));
});
console.log(JSON.stringify({
  bench: "profile",
  model: options.model,
  faces: BATCH,
  facesAtOnce: layout.segments[0].chunk,
  sumMs: rounded(sum),
  wholeMs: rounded(whole),
  gflops: rounded(flops / sum / 1e6),
}));
