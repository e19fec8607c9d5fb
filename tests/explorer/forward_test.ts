// The explorer's readable forward pass against the compiled network, on every
// saved model, and its numbers against each other.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { drawFaces } from "mien/drawn/faces.ts";
import { FACE_PIXELS } from "mien/emotions.ts";
import { traceLayers } from "mien/explorer/forward.ts";
import {
  headFeatures,
  mapScores,
  replaceHead,
  trainHead,
} from "mien/explorer/head.ts";
import { explainValue } from "mien/explorer/neuron.ts";
import { scalePixels } from "mien/network/input.ts";
import { Network } from "mien/network/network.ts";
import { inProject } from "mien/project.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { readTrained, type TrainedNetwork } from "mien/network/trained.ts";
import { buildEveryLayer } from "../helpers/every_layer.ts";
import { untrained } from "../helpers/untrained.ts";

const faces = drawFaces({ count: 70, seed: 5 });
const inputOf = (face: number) =>
  scalePixels(
    faces.pixels.subarray(face * FACE_PIXELS, (face + 1) * FACE_PIXELS),
  );

async function compiled(trained: TrainedNetwork): Promise<Network> {
  const network = await Network.create(trained.graph, {
    batch: 1,
    training: false,
  });
  network.parameters.set(trained.parameters);
  network.statistics.set(trained.statistics);
  return network;
}

async function predict(trained: TrainedNetwork, face: number) {
  const network = await compiled(trained);
  network.input.set(inputOf(face));
  network.predict(1);
  return network.outputs.slice();
}

const MODELS = ["distilled/recalibrated", "report/recalibrated"]
  .map((name) => inProject("models", name)).filter(existsSync);

Deno.test("every layer in plain TypeScript gives the compiled network's answer", async () => {
  const networks = [untrained(), readTrained(buildEveryLayer())];
  for (const model of MODELS) networks.push(await loadTrained(model));
  for (const trained of networks) {
    for (const face of [0, 33, 69]) {
      const theirs = await predict(trained, face);
      const ours = traceLayers(trained, inputOf(face)).at(-1)!;
      // 32-bit sums in another order, through some fifty layers.
      theirs.forEach((p, k) => assert.ok(Math.abs(p - ours[k]) < 1e-4));
    }
  }
});

Deno.test("every value's reason adds up to the value, in every layer", async () => {
  checkReasons(MODELS.length ? await loadTrained(MODELS[0]) : untrained());
  checkReasons(readTrained(buildEveryLayer({ noise: true })));
});

function checkReasons(trained: TrainedNetwork): void {
  const values = traceLayers(trained, inputOf(12));
  for (
    const [node, { shape: [rows, columns, channels] }] of trained.graph.nodes
      .entries()
  ) {
    for (const part of [0, 0.5, 0.99]) {
      const at = [rows, columns, channels].map((size) =>
        Math.floor(size * part)
      );
      const { value, reason } = explainValue(
        trained,
        values,
        node,
        at as [number, number, number],
      );
      const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
      let again = value;
      switch (reason.kind) {
        case "window":
          again = sum(reason.terms.map((term) => term.sum)) + reason.bias;
          for (const { inputs, weights, sum: total } of reason.terms) {
            assert.equal(
              sum(inputs.map((input, i) => input * weights[i])),
              total,
            );
          }
          break;
        case "norm":
          again =
            (reason.input - reason.mean) / reason.deviation * reason.gamma +
            reason.beta;
          break;
        case "activation":
          if (reason.name === "relu") again = Math.max(0, reason.input);
          else if (reason.all.length > 0) {
            again = Math.exp(reason.input) / sum(reason.all.map(Math.exp));
          }
          break;
        case "pool":
          again = Math.max(...reason.inputs);
          break;
        case "mean":
          again = sum(reason.inputs) / reason.inputs.length;
          break;
        case "pair":
          again = reason.inputs[0] + reason.inputs[1];
          break;
      }
      // The layer sums in 32 bits, the reason in 64.
      const tolerance = 1e-4 * Math.max(1, Math.abs(value));
      assert.ok(
        Math.abs(again - value) < tolerance,
        `node ${node} ${reason.kind}: ${again} ${value}`,
      );
    }
  }
  assert.throws(
    () => explainValue(trained, values, 1, [60, 0, 0]),
    /no row 60/,
  );
}

Deno.test("the last maps add up to the scores, and the scores to the answer", async () => {
  const networks = [untrained()];
  for (const model of MODELS) networks.push(await loadTrained(model));
  for (const trained of networks) {
    const values = traceLayers(trained, inputOf(40));
    const maps = mapScores(trained, values)!;
    const powers = maps.classes.map(({ score }) => Math.exp(score));
    const sum = powers.reduce((a, b) => a + b, 0);
    const answer = await predict(trained, 40);
    powers.forEach((power, k) => {
      assert.ok(Math.abs(power / sum - answer[k]) < 1e-4);
    });
  }
});

Deno.test("a last layer retrained for three classes answers in the compiled network as in training", async () => {
  const trained = MODELS.length ? await loadTrained(MODELS[0]) : untrained();
  const wanted = [3, 5, 6]; // happy, surprise, neutral
  const chosen = [...faces.labels.keys()]
    .filter((i) => wanted.includes(faces.labels[i]));
  const labels = chosen.map((i) => wanted.indexOf(faces.labels[i]));
  const features = chosen.map((i) =>
    headFeatures(trained, traceLayers(trained, inputOf(i)))
  );
  const head = trainHead({ features, labels, classes: 3 });
  const own = replaceHead(trained, head);
  const network = await compiled(own);
  let right = 0;
  for (const [i, face] of chosen.entries()) {
    network.input.set(inputOf(face));
    network.predict(1);
    const scores = [...head.bias].map((bias, k) =>
      features[i].reduce(
        (sum, f, at) => sum + f * head.kernel[at * 3 + k],
        bias,
      )
    );
    const powers = scores.map(Math.exp), all = powers.reduce((a, b) => a + b);
    powers.forEach((power, k) => {
      // 32-bit sums of 1,000 products in another order.
      assert.ok(Math.abs(power / all - network.outputs[k]) < 1e-3);
    });
    right += Number(powers.indexOf(Math.max(...powers)) === labels[i]);
  }
  assert.ok(right / chosen.length > 0.9, `${right} of ${chosen.length}`);
  assert.deepEqual(head, trainHead({ features, labels, classes: 3 }));
  assert.throws(() => trainHead({ features, labels, classes: 4 }), /examples/);
  const mini = replaceHead(untrained(), {
    kernel: new Float32Array(9 * 128 * 2),
    bias: new Float32Array(2),
  });
  assert.deepEqual([...await predict(mini, 0)], [0.5, 0.5]);
});
