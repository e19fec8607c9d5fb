// Whole networks on the wasm backend: batch normalization, the gradient of a
// small mini-Xception, no leaks, the same bits each time, and a memory that
// grows in the middle of a step.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
import { BAR, largestError, values } from "../helpers/gradient_check.ts";

const l = tf.layers;

/** Batch normalization of x [rows, channels] in float64, in training. */
function normalize(x: Float64Array, gamma: number[], beta: number[]) {
  const channels = gamma.length, rows = x.length / channels;
  return x.map((v, i) => {
    const c = i % channels;
    let mean = 0, variance = 0;
    for (let r = 0; r < rows; r++) mean += x[r * channels + c] / rows;
    for (let r = 0; r < rows; r++) {
      variance += (x[r * channels + c] - mean) ** 2 / rows;
    }
    return gamma[c] * (v - mean) / Math.sqrt(variance + 1e-3) + beta[c];
  });
}

for (const channels of [1, 3, 8, 13]) {
  Deno.test(`batch normalization of ${channels} channels has the gradients of finite differences`, async () => {
    await useWasmBackend();
    const shape = [3, 5, 2, channels];
    const data = values(30 * channels, 1).map((v, i) =>
      v + 10 * Math.sin(i % channels)
    );
    const weights = values(30 * channels, 2);
    const gamma = [...values(channels, 3)].map((v) => v + 2);
    const beta = [...values(channels, 4)];
    const layer = l.batchNormalization();
    layer.build([null, ...shape.slice(1)]);
    const [mean, variance] = layer.getWeights().slice(2);
    layer.setWeights([tf.tensor1d(gamma), tf.tensor1d(beta), mean, variance]);
    const loss = (x: tf.Tensor) =>
      tf.sum(tf.mul(
        layer.apply(x, { training: true }) as tf.Tensor,
        tf.tensor(weights, shape),
      )) as tf.Scalar;
    const x = tf.tensor(data, shape);
    const dx = tf.grad(loss)(x).dataSync();
    const { grads } = tf.variableGrads(() => loss(x));
    const named = (name: string) =>
      Object.entries(grads).find(([key]) => key.includes(name))![1].dataSync();

    const lossAt = (x: Float64Array, gamma: number[], beta: number[]) =>
      normalize(x, gamma, beta).reduce((sum, y, i) => sum + y * weights[i], 0);
    const x64 = Float64Array.from(data), h = 1e-4;
    const slope = (move: (by: number) => number) =>
      (move(h) - move(-h)) / (2 * h);
    const moved = (from: number[], i: number, by: number) =>
      from.map((v, j) => j === i ? v + by : v);
    const expectedX = Float32Array.from(x64, (_, i) =>
      slope((by) => {
        const at = x64.slice();
        at[i] += by;
        return lossAt(at, gamma, beta);
      }));
    const expectedGamma = Float32Array.from(
      gamma,
      (_, i) => slope((by) => lossAt(x64, moved(gamma, i, by), beta)),
    );
    const expectedBeta = Float32Array.from(
      beta,
      (_, i) => slope((by) => lossAt(x64, gamma, moved(beta, i, by))),
    );
    assert.ok(largestError(dx, expectedX) <= BAR);
    assert.ok(largestError(named("gamma"), expectedGamma) <= BAR);
    assert.ok(largestError(named("beta"), expectedBeta) <= BAR);
  });
}

Deno.test("tf.batchNorm's gradients for every input match the cpu backend's", async () => {
  await useWasmBackend();
  const inputs = [[2, 4, 5, 11], [11], [11], [11], [11]].map((shape, i) => ({
    shape,
    values: values(tf.util.sizeFromShape(shape), i).map((v) =>
      i === 2 ? v + 2 : v
    ),
  }));
  const run = async (backend: string) => {
    await tf.setBackend(backend);
    const gradients = tf.grads((...all) => {
      const [x, mean, variance, offset, scale] = all as tf.Tensor[];
      const y = tf.batchNorm(
        x as tf.Tensor4D,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
      );
      return tf.sum(tf.mul(y, tf.square(y)));
    });
    const tensors = inputs.map((i) => tf.tensor(i.values, i.shape));
    return gradients(tensors).map((gradient) => gradient.dataSync());
  };
  const [actual, expected] = [await run("wasm"), await run("cpu")];
  actual.forEach((gradient, i) => {
    assert.ok(largestError(gradient, expected[i]) <= BAR, `input ${i}`);
  });
});

