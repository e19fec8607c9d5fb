// A small network with every kind of layer that students use, all of them compiled.
import * as tf from "@tensorflow/tfjs";

const l = tf.layers;

/** From faces to seven probabilities. Dropout and noise are optional: engines draw them differently. */
export function buildEveryLayer(
  { seed = 1, noise = false }: { seed?: number; noise?: boolean } = {},
): tf.LayersModel {
  let drawn = seed;
  const initializer = () => tf.initializers.glorotUniform({ seed: drawn++ });
  const conv = (filters: number, strides = 1) =>
    l.conv2d({
      filters,
      strides,
      kernelSize: 3,
      kernelInitializer: initializer(),
    });
  const chain = (x: tf.SymbolicTensor, ...layers: tf.layers.Layer[]) =>
    layers.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, x);
  const input = tf.input({ shape: [48, 48, 1] });
  const stem = chain(
    input,
    l.zeroPadding2d({ padding: [[0, 1], [2, 1]] }),
    ...(noise ? [l.gaussianNoise({ stddev: 0.1 })] : []),
    conv(6, 3),
    l.leakyReLU({ alpha: 0.2 }),
  );
  const one = chain(stem, conv(5), l.prelu({ sharedAxes: [1, 2] }));
  const other = chain(stem, conv(7), l.elu());
  const joined = l.concatenate().apply([one, other]) as tf.SymbolicTensor;
  const maps = chain(
    joined,
    ...(noise ? [l.dropout({ rate: 0.2 })] : []),
    l.separableConv2d({
      filters: 8,
      kernelSize: 3,
      strides: 2,
      activation: "tanh",
      depthwiseInitializer: initializer(),
      pointwiseInitializer: initializer(),
    }),
    l.batchNormalization(),
  );
  const flat = chain(
    maps,
    l.maxPooling2d({ poolSize: 2 }),
    l.flatten(),
    l.prelu(),
  );
  // On rows: on maps, TensorFlow.js's gradient takes a minute per epoch.
  const mean = chain(
    maps,
    l.globalAveragePooling2d({}),
    l.layerNormalization(),
  );
  const end = chain(
    l.concatenate().apply([flat, mean]) as tf.SymbolicTensor,
    l.dense({ units: 7, kernelInitializer: initializer() }),
    l.softmax(),
  );
  return tf.model({ inputs: input, outputs: end, name: "every_layer" });
}
