// Batch normalization on the wasm backend in few passes over memory. tfjs
// composes its gradient from about thirty operations, which take half of a
// training step. This module has
//   - the gradient of tf.batchNorm (FusedBatchNorm) as one kernel,
//   - the batchNormalization layer in training: statistics, normalization and
//     gradient as one kernel each; also with `scale` or `center` off, where
//     tfjs's layer throws in training.
// It covers float32, statistics of rank 1 and the last axis; tfjs computes
// everything else, and other backends. Left out: second derivatives.

import * as tf from "@tensorflow/tfjs";
import { call, type KernelCall, wasmKernel } from "./wasm_module.ts";

const STATISTICS = "BatchStatistics";
const NORMALIZE = "NormalizeBatch";
const GRADIENT = "FusedBatchNormGrad";

/** Rows and channels of a tensor whose last axis is the channels. */
function rowsAndChannels(x: tf.TensorInfo) {
  const channels = x.shape.at(-1)!;
  const rows = tf.util.sizeFromShape(x.shape) / (channels || 1);
  return { rows, channels };
}

export const batchNormKernels = [
  wasmKernel(STATISTICS, ({ inputs: { x }, backend }: KernelCall<"x">) => {
    const { rows, channels } = rowsAndChannels(x);
    const mean = backend.makeOutput([channels], "float32");
    const variance = backend.makeOutput([channels], "float32");
    const scratch = 8 * channels;
    const values = { x, mean, variance, scratch, rows, channels };
    call(backend, "batchStatistics", values);
    return [mean, variance];
  }),
  wasmKernel(NORMALIZE, (
    { inputs, backend, attrs }: KernelCall<
      "x" | "mean" | "variance" | "gamma" | "beta",
      { epsilon: number }
    >,
  ) => {
    const sizes = rowsAndChannels(inputs.x);
    const y = backend.makeOutput(inputs.x.shape, "float32");
    const scratch = 4 * sizes.channels;
    const values = { ...inputs, y, scratch, ...sizes, ...attrs };
    call(backend, "normalizeBatch", values);
    return y;
  }),
  wasmKernel(GRADIENT, (
    { inputs, backend, attrs }: KernelCall<
      "x" | "dy" | "mean" | "variance" | "gamma",
      { epsilon: number; training: boolean }
    >,
  ) => {
    const sizes = rowsAndChannels(inputs.x);
    const dx = backend.makeOutput(inputs.x.shape, "float32");
    const dgamma = backend.makeOutput([sizes.channels], "float32");
    const dbeta = backend.makeOutput([sizes.channels], "float32");
    const scratch = 8 * sizes.channels;
    const outputs = { dx, dgamma, dbeta, scratch };
    const values = { ...inputs, ...outputs, ...sizes, ...attrs };
    call(backend, "batchNormBackprop", values);
    return [dx, dgamma, dbeta];
  }),
];

function run(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] {
  return [tf.engine().runKernel(kernel, inputs, attributes)].flat();
}

/** The gradient of tf.batchNorm: ours where it applies, otherwise tfjs's. */
function batchNormGradient(): tf.GradConfig {
  const original = tf.getGradient(tf.FusedBatchNorm);
  return {
    ...original,
    gradFunc: (dy, saved, attributes) => {
      const [x, mean, variance, scale] = saved;
      if (
        tf.getBackend() !== "wasm" || mean.rank !== 1 || x.dtype !== "float32"
      ) return original.gradFunc(dy, saved, attributes);
      const epsilon = attributes.varianceEpsilon;
      const gamma = scale ?? tf.ones(mean.shape);
      const [dx, dgamma, dbeta] = run(
        GRADIENT,
        { x, dy: dy as tf.Tensor, mean, variance, gamma },
        { epsilon, training: false },
      );
      const over = () => tf.rsqrt(tf.add(variance, epsilon as number));
      return {
        x: () => dx,
        scale: () => dgamma,
        offset: () => dbeta,
        mean: () => tf.neg(tf.mul(tf.mul(over(), gamma), dbeta)),
        variance: () =>
          tf.mul(tf.mul(tf.square(over()), -0.5), tf.mul(gamma, dgamma)),
      };
    },
  };
}

/** The members of the batchNormalization layer that are used here. */
interface BatchNormalizationLayer extends tf.layers.Layer {
  axis: number;
  momentum: number;
  epsilon: number;
  gamma?: tf.LayerVariable;
  beta?: tf.LayerVariable;
  movingMean: tf.LayerVariable;
  movingVariance: tf.LayerVariable;
}

/** The layer in training: y, with its gradient, and the batch's statistics. */
function normalizeInTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): [y: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor] {
  const [mean, variance] = run(STATISTICS, { x });
  const normalize = tf.customGrad((...values) => {
    const [x, gamma, beta] = values as tf.Tensor[];
    const save = values[3] as tf.GradSaveFunc;
    const [value] = run(NORMALIZE, { x, mean, variance, gamma, beta }, {
      epsilon,
    });
    save([x, mean, variance, gamma]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, mean, variance, gamma] = saved;
      return run(GRADIENT, { x, dy, mean, variance, gamma }, {
        epsilon,
        training: true,
      });
    };
    return { value, gradFunc };
  });
  return [normalize(x, gamma, beta), mean, variance];
}

/** variable = momentum * variable + (1 - momentum) * value, as tfjs does. */
function follow(
  variable: tf.LayerVariable,
  value: tf.Tensor,
  momentum: number,
): void {
  const current = variable.read();
  const change = tf.mul(tf.sub(current, value), 1 - momentum);
  variable.write(tf.sub(current, change));
}

/** Makes batchNormalization layers train with the kernels above. */
function patchBatchNormalizationLayer(): void {
  const prototype = Object.getPrototypeOf(
    tf.layers.batchNormalization(),
  ) as BatchNormalizationLayer;
  const original = prototype.call;
  prototype.call = function (this: BatchNormalizationLayer, inputs, kwargs) {
    const x = ([inputs].flat() as tf.Tensor[])[0];
    const lastAxis = this.axis === -1 || this.axis === x.rank - 1;
    const ours = kwargs?.training && lastAxis && x.rank > 1 && x.size > 0 &&
      x.dtype === "float32" && tf.getBackend() === "wasm";
    if (!ours) return original.call(this, inputs, kwargs);
    return tf.tidy(() => {
      const shape = this.movingMean.shape as [number];
      const gamma = this.gamma?.read() ?? tf.ones(shape);
      const beta = this.beta?.read() ?? tf.zeros(shape);
      const [y, mean, variance] = normalizeInTraining(
        x,
        gamma,
        beta,
        this.epsilon,
      );
      follow(this.movingMean, mean, this.momentum);
      follow(this.movingVariance, variance, this.momentum);
      return y;
    });
  };
}

/** Registers the gradient and patches the layer; call it once. */
export function registerBatchNorm(): void {
  tf.registerGradient(batchNormGradient());
  patchBatchNormalizationLayer();
}
