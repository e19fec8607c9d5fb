// Exported networks, computed by onnxruntime, give what TensorFlow.js computes.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { PbfReader } from "pbf";
import { drawFaces } from "mien/drawn/faces.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { toOnnx } from "mien/model/onnx.ts";
import { loadModel } from "mien/model/saved_model.ts";
import { scalePixels } from "mien/network/input.ts";
import { readTrained } from "mien/network/trained.ts";
import { inProject } from "mien/project.ts";
import { createRandom } from "mien/random.ts";
import { buildEveryLayer } from "../helpers/every_layer.ts";
import { askPeer, RUNTIMES } from "../../bench/javascript_peers.ts";

const RUNTIME = RUNTIMES[1];
const FACES = 5;

/** The layers that buildEveryLayer leaves out, sizes that strides do not divide, one-sided padding. */
function buildOtherLayers(): tf.LayersModel {
  const { layers } = tf;
  type T = tf.SymbolicTensor;
  const input = tf.input({ shape: [48, 48, 1] });
  let x = layers.conv2d({
    filters: 6,
    kernelSize: [3, 5],
    strides: 2,
    padding: "same",
    activation: "relu",
  }).apply(input) as T; // 24 x 24 x 6
  x = layers.batchNormalization({ scale: false }).apply(x) as T;
  x = layers.depthwiseConv2d({ kernelSize: 4, padding: "same" }).apply(x) as T;
  x = layers.batchNormalization({ center: false, axis: 3 }).apply(x) as T;
  x = layers.layerNormalization({ scale: false }).apply(x) as T;
  x = layers.activation({ activation: "swish" }).apply(x) as T;
  x = layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" })
    .apply(x) as T; // 12 x 12 x 6
  x = layers.conv2d({ filters: 8, kernelSize: 3, dilationRate: 2 })
    .apply(x) as T; // 8 x 8 x 8
  const wide = layers.separableConv2d({
    filters: 8,
    kernelSize: 3,
    padding: "same",
    activation: "sigmoid",
  }).apply(x) as T;
  x = layers.add().apply([x, wide, x]) as T;
  const pooled = layers.globalAveragePooling2d({}).apply(x) as T;
  const gate = layers.dense({ units: 8, activation: "sigmoid" }).apply(pooled);
  const placed = layers.reshape({ targetShape: [1, 1, 8] }).apply(gate) as T;
  x = layers.multiply().apply([x, placed]) as T;
  x = layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" })
    .apply(x) as T; // 4 x 4 x 8
  x = layers.maxPooling2d({ poolSize: 3, strides: 2 }).apply(x) as T;
  x = layers.dropout({ rate: 0.5 }).apply(x) as T;
  x = layers.flatten().apply(x) as T;
  x = layers.dense({ units: 9, activation: "relu" }).apply(x) as T;
  x = layers.dense({ units: 5 }).apply(x) as T;
  const output = layers.softmax().apply(x) as T;
  return tf.model({ inputs: input, outputs: output });
}

/** Gives biases, scales and statistics values that change every layer's output, with small logits. */
function shake(model: tf.LayersModel): tf.LayersModel {
  const random = createRandom(4);
  const weights = model.getWeights();
  model.setWeights(weights.map((weight, i) => {
    const last = i === weights.length - 2;
    const values = weight.dataSync().map((value) =>
      last ? value / 9 : weight.rank > 1 ? value : value + random.next() / 4
    );
    return tf.tensor(values, weight.shape);
  }));
  return model;
}

const saved = (folder: string) => loadModel(inProject(`models/${folder}`));

const NETWORKS = {
  "mini-Xception": () => saved("report/recalibrated"),
  "wide-Xception": () => saved("photographs/adjusted"),
  "a network of every layer": () => shake(buildEveryLayer({ noise: true })),
  "a network of other sizes and gates": () => shake(buildOtherLayers()),
};

for (const [name, build] of Object.entries(NETWORKS)) {
  Deno.test(`onnxruntime gives the probabilities that TensorFlow.js gives for ${name}`, async () => {
    await tf.setBackend("cpu");
    const folder = mkdtempSync(join(tmpdir(), "mien-onnx-"));
    try {
      const { pixels } = drawFaces({ count: 70, seed: 3 });
      const faces = scalePixels(pixels.subarray(0, FACES * FACE_PIXELS));
      const model = await build();
      const x = tf.tensor4d(faces, [FACES, 48, 48, 1]);
      const expected = (model.predict(x) as tf.Tensor).dataSync();
      const file = join(folder, "network.onnx");
      const input = join(folder, "faces.f32");
      writeFileSync(file, toOnnx(readTrained(model)));
      writeFileSync(input, new Uint8Array(faces.buffer));
      const answer = askPeer({
        runtime: RUNTIME,
        model: file,
        input,
        threads: 1,
        runs: 1,
        batches: [FACES, 1], // the batch is free
      }, true);
      if (typeof answer === "string" && answer.includes("--cached-only")) {
        console.log(
          `skipped: onnxruntime is not in Deno's cache; deno cache --node-modules-dir=none --no-lock npm:${RUNTIME} fetches it`,
        );
        return;
      }
      if (typeof answer === "string") assert.fail(answer);
      const [all, first] = answer.passes.map(({ output }) => output);
      assert.equal(all.length, expected.length);
      assert.equal(first.length, expected.length / FACES);
      const least = Math.min(...all), most = Math.max(...all);
      assert.ok(
        most - least > 0.05 && most < 0.999,
        "the answers differ",
      );
      // Both sum in single precision, in different orders.
      all.forEach((value, i) =>
        assert.ok(Math.abs(value - expected[i]) < 1e-5, `${i}: ${value}`)
      );
      first.forEach((value, i) => assert.ok(Math.abs(value - all[i]) < 1e-5));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

Deno.test("an ONNX file says what its numbers mean, and its bytes are the same each time", () => {
  const meaning = {
    emotions: EMOTIONS,
    scale: [0, 255] as const,
    threshold: 0.5,
  };
  const trained = { ...readTrained(buildMiniXception()), ...meaning };
  const bytes = toOnnx(trained);
  assert.deepEqual(toOnnx(trained), bytes);
  const metadata: Record<string, unknown> = {};
  new PbfReader(bytes).readFields((field, _, file) => {
    if (field !== 14) return;
    const entry = file.readMessage((_, texts: string[], message) => {
      texts.push(message.readString());
    }, []);
    metadata[entry[0]] = JSON.parse(entry[1]);
  }, null);
  assert.deepEqual(metadata, meaning);
});
