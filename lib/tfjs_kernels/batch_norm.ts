// Batch normalization on the wasm backend in few passes over memory. tfjs
// composes its gradient of some thirty operations, half of a training step.
// Here are
//   - the gradient of tf.batchNorm (FusedBatchNorm) as one kernel,
//   - the layer batchNormalization in training: statistics, normalization and
//     gradient as one kernel each; also with `scale` or `center` off, where
//     tfjs's layer throws in training.
// Used for float32, statistics of rank 1 and the last axis; anything else, and
// other backends, go tfjs's own way. Left out: gradients of these gradients.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor, withScratch } from "./wasm_module.ts";

const STATISTICS = "BatchStatistics";
const NORMALIZE = "NormalizeBatch";
const GRADIENT = "FusedBatchNormGrad";

type Inputs<Names extends string> = Record<Names, tf.TensorInfo>;

/** Rows and channels of a tensor whose last axis is the channels. */
function rowsAndChannels(x: tf.TensorInfo): [number, number] {
  const channels = x.shape.at(-1)!;
  return [tf.util.sizeFromShape(x.shape) / (channels || 1), channels];
}

function addresses(
  backend: BackendWasm,
  kernel: string,
  tensors: Record<string, tf.TensorInfo>,
): number[] {
  return Object.entries(tensors).map(([name, tensor]) =>
    addressOf(backend, kernel, name, tensor)
  );
}

function batchStatistics(
  { inputs: { x }, backend }: { inputs: Inputs<"x">; backend: BackendWasm },
): tf.TensorInfo[] {
  const [rows, channels] = rowsAndChannels(x);
  const mean = backend.makeOutput([channels], "float32");
  const variance = backend.makeOutput([channels], "float32");
  const at = addresses(backend, STATISTICS, { x, mean, variance });
  withScratch(backend, 8 * channels, (scratch) => {
    kernelsFor(backend).batchStatistics(...at, scratch, rows, channels);
  });
  return [mean, variance];
}

function normalizeBatch(
  { inputs, backend, attrs }: {
    inputs: Inputs<"x" | "mean" | "variance" | "gamma" | "beta">;
    backend: BackendWasm;
    attrs: { epsilon: number };
  },
): tf.TensorInfo {
  const { x, mean, variance, gamma, beta } = inputs;
  const [rows, channels] = rowsAndChannels(x);
  const y = backend.makeOutput(x.shape, "float32");
  const at = addresses(backend, NORMALIZE, {
    x,
    mean,
    variance,
    gamma,
    beta,
    y,
  });
  withScratch(backend, 4 * channels, (scratch) => {
    kernelsFor(backend).normalizeBatch(
      ...at,
      scratch,
      rows,
      channels,
      attrs.epsilon,
    );
  });
  return y;
}

function fusedBatchNormGrad(
  { inputs, backend, attrs }: {
    inputs: Inputs<"x" | "dy" | "mean" | "variance" | "gamma">;
    backend: BackendWasm;
    attrs: { epsilon: number; training: boolean };
  },
): tf.TensorInfo[] {
  const { x, dy, mean, variance, gamma } = inputs;
  const [rows, channels] = rowsAndChannels(x);
  const dx = backend.makeOutput(x.shape, "float32");
  const dgamma = backend.makeOutput([channels], "float32");
  const dbeta = backend.makeOutput([channels], "float32");
  const at = addresses(backend, GRADIENT, {
    x,
    dy,
    mean,
    variance,
    gamma,
    dx,
    dgamma,
    dbeta,
  });
  withScratch(backend, 8 * channels, (scratch) => {
    kernelsFor(backend).batchNormBackprop(
      ...at,
      scratch,
      rows,
      channels,
      attrs.epsilon,
      Number(attrs.training),
    );
  });
  return [dx, dgamma, dbeta];
}

const FUNCTIONS = {
  [STATISTICS]: batchStatistics,
  [NORMALIZE]: normalizeBatch,
  [GRADIENT]: fusedBatchNormGrad,
};

export const batchNormKernels: tf.KernelConfig[] = Object.entries(FUNCTIONS)
  .map(([kernelName, kernelFunc]) => ({
    kernelName,
    backendName: "wasm",
    kernelFunc: kernelFunc as unknown as tf.KernelFunc,
  }));

function run(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] {
  return [tf.engine().runKernel(kernel, inputs, attributes)].flat();
}

/** tfjs's gradient of tf.batchNorm, ours where it applies. */
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

/** What the layer batchNormalization holds, as far as it is used here. */
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

/** Makes batchNormalization layers train by the kernels above. */
function teachBatchNormalizationLayer(): void {
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

/** Registers the gradient and teaches the layer; to be called once. */
export function registerBatchNorm(): void {
  tf.registerGradient(batchNormGradient());
  teachBatchNormalizationLayer();
}
