// MaxPoolGrad and AvgPoolGrad: the gradients of 2D pooling, faster than the
// backend's own. AvgPoolGrad also differs from tfjs's: with padding, tfjs
// divides by the whole window although the forward pass averages only what lies
// inside the picture; this one is the gradient of the forward pass. Rejected:
// anything but float32. Left out: dilated windows, which tfjs does not
// differentiate.

import * as tf from "@tensorflow/tfjs";
import { call, type KernelCall, sizesOf, wasmKernel } from "./wasm_module.ts";

function describePooling(
  inputShape: number[],
  { filterSize, strides, pad, dimRoundingMode }: tf.MaxPoolGradAttrs,
) {
  return sizesOf(tf.backend_util.computePool2DInfo(
    inputShape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  ));
}

export const poolKernels = [
  wasmKernel(tf.MaxPoolGrad, (
    { inputs, backend, attrs }: KernelCall<
      "input" | "output" | "dy",
      tf.MaxPoolGradAttrs
    >,
  ) => {
    const { input: x, output: y, dy } = inputs;
    const dx = backend.makeOutput(x.shape, "float32");
    const sizes = describePooling(x.shape, attrs);
    call(backend, "maxPoolBackprop", { x, y, dy, dx, ...sizes });
    return dx;
  }),
  wasmKernel(tf.AvgPoolGrad, (
    { inputs: { input, dy }, backend, attrs }: KernelCall<
      "input" | "dy",
      tf.AvgPoolGradAttrs
    >,
  ) => {
    const dx = backend.makeOutput(input.shape, "float32");
    const sizes = describePooling(input.shape, attrs);
    call(backend, "averagePoolBackprop", { dy, dx, ...sizes });
    return dx;
  }),
];
