// Grad-CAM: exact at the last convolution, and equal to finite differences at
// a layer before it.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { drawHeat, explain } from "mien/recognition/explain.ts";
import { EMOTIONS, FACE_PIXELS, indexOfLargest } from "mien/emotions.ts";
import { nameEmotions } from "mien/model/emotions_of_model.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { scalePixels } from "mien/network/input.ts";

const crop = Uint8Array.from(
  { length: FACE_PIXELS },
  (_, i) => 128 + 100 * Math.sin(i / 7) * Math.cos(i / 301),
);

Deno.test("at the last convolution the map is the emotion's own channel", async () => {
  await tf.setBackend("cpu");
  const model = buildMiniXception({ seed: 5 });
  const last = model.layers.findLast((l) => l.getClassName() === "Conv2D")!;
  const channelsOf = tf.model({
    inputs: model.inputs,
    outputs: last.output as tf.SymbolicTensor,
  });
  const seen = new Set<string>();
  for (let shift = 0; shift < 10; shift++) {
    const face = crop.map((gray, i) => gray + 100 * Math.sin(i * shift / 9));
    const input = tf.tensor4d(scalePixels(face), [1, 48, 48, 1]);
    const channels = (channelsOf.predict(input) as tf.Tensor).dataSync(); // 3 x 3 x 7
    const found = explain(model, face);
    assert.deepEqual([found.mapWidth, found.mapHeight], [3, 3]);
    const answer = model.predict(input) as tf.Tensor;
    const winner = indexOfLargest(answer.dataSync());
    assert.equal(found.emotion, EMOTIONS[winner]);
    for (let i = 0; i < 9; i++) {
      const own = channels[i * 7 + winner];
      assert(Math.abs(found.map[i] - Math.max(0, own) / 9) < 1e-6);
    }
    const largest = Math.max(...found.heat);
    assert(largest === 0 || Math.abs(largest - 1) < 1e-6);
    seen.add(found.emotion);
  }
  assert.ok(seen.size > 1, `only ${[...seen]}`);
});

Deno.test("before a dense layer the weights are the mean gradients", async () => {
  await tf.setBackend("cpu");
  // 48x48 -> conv -> relu -> mean -> dense -> softmax: known by hand.
  const input = tf.input({ shape: [48, 48, 1] });
  const conv = tf.layers.conv2d({
    filters: 3,
    kernelSize: 5,
    strides: 4,
    activation: "relu",
    kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
  });
  const pooled = tf.layers.globalAveragePooling2d({}).apply(conv.apply(input));
  const dense = tf.layers.dense({
    units: 7,
    kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }),
  });
  const softmax = tf.layers.softmax();
  const model = tf.model({
    inputs: input,
    outputs: softmax.apply(dense.apply(pooled)) as tf.SymbolicTensor,
  });
  nameEmotions(model, EMOTIONS);
  const found = explain(model, crop);
  const positions = found.mapWidth * found.mapHeight;
  const values = (tf.model({
    inputs: input,
    outputs: conv.output as tf.SymbolicTensor,
  }).predict(tf.tensor4d(scalePixels(crop), [1, 48, 48, 1])) as tf.Tensor)
    .dataSync();
  const kernel = dense.getWeights()[0].dataSync(); // 3 x 7
  const own = EMOTIONS.findIndex((emotion) => emotion === found.emotion);
  for (let i = 0; i < positions; i++) {
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      sum += values[i * 3 + k] * kernel[k * 7 + own] / positions;
    }
    assert(Math.abs(found.map[i] - Math.max(0, sum)) < 1e-5);
  }
});

Deno.test("a model with a path around its last layer with positions is rejected", async () => {
  await tf.setBackend("cpu");
  const input = tf.input({ shape: [48, 48, 1] });
  const conv = tf.layers.conv2d({ filters: 3, kernelSize: 5 }).apply(input);
  const both = tf.layers.concatenate().apply([
    tf.layers.flatten().apply(input),
    tf.layers.globalAveragePooling2d({}).apply(conv),
  ] as tf.SymbolicTensor[]);
  const outputs = tf.layers.dense({ units: 7, activation: "softmax" })
    .apply(both) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs });
  nameEmotions(model, EMOTIONS);
  assert.throws(
    () => explain(model, crop),
    /also has an input that bypasses it/,
  );
});

Deno.test("no tensors are left behind", async () => {
  await tf.setBackend("cpu");
  const model = buildMiniXception({ seed: 7 });
  const before = tf.memory().numTensors;
  explain(model, crop);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("heat is drawn over the crop, and nothing where there is no heat", () => {
  const heat = new Float32Array(FACE_PIXELS);
  heat[0] = 1;
  const { data, width } = drawHeat(crop, heat);
  assert.equal(width, 48);
  assert.notEqual(data[0], data[2]);
  assert.deepEqual([...data.slice(4, 7)], [crop[1], crop[1], crop[1]]);
});
