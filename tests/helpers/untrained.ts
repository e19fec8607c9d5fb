// A mini-Xception with random weights for tests: what it answers means
// nothing, but differs from face to face.
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { readTrained, type TrainedNetwork } from "mien/network/trained.ts";

/** Random weights, the last layer's enlarged so that answers are bold. */
export function untrained(): TrainedNetwork {
  const model = buildMiniXception({ seed: 8 });
  const trained = readTrained(model);
  model.dispose();
  const last = trained.graph.weights.findLast((weight) =>
    weight.shape.length === 4
  )!;
  const length = last.shape.reduce((a, b) => a * b);
  trained.parameters.subarray(last.offset, last.offset + length)
    .forEach((value, i, kernel) => kernel[i] = value * 40);
  return trained;
}
