// wide-Xception: our own small network for faces of 48 x 48 x 1. Like
// mini-Xception it consists of residual modules of depthwise separable
// convolutions, but it spends the 8,064 weights of the last 3 x 3 convolution,
// and the fourth module, on wider modules, each followed by a second one that
// keeps the size. 58,199 parameters.
import "./quiet_tfjs.ts";
import * as tf from "@tensorflow/tfjs";
import { EMOTIONS } from "../emotions.ts";
import { nameEmotions } from "./emotions_of_model.ts";

/** What may differ. */
export interface WideXceptionOptions {
  /** The names of the classes, or their number; by default FER-2013's seven emotions. */
  classes?: readonly string[] | number;
  /** The seed of the random initial weights. */
  seed?: number;
}

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
  options: WideXceptionOptions = {},
): tf.LayersModel {
  const { classes = EMOTIONS, seed = 1 } = options;
  let drawn = seed;
  const initial = () => tf.initializers.glorotUniform({ seed: drawn++ });
  const apply = (layer: tf.layers.Layer, ...x: tf.SymbolicTensor[]) =>
    layer.apply(x.length === 1 ? x[0] : x) as tf.SymbolicTensor;
  const relu = (x: tf.SymbolicTensor) =>
    apply(tf.layers.activation({ activation: "relu" }), x);

  const convolve = (
    x: tf.SymbolicTensor,
    filters: number,
    kernelSize: number,
    strides: number,
  ) => {
    const conv = tf.layers.conv2d({
      filters,
      kernelSize,
      strides,
      useBias: false,
      padding: kernelSize === 1 ? "same" : "valid",
      kernelInitializer: initial(),
    });
    return apply(tf.layers.batchNormalization(), apply(conv, x));
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
    return apply(tf.layers.batchNormalization(), apply(conv, x));
  };
  /** Halves the sides, like a module of mini-Xception. */
  const shrinking = (x: tf.SymbolicTensor, filters: number) => {
    const pool = tf.layers.maxPooling2d({
      poolSize: 3,
      strides: 2,
      padding: "same",
    });
    const main = apply(
      pool,
      separable(relu(separable(x, filters)), filters),
    );
    return apply(tf.layers.add(), main, convolve(x, filters, 1, 2));
  };
  /** Keeps shape and shortcut unchanged (He et al. 2016, pre-activation). */
  const keeping = (x: tf.SymbolicTensor, filters: number) => {
    const main = separable(relu(separable(relu(x), filters)), filters);
    return apply(tf.layers.add(), x, main);
  };

  const input = tf.input({ shape: [48, 48, 1] });
  let x = relu(convolve(input, 8, 3, 1));
  x = relu(convolve(x, 8, 3, 1)); // 44 x 44 x 8
  for (const filters of FILTERS) x = keeping(shrinking(x, filters), filters);
  x = apply(tf.layers.globalAveragePooling2d({}), relu(x)); // 96
  const output = apply(
    tf.layers.dense({
      units: typeof classes === "number" ? classes : classes.length,
      activation: "softmax",
      kernelInitializer: initial(),
    }),
    x,
  );
  const name = "wide_xception";
  const model = tf.model({ inputs: input, outputs: output, name });
  if (typeof classes !== "number") nameEmotions(model, classes);
  return model;
}