Deno.test("batch normalization trains without scale and center", async () => {
  await useWasmBackend();
  const layer = l.batchNormalization({ scale: false, center: false });
  const x = tf.tensor(values(60, 1), [4, 5, 3]);
  const y = layer.apply(x, { training: true }) as tf.Tensor;
  const { mean, variance } = tf.moments(y, [0, 1]);
  assert.ok(Math.max(...mean.abs().dataSync()) < 1e-6);
  assert.ok(Math.max(...variance.sub(1).abs().dataSync()) < 1e-2);
});

type Apply = (x: tf.SymbolicTensor) => tf.SymbolicTensor;
const chain = (...layers: tf.layers.Layer[]): Apply => (x) =>
  layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, x);

/** mini-Xception with fewer modules; tanh is smooth, for finite differences. */
function smallXception(activation: "relu" | "tanh"): tf.LayersModel {
  const input = tf.input({ shape: [20, 20, 1] });
  const conv = (filters: number) =>
    l.conv2d({
      filters,
      kernelSize: 3,
      useBias: false,
      kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
    });
  const separable = (filters: number) =>
    l.separableConv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      useBias: false,
      depthwiseInitializer: "glorotUniform",
      pointwiseInitializer: "glorotUniform",
    });
  const normal = () => l.batchNormalization();
  const act = () => l.activation({ activation });
  let x = chain(conv(8), normal(), act(), conv(8), normal(), act())(input);
  for (const filters of [16, 20]) {
    const shortcut = l.conv2d({
      filters,
      kernelSize: 1,
      strides: 2,
      padding: "same",
      useBias: false,
    });
    const pool = l.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" });
    const main = chain(
      separable(filters),
      normal(),
      act(),
      separable(filters),
      normal(),
      activation === "relu" ? pool : l.averagePooling2d({ poolSize: 2 }),
    );
    x = l.add().apply([main(x), chain(shortcut, normal())(x)]) as typeof x;
  }
  const head = l.conv2d({ filters: 7, kernelSize: 3, padding: "same" });
  const average = l.globalAveragePooling2d({} as never);
  const outputs = chain(head, average, l.softmax())(x);
  const model = tf.model({ inputs: input, outputs });
  model.setWeights(
    model.getWeights().map((weight, i) => {
      if (weight.shape.length === 1) return weight;
      const fanIn = weight.size / weight.shape.at(-1)!;
      return tf.tensor(values(weight.size, i), weight.shape)
        .mul(1.5 / Math.sqrt(fanIn));
    }),
  );
  return model;
}

const BATCH = 5;
const faces = values(BATCH * 400, 1);
const emotions = [0, 3, 6, 3, 1];

function crossEntropy(model: tf.LayersModel): tf.Scalar {
  const x = tf.tensor4d(faces, [BATCH, 20, 20, 1]);
  const y = tf.oneHot(tf.tensor1d(emotions, "int32"), 7);
  const p = model.apply(x, { training: true }) as tf.Tensor;
  return tf.neg(tf.mean(tf.sum(tf.mul(y, tf.log(p)), -1))) as tf.Scalar;
}

/** Loss and gradients, in the order of the model's trainable weights. */
function lossAndGradients(model: tf.LayersModel) {
  return tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => crossEntropy(model));
    const gradients = model.trainableWeights.map((weight) =>
      grads[(weight as unknown as { val: tf.Variable }).val.name].dataSync()
    );
    return { loss: value.dataSync()[0], gradients };
  });
}

async function onBackend<T>(backend: string, work: () => T): Promise<T> {
  await tf.setBackend(backend);
  return work();
}

Deno.test("a whole network's gradient matches the cpu backend's", async () => {
  await useWasmBackend();
  const run = () => lossAndGradients(smallXception("relu"));
  const actual = await onBackend("wasm", run);
  const expected = await onBackend("cpu", run);
  assert.ok(Math.abs(actual.loss - expected.loss) < 1e-5);
  actual.gradients.forEach((gradient, i) => {
    const error = largestError(gradient, expected.gradients[i]);
    assert.ok(error <= BAR, `weight ${i}: relative error ${error}`);
  });
});

