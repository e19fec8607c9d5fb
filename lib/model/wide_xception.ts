// wide-Xception: our own small network for faces of 48 x 48 x 1. Like
// mini-Xception, it consists of residual modules of depthwise separable
// convolutions. The weights of mini-Xception's last 3 x 3 convolution (8,064) and
// fourth module go into wider modules instead, each followed by a second one that
// keeps the size. 58,199 parameters.
import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { faceNetwork, type FaceNetworkOptions } from "./xception_layers.ts";

/** Filters of the three stages, at 22 x 22, 11 x 11 and 6 x 6 positions. */
const FILTERS = [24, 48, 96];

/**
 * Builds wide-Xception, from faces of 48 x 48 x 1 in -1..1 to one probability
 * per emotion, with random initial weights (Glorot uniform).
 *
 * @example
 * ```ts
 * import { buildWideXception } from "mien/model/wide_xception.ts";
 *
 * const model = buildWideXception();
 * console.log(model.countParams()); // 58199
 * ```
 */
export function buildWideXception(
  options: FaceNetworkOptions = {},
): tf.LayersModel {
  return faceNetwork("wide_xception", options, (layers, input, units) => {
    const { initial, apply, relu, convolve, pair, halved } = layers;
    let x = relu(convolve(input, 8, 3));
    x = relu(convolve(x, 8, 3)); // 44 x 44 x 8
    for (const filters of FILTERS) {
      // Halves the sides, like a module of mini-Xception.
      const half = halved(x, filters);
      x = apply(tf.layers.add(), half, convolve(x, filters, 1));
      // Keeps shape and shortcut unchanged (He et al. 2016, pre-activation).
      x = apply(tf.layers.add(), x, pair(relu(x), filters));
    }
    x = apply(tf.layers.globalAveragePooling2d({}), relu(x)); // 96
    const output = tf.layers.dense({
      units,
      activation: "softmax",
      kernelInitializer: initial(),
    });
    return apply(output, x);
  });
}
