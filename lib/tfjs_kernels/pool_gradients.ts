// MaxPoolGrad and AvgPoolGrad: the gradients of 2D pooling, faster than the
// backend's own. AvgPoolGrad also differs from tfjs's: with padding, tfjs
// divides by the whole window although the forward pass averages only what lies
// inside the picture; here the gradient is that of the forward pass. Refused:
// dilated windows, which tfjs does not differentiate, and anything but float32.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor } from "./wasm_module.ts";

/** The pooling's numbers, in the order in which the kernels take them. */
function describePooling(
  inputShape: number[],
  { filterSize, strides, pad, dimRoundingMode }: tf.MaxPoolGradAttrs,
): number[] {
  const pool = tf.backend_util.computePool2DInfo(
    inputShape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return [
    pool.batchSize,
    pool.inHeight,
    pool.inWidth,
    pool.inChannels,
    pool.outHeight,
    pool.outWidth,
    pool.filterHeight,
    pool.filterWidth,
    pool.strideHeight,
    pool.strideWidth,
    pool.padInfo.top,
    pool.padInfo.left,
  ];
}

function maxPoolGrad(
  { inputs, backend, attrs }: {
    inputs: Record<"input" | "output" | "dy", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: tf.MaxPoolGradAttrs;
  },
): tf.TensorInfo {
  const name = tf.MaxPoolGrad;
  const { input, output, dy } = inputs;
  const addresses = [
    addressOf(backend, name, "input", input),
    addressOf(backend, name, "output", output),
    addressOf(backend, name, "dy", dy),
  ];
  const dx = backend.makeOutput(input.shape, "float32");
  addresses.push(addressOf(backend, name, "dx", dx));
  kernelsFor(backend).maxPoolBackprop(
    ...addresses,
    ...describePooling(input.shape, attrs),
  );
  return dx;
}

function avgPoolGrad(
  { inputs, backend, attrs }: {
    inputs: Record<"input" | "dy", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: tf.AvgPoolGradAttrs;
  },
): tf.TensorInfo {
  const name = tf.AvgPoolGrad;
  const { input, dy } = inputs;
  const address = addressOf(backend, name, "dy", dy);
  const dx = backend.makeOutput(input.shape, "float32");
  kernelsFor(backend).averagePoolBackprop(
    address,
    addressOf(backend, name, "dx", dx),
    ...describePooling(input.shape, attrs),
  );
  return dx;
}

export const poolKernels: tf.KernelConfig[] = [
  {
    kernelName: tf.MaxPoolGrad,
    backendName: "wasm",
    kernelFunc: maxPoolGrad as unknown as tf.KernelFunc,
  },
  {
    kernelName: tf.AvgPoolGrad,
    backendName: "wasm",
    kernelFunc: avgPoolGrad as unknown as tf.KernelFunc,
  },
];
