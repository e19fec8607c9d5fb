// Conv2DBackpropFilter and Conv2DBackpropInput: the gradients of conv2d, and of
// the layers conv2d, conv2dTranspose, conv1d and separableConv2d. Any stride and
// padding; also dilations, which tfjs's own gradient of conv2d never asks for
// (dilated_gradients.ts does). Refused: channels first, as in the backend's
// forward Conv2D, and anything but float32.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor, withScratch } from "./wasm_module.ts";

type Shape4D = [number, number, number, number];

interface Attributes extends tf.Conv2DBackpropFilterAttrs {
  /** Not among tfjs's own attributes; 1 where it is left out. */
  dilations?: [number, number] | number;
}

/** The convolution's numbers, in the order in which the kernels take them. */
function describeConvolution(
  kernel: string,
  inputShape: Shape4D,
  filterShape: Shape4D,
  attributes: Attributes,
) {
  const { strides, pad, dilations = 1, dimRoundingMode } = attributes;
  if (attributes.dataFormat === "NCHW") {
    throw new Error(
      `${kernel}: the wasm backend convolves channels last (NHWC) only`,
    );
  }
  const conv = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  const windowSize = conv.filterHeight * conv.filterWidth * conv.inChannels;
  const pointwise = conv.filterHeight * conv.filterWidth === 1 &&
    conv.strideHeight === 1 && conv.strideWidth === 1 &&
    conv.outHeight === conv.inHeight && conv.outWidth === conv.inWidth &&
    conv.padInfo.top === 0 && conv.padInfo.left === 0;
  const numbers = [
    conv.batchSize,
    conv.inHeight,
    conv.inWidth,
    conv.inChannels,
    conv.outHeight,
    conv.outWidth,
    conv.outChannels,
    conv.filterHeight,
    conv.filterWidth,
    conv.strideHeight,
    conv.strideWidth,
    conv.dilationHeight,
    conv.dilationWidth,
    conv.padInfo.top,
    conv.padInfo.left,
    Number(pointwise),
  ];
  return { numbers, windowSize, outChannels: conv.outChannels };
}

function conv2dBackpropFilter(
  { inputs, backend, attrs }: {
    inputs: Record<"x" | "dy", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: Attributes;
  },
): tf.TensorInfo {
  const name = tf.Conv2DBackpropFilter;
  const { x, dy } = inputs;
  const { numbers, windowSize } = describeConvolution(
    name,
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
  withScratch(backend, kernels.conv2dFilterScratch(windowSize), (scratch) => {
    kernels.conv2dBackpropFilter(...addresses, scratch, ...numbers);
  });
  return dw;
}

function conv2dBackpropInput(
  { inputs, backend, attrs }: {
    inputs: Record<"dy" | "filter", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: Attributes & { inputShape: Shape4D };
  },
): tf.TensorInfo {
  const name = tf.Conv2DBackpropInput;
  const { dy, filter } = inputs;
  const { numbers, windowSize, outChannels } = describeConvolution(
    name,
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
  const bytes = kernels.conv2dInputScratch(windowSize, outChannels);
  withScratch(backend, bytes, (scratch) => {
    kernels.conv2dBackpropInput(...addresses, scratch, ...numbers);
  });
  return dx;
}

export const conv2dKernels: tf.KernelConfig[] = [
  {
    kernelName: tf.Conv2DBackpropFilter,
    backendName: "wasm",
    kernelFunc: conv2dBackpropFilter as unknown as tf.KernelFunc,
  },
  {
    kernelName: tf.Conv2DBackpropInput,
    backendName: "wasm",
    kernelFunc: conv2dBackpropInput as unknown as tf.KernelFunc,
  },
];
