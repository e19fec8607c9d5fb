// Compares the fast network with TensorFlow.js, given the same weights, inputs and
// targets, and says how much may differ.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { describeNetwork } from "mien/network/describe_network.ts";
import { Network } from "mien/network/network.ts";
import { readWeights } from "mien/network/weights.ts";
import { createRandom } from "mien/random.ts";

/** Random but plausible weights: scales around 1, variances above 0. */
function shake(model: tf.LayersModel, seed: number): void {
  const random = createRandom(seed);
  for (const weight of model.weights) {
    const shape = weight.shape as number[];
    const length = shape.reduce((x, y) => x * y, 1);
    const positive = /gamma|variance/.test(weight.name);
    // Kernels are scaled by the number of terms they sum, so that values keep their size.
    const spread = shape.length === 1 || /depthwise/.test(weight.name)
      ? 0.3
      : Math.sqrt(2 * shape[shape.length - 1] / length);
    const fresh = Float32Array.from(
      { length },
      () => positive ? 0.5 + random.next() : spread * random.normal(),
    );
    weight.write(tf.tensor(fresh, weight.shape as number[]));
  }
}

export async function prepare(
  model: tf.LayersModel,
  batch: number,
  seed: number,
) {
  shake(model, seed);
  const graph = describeNetwork(model);
  const network = await Network.create(graph, { batch, training: true });
  const weights = readWeights(graph, model);
  network.parameters.set(weights.parameters);
  network.statistics.set(weights.statistics);
  const random = createRandom(seed + 1);
  network.input.forEach((_, i) => network.input[i] = random.normal());
  for (let i = 0; i < batch; i++) {
    const row = Array.from({ length: graph.outputSize }, () => random.next());
    const sum = row.reduce((a, b) => a + b);
    network.targets.set(row.map((p) => p / sum), i * graph.outputSize);
  }
  return { graph, network };
}

export type Prepared = Awaited<ReturnType<typeof prepare>>;

/** tfjs's probabilities, loss sum and gradients of the same batch. */
function reference(
  model: tf.LayersModel,
  { graph, network }: Prepared,
  count: number,
  factors?: Float32Array,
) {
  const sizes = model.inputs[0].shape.slice(1) as number[];
  const x = tf.tensor(
    network.input.slice(0, count * graph.inputSize),
    [count, ...sizes],
  );
  const targets = tf.tensor2d(
    network.targets.slice(0, count * graph.outputSize),
    [count, graph.outputSize],
  );
  const scale = tf.tensor1d(factors ?? new Float32Array(count).fill(1));
  let total = 0;
  // deno-lint-ignore no-explicit-any
  const variables = model.trainableWeights.map((w) => (w as any).val);
  const { grads } = tf.variableGrads(() => {
    const p = model.apply(x, { training: true }) as tf.Tensor;
    const losses = tf.sum(tf.mul(targets, tf.log(p)), 1).neg().mul(scale);
    total = losses.sum().dataSync()[0];
    return losses.mean() as tf.Scalar;
  }, variables);
  return {
    total,
    gradients: new Map(
      Object.entries(grads).map(([name, g]) => [name, g.dataSync()]),
    ),
  };
}

/** The largest difference, relative to the largest value. */
export function difference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
): number {
  let most = 1e-30, apart = 0;
  for (let i = 0; i < theirs.length; i++) {
    most = Math.max(most, Math.abs(theirs[i]));
    apart = Math.max(apart, Math.abs(ours[i] - theirs[i]));
  }
  assert.equal(ours.length, theirs.length);
  return Number.isNaN(apart) ? Infinity : apart / most;
}

function compareGradients(
  { graph, network }: Prepared,
  gradients: Map<string, ArrayLike<number>>,
  limit: number,
): void {
  const { parameters } = network;
  // For a gradient that is zero except for rounding, the others set the scale.
  const floor = 1e-3 * Math.max(...network.gradients.map(Math.abs));
  for (const { name, kind, offset, shape } of graph.weights) {
    if (kind !== "parameter") continue;
    const length = shape.reduce((a, b) => a * b, 1);
    const ours = network.gradients.subarray(offset, offset + length);
    const theirs = gradients.get(name)!;
    assert.ok(theirs, `tfjs has no gradient for ${name}`);
    const scale = Math.max(floor, ...Array.from(theirs, Math.abs));
    const apart = Math.max(...ours.map((g, i) => Math.abs(g - theirs[i])));
    assert.ok(
      apart / scale < limit,
      `${name}: relative error ${apart / scale}`,
    );
  }
  assert.equal(parameters.length, network.gradients.length);
}

/** Compares a model's predictions, loss, gradients and statistics with tfjs's. */
export async function compare(
  model: tf.LayersModel,
  batch: number,
  seed: number,
  limit = 1e-4,
): Promise<void> {
  const prepared = await prepare(model, batch, seed);
  const { graph, network } = prepared;
  const sizes = model.inputs[0].shape.slice(1) as number[];
  network.predict(batch);
  const predicted = tf.tidy(() => {
    const x = tf.tensor(network.input.slice(), [batch, ...sizes]);
    return (model.predict(x) as tf.Tensor).dataSync();
  });
  assert.ok(
    difference(network.outputs, predicted) < 1e-5,
    `predictions ${difference(network.outputs, predicted)}`,
  );
  const factors = Float32Array.from({ length: batch }, (_, i) => 0.5 + i % 3);
  const loss = network.gradient(batch, factors);
  const theirs = reference(model, prepared, batch, factors);
  assert.ok(
    Math.abs(loss - theirs.total) < 1e-5 * Math.abs(theirs.total),
    `loss ${loss}, tfjs ${theirs.total}`,
  );
  compareGradients(prepared, theirs.gradients, limit);
  const moved = readWeights(graph, model).statistics; // tfjs moved its own
  assert.ok(difference(network.statistics, moved) < 1e-5);
}

/** Inputs of an odd size, through layers given as a list. */
export function chain(
  shape: [number, number, number],
  classes: number,
  layers: tf.layers.Layer[],
): tf.LayersModel {
  const input = tf.input({ shape });
  let x = input;
  for (const layer of layers) x = layer.apply(x) as tf.SymbolicTensor;
  x = tf.layers.dense({ units: classes, activation: "softmax" })
    .apply(x) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: x });
}
