// The layers that mini-Xception and wide-Xception are built from. Each draws its initial weights with
// the next seed.
import * as tf from "@tensorflow/tfjs";
import { EMOTIONS } from "../emotions.ts";
import { nameEmotions } from "./emotions_of_model.ts";

type Tensor = tf.SymbolicTensor;

/** What may differ. */
export interface FaceNetworkOptions {
  /** The names of the classes, or their number; by default FER-2013's seven emotions. */
  classes?: readonly string[] | number;
  /** The seed of the random initial weights. */
  seed?: number;
}

/** Functions that add layers to a network; `seed` is that of the first layer. */
function xceptionLayers(seed: number) {
  const initial = () => tf.initializers.glorotUniform({ seed: seed++ });
  const apply = (layer: tf.layers.Layer, ...x: Tensor[]) =>
    layer.apply(x.length === 1 ? x[0] : x) as Tensor;
  const normalize = (x: Tensor) => apply(tf.layers.batchNormalization(), x);
  const relu = (x: Tensor) =>
    apply(tf.layers.activation({ activation: "relu" }), x);

  /** A normalized convolution: 1x1 with strides of 2, or 3x3 without padding. */
  const convolve = (
    x: Tensor,
    filters: number,
    kernelSize: 1 | 3,
    kernelRegularizer?: ReturnType<typeof tf.regularizers.l2>,
  ) =>
    normalize(apply(
      tf.layers.conv2d({
        filters,
        kernelSize,
        strides: kernelSize === 1 ? 2 : 1,
        padding: kernelSize === 1 ? "same" : "valid",
        useBias: false,
        kernelRegularizer,
        kernelInitializer: initial(),
      }),
      x,
    ));

  /** A normalized depthwise separable convolution. */
  const separable = (x: Tensor, filters: number) =>
    normalize(apply(
      tf.layers.separableConv2d({
        filters,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        depthwiseInitializer: initial(),
        pointwiseInitializer: initial(),
      }),
      x,
    ));

  /** Two separable convolutions. */
  const pair = (x: Tensor, filters: number) =>
    separable(relu(separable(x, filters)), filters);

  /** Two separable convolutions, then maximum pooling that halves the sides. */
  const halved = (x: Tensor, filters: number) => {
    const size = { poolSize: 3, strides: 2, padding: "same" } as const;
    return apply(tf.layers.maxPooling2d(size), pair(x, filters));
  };

  return { initial, apply, relu, convolve, pair, halved };
}

/** A network for faces of 48x48x1, with the names of its classes if they are given. */
export function faceNetwork(
  name: string,
  { classes = EMOTIONS, seed = 1 }: FaceNetworkOptions,
  build: (
    layers: ReturnType<typeof xceptionLayers>,
    input: Tensor,
    classes: number,
  ) => Tensor,
): tf.LayersModel {
  const inputs = tf.input({ shape: [48, 48, 1] });
  const count = typeof classes === "number" ? classes : classes.length;
  const outputs = build(xceptionLayers(seed), inputs, count);
  const model = tf.model({ inputs, outputs, name });
  if (typeof classes !== "number") nameEmotions(model, classes);
  return model;
}
