// A mini-Xception with random weights for tests: its answers mean nothing, but
// differ from face to face.
import * as tf from "@tensorflow/tfjs";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { readTrained, type TrainedNetwork } from "mien/network/trained.ts";

/** Random weights, with the last layer's enlarged so that its answers are confident. */
export function buildUntrained(): tf.LayersModel {
  const model = buildMiniXception({ seed: 8 });
  const last = model.layers.findLast((layer) => layer.weights.length > 0)!;
  const [kernel, ...rest] = last.getWeights();
  last.setWeights([kernel.mul(40), ...rest]);
  return model;
}

/** The same network behind a layer that changes nothing and is not compiled. */
export function uncompiled(model: tf.LayersModel): tf.LayersModel {
  const inputShape = model.inputs[0].shape.slice(1);
  const same = tf.layers.upSampling2d({ size: [1, 1], inputShape });
  return tf.sequential({ layers: [same, model] });
}

/** Random weights, compiled. */
export function untrained(): TrainedNetwork {
  const model = buildUntrained();
  const trained = readTrained(model);
  model.dispose();
  return trained;
}
