// mini-Xception: the small residual network of depthwise separable convolutions
// for emotion recognition by Arriaga, Valdenegro-Toro and Plöger, "Real-time
// Convolutional Neural Networks for Emotion and Gender Classification" (2017).
// 58,423 parameters, 56,951 of them trained by gradient.

import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { faceNetwork, type FaceNetworkOptions } from "./xception_layers.ts";

/** What may differ from the reference, which has seven emotions and L2 of 0.01. */
export interface MiniXceptionOptions extends FaceNetworkOptions {
  /**
   * The L2 penalty on the kernels of the first two convolutions. The authors' code also sets it
   * for the separable ones, but as `kernel_regularizer`, which Keras 2 accepts and ignores there:
   * those have a depthwise and a pointwise kernel, each with its own regularizer.
   */
  l2?: number;
}

/**
 * Builds mini-Xception, from faces of 48 x 48 x 1 in -1..1 to one probability per
 * emotion, with random initial weights (Glorot uniform).
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const model = buildMiniXception();
 * console.log(model.countParams()); // 58423
 * ```
 */
export function buildMiniXception(
  options: MiniXceptionOptions = {},
): tf.LayersModel {
  const { l2 = 0.01 } = options;
  const penalty = () => l2 > 0 ? tf.regularizers.l2({ l2 }) : undefined;
  return faceNetwork("mini_xception", options, (layers, input, classes) => {
    const { initial, apply, relu, convolve, halved } = layers;
    let x = relu(convolve(input, 8, 3, penalty()));
    x = relu(convolve(x, 8, 3, penalty())); // 44 x 44 x 8
    for (const filters of [16, 32, 64, 128]) {
      const shortcut = convolve(x, filters, 1);
      x = apply(tf.layers.add(), halved(x, filters), shortcut);
    }
    const head = tf.layers.conv2d({ // 3 x 3 x 128 before, 3 x 3 x 7 after
      filters: classes,
      kernelSize: 3,
      padding: "same",
      kernelInitializer: initial(),
    });
    x = apply(tf.layers.globalAveragePooling2d({}), apply(head, x));
    return apply(tf.layers.activation({ activation: "softmax" }), x);
  });
}