// Float32 losses near 2 carry an error of about 2e-7; over a step that moves
// the loss by 0.02 that is 1e-5, and the five-point rule leaves less.
Deno.test("a whole network's gradient agrees with finite differences", async () => {
  await useWasmBackend();
  const model = smallXception("tanh");
  const { gradients } = lossAndGradients(model);
  const weights = model.trainableWeights.map((weight) => weight.read());
  const norm = Math.hypot(...gradients.map((g) => Math.hypot(...g)));
  const lossAt = (step: number) =>
    tf.tidy(() => {
      model.trainableWeights.forEach((weight, i) => {
        const direction = tf.tensor(gradients[i], weights[i].shape);
        weight.write(weights[i].add(direction.mul(step / norm)));
      });
      return crossEntropy(model).dataSync()[0];
    });
  weights.forEach((weight, i) => weights[i] = tf.keep(weight.clone()));
  const h = 0.02 / norm;
  const slope =
    (8 * (lossAt(h) - lossAt(-h)) - (lossAt(2 * h) - lossAt(-2 * h))) /
    (12 * h);
  const error = Math.abs(slope - norm) / norm;
  assert.ok(error <= BAR, `slope ${slope}, norm of the gradient ${norm}`);
});

/** The bytes of the backend's memory. */
function memorySize(): number {
  const { wasm } = tf.backend() as unknown as {
    wasm: { HEAPU8: Uint8Array };
  };
  return wasm.HEAPU8.buffer.byteLength;
}

Deno.test("training keeps the number of tensors and the memory constant", async () => {
  await useWasmBackend();
  const model = smallXception("relu");
  model.compile({ optimizer: "adam", loss: "categoricalCrossentropy" });
  const x = tf.tensor4d(faces, [BATCH, 20, 20, 1]);
  const y = tf.oneHot(emotions, 7).toFloat();
  const state = () => [
    tf.memory().numTensors,
    tf.memory().numBytes,
    tf.engine().backend.numDataIds(),
    memorySize(),
  ];
  for (let step = 0; step < 3; step++) await model.trainOnBatch(x, y);
  const before = state();
  const first = await model.trainOnBatch(x, y) as unknown as tf.Scalar;
  let last = first;
  for (let step = 0; step < 20; step++) {
    last = await model.trainOnBatch(x, y) as unknown as tf.Scalar;
  }
  assert.ok(Number(last) < Number(first), `${last} is not below ${first}`);
  assert.deepEqual(state(), before);
});

Deno.test("the same weights and faces give the same gradient, bit for bit", async () => {
  await useWasmBackend();
  const model = smallXception("relu");
  const { gradients } = lossAndGradients(model);
  assert.deepEqual(lossAndGradients(model).gradients, gradients);
  const again = lossAndGradients(smallXception("relu"));
  assert.deepEqual(again.gradients, gradients);
});

interface Heap {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** Takes memory until it grows, then gives it back. */
function growMemory(heap: Heap): void {
  const before = memorySize();
  const blocks: number[] = [];
  while (memorySize() === before) blocks.push(heap._malloc(1 << 20));
  blocks.forEach((block) => heap._free(block));
}

Deno.test("a memory that grows in the middle of a step changes nothing", async () => {
  await useWasmBackend();
  const model = smallXception("relu");
  const { gradients } = lossAndGradients(model);
  const names = [
    tf.Conv2DBackpropFilter,
    tf.Conv2DBackpropInput,
    tf.MaxPoolGrad,
    tf.DepthwiseConv2dNativeBackpropFilter,
    tf.DepthwiseConv2dNativeBackpropInput,
    "FusedBatchNormGrad",
    "BatchStatistics",
    "NormalizeBatch",
    tf.Sum,
  ];
  for (const name of names) {
    // The memory grows inside the kernel's first call, when it allocates its
    // result.
    const kernel = tf.getKernel(name, "wasm");
    const { wasm } = tf.backend() as unknown as { wasm: Heap };
    const { _malloc } = wasm;
    let grown = false;
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        wasm._malloc = (bytes) => {
          wasm._malloc = _malloc;
          if (!grown) growMemory(wasm);
          grown = true;
          return _malloc(bytes);
        };
        return kernel.kernelFunc(call);
      },
    });
    try {
      const before = memorySize();
      assert.deepEqual(lossAndGradients(model).gradients, gradients, name);
      assert.ok(memorySize() > before, `no growth inside ${name}`);
    } finally {
      wasm._malloc = _malloc;
      tf.unregisterKernel(name, "wasm");
      tf.registerKernel(kernel);
    }
  }
});
