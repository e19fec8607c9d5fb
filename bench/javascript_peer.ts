// Forward passes in another JavaScript runtime, one per process. Started by javascript_peers.ts;
// prints one JSON line.

import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { FACE_PIXELS } from "../lib/emotions.ts";
import type { PeerAnswer, PeerQuestion } from "./javascript_peers.ts";

/** Computes the probabilities of faces. */
type Forward = (faces: Float32Array, batch: number) => Promise<Float32Array>;

const WARM_UP = 3;

async function tensorflow(model: string): Promise<[string, Forward]> {
  const tf = await import("@tensorflow/tfjs");
  const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
  const main = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(fileURLToPath(new URL("./", main)));
  if (!await tf.setBackend("wasm")) throw new Error("no wasm backend");
  const { loadModel } = await import("../lib/model/saved_model.ts");
  const layers = await loadModel(model);
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  const threads = await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT");
  const abilities = [simd && "SIMD", threads ? "threads" : "1 thread"]
    .filter(Boolean);
  return [
    `tfjs-wasm ${tf.version.tfjs} (${abilities.join(", ")})`,
    async (faces, batch) => {
      const x = tf.tensor4d(faces, [batch, 48, 48, 1]);
      const y = layers.predict(x) as typeof x;
      const values = await y.data() as Float32Array;
      x.dispose();
      y.dispose();
      return values;
    },
  ];
}

async function onnxRuntime(
  { runtime, model, threads }: PeerQuestion,
): Promise<[string, Forward]> {
  const ort = await import(`npm:${runtime}`);
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
  });
  const [name, version] = runtime.split("@");
  const kind = name.endsWith("web") ? "WebAssembly SIMD, " : "native, ";
  return [
    `${name} ${version} (${kind}${threads} thread${threads > 1 ? "s" : ""})`,
    async (faces, batch) => {
      const input = new ort.Tensor("float32", faces, [batch, 1, 48, 48]);
      const { probabilities } = await session.run({ input });
      return probabilities.data as Float32Array;
    },
  ];
}

const question: PeerQuestion = JSON.parse(process.argv[2]);
const { runtime, model, batches, runs } = question;
const faces = new Float32Array(
  Uint8Array.from(readFileSync(question.input)).buffer,
);
const [peer, forward] = runtime === "tfjs"
  ? await tensorflow(model)
  : await onnxRuntime(question);
const passes: PeerAnswer["passes"] = [];
for (const batch of batches) {
  const input = faces.slice(0, batch * FACE_PIXELS);
  let output: ArrayLike<number> = [];
  const times: number[] = [];
  for (let run = -WARM_UP; run < runs; run++) {
    const started = performance.now();
    output = await forward(input, batch);
    if (run >= 0) times.push(performance.now() - started);
  }
  passes.push({ times, output: Array.from(output) });
}
const answer: PeerAnswer = { peer, passes };
console.log(JSON.stringify(answer));
process.exit(0); // otherwise a runtime's threads keep the process alive
