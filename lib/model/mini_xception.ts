// mini-Xception: the small residual network of depthwise separable convolutions
// for emotion recognition by Arriaga, Valdenegro-Toro and Plöger, "Real-time
// Convolutional Neural Networks for Emotion and Gender Classification" (2017).
// 58,423 parameters, 56,951 of them trained by gradient.

import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { EMOTIONS } from "../emotions.ts";
import { nameEmotions } from "./emotions_of_model.ts";

/** What may differ from the reference. */
export interface MiniXceptionOptions {
  /** The names of the classes, or their number; by default FER-2013's seven emotions. */
  classes?: readonly string[] | number;
  /**
   * The L2 penalty on the kernels of the first two convolutions. The authors' code sets it for
   * the separable ones too, but as `kernel_regularizer`, which Keras 2 accepts but does not apply
   * there: those have a depthwise and a pointwise kernel, each with its own regularizer.
   */
  l2?: number;
  /** The seed of the random initial weights. */
  seed?: number;
}

/** The reference: seven emotions, L2 of 0.01. */
const miniXceptionDefaults: Required<MiniXceptionOptions> = {
  classes: EMOTIONS,
  l2: 0.01,
  seed: 1,
};

/**
 * Builds mini-Xception, from faces of 48 x 48 x 1 in -1..1 to one probability per
 * emotion, with random initial weights (Glorot uniform).
 *
 * @example
 * ```ts
 * const model = buildMiniXception();
 * console.log(model.countParams()); // 58423
 * ```
 */
export function buildMiniXception(
  options: MiniXceptionOptions = {},
): tf.LayersModel {
  const { classes, l2, seed } = { ...miniXceptionDefaults, ...options };
  let drawn = seed;
  const initial = () => tf.initializers.glorotUniform({ seed: drawn++ });
  const penalty = () => l2 > 0 ? tf.regularizers.l2({ l2 }) : undefined;
  const normalized = (x: tf.SymbolicTensor) =>
    tf.layers.batchNormalization().apply(x) as tf.SymbolicTensor;
  const relu = (x: tf.SymbolicTensor) =>
    tf.layers.activation({ activation: "relu" }).apply(x) as tf.SymbolicTensor;

  const stem = (x: tf.SymbolicTensor) => {
    const conv = tf.layers.conv2d({
      filters: 8,
      kernelSize: 3,
      useBias: false,
      kernelInitializer: initial(),
      kernelRegularizer: penalty(),
    });
    return relu(normalized(conv.apply(x) as tf.SymbolicTensor));
  };
  const separable = (x: tf.SymbolicTensor, filters: number) => {
    const conv = tf.layers.separableConv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      useBias: false,
      depthwiseInitializer: initial(),
      pointwiseInitializer: initial(),
    });
    return normalized(conv.apply(x) as tf.SymbolicTensor);
  };
  const block = (x: tf.SymbolicTensor, filters: number) => {
    const conv = tf.layers.conv2d({
      filters,
      kernelSize: 1,
      strides: 2,
      padding: "same",
      useBias: false,
      kernelInitializer: initial(),
    });
    const shortcut = normalized(conv.apply(x) as tf.SymbolicTensor);
    const pool = tf.layers.maxPooling2d({
      poolSize: 3,
      strides: 2,
      padding: "same",
    });
    const main = pool.apply(
      separable(relu(separable(x, filters)), filters),
    ) as tf.SymbolicTensor;
    return tf.layers.add().apply([main, shortcut]) as tf.SymbolicTensor;
  };

  const input = tf.input({ shape: [48, 48, 1] });
  let x = stem(stem(input)); // 44 x 44 x 8
  for (const filters of [16, 32, 64, 128]) x = block(x, filters);
  const head = tf.layers.conv2d({ // 3 x 3 x 128 before, 3 x 3 x 7 after
    filters: typeof classes === "number" ? classes : classes.length,
    kernelSize: 3,
    padding: "same",
    kernelInitializer: initial(),
  });
  x = head.apply(x) as tf.SymbolicTensor;
  x = tf.layers.globalAveragePooling2d({}).apply(x) as tf.SymbolicTensor;
  const output = tf.layers.activation({ activation: "softmax" }).apply(x);
  const model = tf.model({
    inputs: input,
    outputs: output as tf.SymbolicTensor,
    name: "mini_xception",
  });
  if (typeof classes !== "number") nameEmotions(model, classes);
  return model;
}
