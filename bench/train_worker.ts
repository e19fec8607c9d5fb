// One worker of bench/train.ts: runs training steps on its part of a batch of drawn
// faces, as the trainer's workers do, or forward passes, and returns their times.

import { augmentFace } from "../lib/training/augment.ts";
import { FACE_PIXELS } from "../lib/emotions.ts";
import { Network } from "../lib/network/network.ts";
import type { NetworkGraph } from "../lib/network/graph.ts";
import { Optimizer } from "../lib/network/optimizer.ts";
import { meet } from "../lib/training/shared_memory.ts";
import type { Augmentation } from "../lib/training/augment.ts";

/** What a worker measures. */
export interface BenchRequest {
  kind: "step" | "forward";
  graph: NetworkGraph;
  parameters: Float32Array;
  statistics: Float32Array;
  /** Gray faces; `count` of them are this worker's. */
  pixels: Uint8Array;
  count: number;
  augmentation: Augmentation;
  runs: number;
  worker: number;
  /** Shared memory: where workers wait for each other, and each one's gradients. */
  control: Int32Array;
  shares: Float32Array[];
}

const WARM_UP = 3;

self.onmessage = async ({ data }: MessageEvent<BenchRequest>) => {
  const { kind, graph, count, runs, worker, control, shares } = data;
  const training = kind === "step";
  const network = await Network.create(graph, { batch: count, training });
  network.parameters.set(data.parameters);
  network.statistics.set(data.statistics);
  const optimizer = training
    ? new Optimizer(network, {
      kind: "adam",
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-7,
    })
    : null;
  const fill = (epoch: number) => {
    for (let i = 0; i < count; i++) {
      const { pixels, augmentation } = data;
      augmentFace({
        pixels,
        face: i,
        augmentation,
        seed: 1,
        epoch,
        output: network.input,
        at: i * FACE_PIXELS,
      });
    }
  };
  const classes = graph.outputSize;
  for (let i = 0; training && i < count; i++) {
    network.targets[i * classes + i % classes] = 1;
  }
  let meetings = 0;
  const times: number[] = [];
  fill(0);
  for (let run = -WARM_UP; run < runs; run++) {
    meet(control, worker, ++meetings);
    const started = performance.now();
    if (optimizer) {
      fill(run + WARM_UP);
      network.gradient(count);
      shares[worker].set(network.gradients);
      meet(control, worker, ++meetings);
      network.gradients.fill(0);
      for (const share of shares) {
        for (let i = 0; i < share.length; i++) {
          network.gradients[i] += share[i] / shares.length;
        }
      }
      optimizer.step(1e-4);
    } else network.predict(count);
    meet(control, worker, ++meetings);
    if (run >= 0) times.push(performance.now() - started);
  }
  self.postMessage(times);
};
