// DepthwiseConv2dNativeBackpropFilter and DepthwiseConv2dNativeBackpropInput:
// the gradients of depthwiseConv2d, and of the layers depthwiseConv2d and
// separableConv2d. Any stride, dilation, padding and depth multiplier. Refused:
// anything but float32; channels first does not exist in tfjs's kernel.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor, withScratch } from "./wasm_module.ts";

type Shape4D = [number, number, number, number];
type Attributes = Omit<
  tf.DepthwiseConv2dNativeBackpropFilterAttrs,
  "filterShape"
>;

/** The convolution, and its numbers in the order the kernels take them. */
function describeConvolution(
  inputShape: Shape4D,
  filterShape: Shape4D,
  { strides, dilations, pad, dimRoundingMode }: Attributes,
) {
  const conv = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
    true,
  );
  const numbers = [
    conv.batchSize,
    conv.inHeight,
    conv.inWidth,
    conv.inChannels,
    conv.outChannels / conv.inChannels,
    conv.outHeight,
    conv.outWidth,
    conv.filterHeight,
    conv.filterWidth,
    conv.strideHeight,
    conv.strideWidth,
    conv.dilationHeight,
    conv.dilationWidth,
    conv.padInfo.top,
    conv.padInfo.left,
  ];
  const reachY = (conv.filterHeight - 1) * conv.dilationHeight;
  const reachX = (conv.filterWidth - 1) * conv.dilationWidth;
  return { conv, numbers, reachY, reachX };
}

function depthwiseBackpropFilter(
  { inputs, backend, attrs }: {
    inputs: Record<"x" | "dy", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: tf.DepthwiseConv2dNativeBackpropFilterAttrs;
  },
): tf.TensorInfo {
  const name = tf.DepthwiseConv2dNativeBackpropFilter;
  const { x, dy } = inputs;
  const { conv, numbers, reachY, reachX } = describeConvolution(
    x.shape as Shape4D,
    attrs.filterShape,
    attrs,
  );
  const addresses = [
    addressOf(backend, name, "x", x),
    addressOf(backend, name, "dy", dy),
  ];
  const kernels = kernelsFor(backend);
  const dw = backend.makeOutput(attrs.filterShape, "float32");
  addresses.push(addressOf(backend, name, "dw", dw));
  const height = (conv.outHeight - 1) * conv.strideHeight + reachY + 1;
  const width = (conv.outWidth - 1) * conv.strideWidth + reachX + 1;
  const bytes = 4 * height * width * conv.outChannels;
  withScratch(backend, bytes, (scratch) => {
    kernels.depthwiseBackpropFilter(...addresses, scratch, ...numbers);
  });
  return dw;
}

function depthwiseBackpropInput(
  { inputs, backend, attrs }: {
    inputs: Record<"dy" | "filter", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: tf.DepthwiseConv2dNativeBackpropInputAttrs;
  },
): tf.TensorInfo {
  const name = tf.DepthwiseConv2dNativeBackpropInput;
  const { dy, filter } = inputs;
  const { conv, numbers, reachY, reachX } = describeConvolution(
    attrs.inputShape,
    filter.shape as Shape4D,
    attrs,
  );
  const addresses = [
    addressOf(backend, name, "dy", dy),
    addressOf(backend, name, "filter", filter),
  ];
  const kernels = kernelsFor(backend);
  const dx = backend.makeOutput(attrs.inputShape, "float32");
  addresses.push(addressOf(backend, name, "dx", dx));
  const pixels = (conv.inHeight + reachY) * (conv.inWidth + reachX) +
    conv.filterHeight * conv.filterWidth + conv.inWidth;
  withScratch(backend, 4 * pixels * conv.outChannels, (scratch) => {
    kernels.depthwiseBackpropInput(...addresses, scratch, ...numbers);
  });
  return dx;
}

export const depthwiseKernels: tf.KernelConfig[] = [
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
    backendName: "wasm",
    kernelFunc: depthwiseBackpropFilter as unknown as tf.KernelFunc,
  },
  {
    kernelName: tf.DepthwiseConv2dNativeBackpropInput,
    backendName: "wasm",
    kernelFunc: depthwiseBackpropInput as unknown as tf.KernelFunc,
  },
];
