// The optimizers' updates against their formulas in double precision.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { Optimizer } from "mien/network/optimizer.ts";
import { chain, difference, prepare } from "../helpers/network_reference.ts";

await tf.setBackend("cpu");

/** Keras' updates, written out in double precision. */
function kerasAdam(w: number[], gradients: number[][], rate: number): number[] {
  const m = w.map(() => 0), v = w.map(() => 0), x = [...w];
  gradients.forEach((g, t) =>
    g.forEach((gi, i) => {
      m[i] = 0.9 * m[i] + 0.1 * gi;
      v[i] = 0.999 * v[i] + 0.001 * gi * gi;
      x[i] -= rate * (m[i] / (1 - 0.9 ** (t + 1))) /
        (Math.sqrt(v[i] / (1 - 0.999 ** (t + 1))) + 1e-7);
    })
  );
  return x;
}

Deno.test("Adam and SGD update as their formulas say, with L2 and decay", async () => {
  const l2 = 0.01;
  const model = chain([2, 2, 1], 2, [
    tf.layers.conv2d({
      filters: 3,
      kernelSize: 2,
      kernelRegularizer: tf.regularizers.l2({ l2 }),
    }),
    tf.layers.flatten(),
  ]);
  const { graph, network } = await prepare(model, 1, 71);
  const start = network.parameters.slice();
  const gradient = start.map((_, i) => Math.sin(i));
  const penalised = graph.weights.find((w) => w.l2 > 0)!;
  assert.equal(penalised.name.endsWith("kernel"), true);

  const adam = new Optimizer(network, {
    kind: "adam",
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
    averageDecay: 0.5,
  });
  network.gradients.set(gradient);
  adam.step(0.01);
  const pull = (i: number) => i < 12 ? 2 * l2 * start[i] : 0;
  const expected = kerasAdam(
    [...start],
    [[...gradient].map((g, i) => g + pull(i))],
    0.01,
  );
  assert.ok(difference(network.parameters, expected) < 1e-6);
  const average = expected.map((x, i) => (x + start[i]) / 2);
  assert.ok(difference(adam.state.averageParameters, average) < 1e-6);
  assert.equal(adam.stepCount, 1);

  network.parameters.set(start);
  const sgd = new Optimizer(network, {
    kind: "sgd",
    momentum: 0.9,
    weightDecay: 0.1,
  });
  const velocity = start.map(() => 0), x = [...start];
  for (let step = 0; step < 3; step++) {
    network.gradients.set(gradient);
    sgd.step(0.05);
    x.forEach((value, i) => {
      const decays = i < 12 || i >= 15 && i < 21; // kernels, not biases
      const g = gradient[i] + (i < 12 ? 2 * l2 * value : 0);
      velocity[i] = 0.9 * velocity[i] + g;
      x[i] -= 0.05 * (g + 0.9 * velocity[i]) + (decays ? 0.005 * value : 0);
    });
  }
  assert.ok(difference(network.parameters, x) < 1e-5);
});
