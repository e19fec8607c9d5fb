// Conv2DBackpropFilter, Conv2DBackpropInput and the same for
// DepthwiseConv2dNative: the gradients of conv2d and depthwiseConv2d, and of the
// layers conv2d, conv2dTranspose, conv1d, depthwiseConv2d and separableConv2d.
// Any stride, padding and depth multiplier; also dilations, for which tfjs's own
// gradients never ask (dilated_gradients.ts does). Rejected: channels first, as
// in the backend's forward kernels, and anything but float32.

import * as tf from "@tensorflow/tfjs";
import { call, type KernelCall, sizesOf, wasmKernel } from "./wasm_module.ts";

type Shape4D = [number, number, number, number];

interface Attributes {
  strides: [number, number] | number;
  pad: tf.Conv2DBackpropFilterAttrs["pad"];
  dimRoundingMode?: "floor" | "round" | "ceil";
  dataFormat?: "NHWC" | "NCHW";
  /** tfjs's own gradient of conv2d leaves it out, which means 1. */
  dilations?: [number, number] | number;
  filterShape: Shape4D;
  inputShape: Shape4D;
}

/** The convolution's sizes; the reach is how far its filter extends. */
function describe(
  kernel: string,
  inputShape: Shape4D,
  filterShape: Shape4D,
  attributes: Attributes,
  depthwise: boolean,
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
    depthwise,
  );
  const taps = conv.filterHeight * conv.filterWidth;
  return {
    ...sizesOf(conv),
    taps,
    windowSize: taps * conv.inChannels,
    pointwise: taps === 1 &&
      conv.strideHeight === 1 && conv.strideWidth === 1 &&
      conv.outHeight === conv.inHeight && conv.outWidth === conv.inWidth &&
      conv.padInfo.top === 0 && conv.padInfo.left === 0,
    reachY: (conv.filterHeight - 1) * conv.dilationHeight,
    reachX: (conv.filterWidth - 1) * conv.dilationWidth,
  };
}

/** The kernel of a filter's gradient. */
function filterGradient(kernel: string, depthwise: boolean): tf.KernelConfig {
  return wasmKernel(kernel, (
    { inputs: { x, dy }, backend, attrs }: KernelCall<"x" | "dy", Attributes>,
  ) => {
    const { filterShape } = attrs;
    const shape = x.shape as Shape4D;
    const sizes = describe(kernel, shape, filterShape, attrs, depthwise);
    const dw = backend.makeOutput(filterShape, "float32");
    if (depthwise) {
      const height = (sizes.outHeight - 1) * sizes.strideHeight +
        sizes.reachY + 1;
      const width = (sizes.outWidth - 1) * sizes.strideWidth +
        sizes.reachX + 1;
      const scratch = 4 * height * width * sizes.outChannels;
      const values = { x, dy, dw, scratch, ...sizes };
      call(backend, "depthwiseBackpropFilter", values);
    } else {
      const scratch = call(backend, "conv2dFilterScratch", sizes);
      const values = { x, dy, dw, scratch, ...sizes };
      call(backend, "conv2dBackpropFilter", values);
    }
    return dw;
  });
}

/** The kernel of an input's gradient. */
function inputGradient(kernel: string, depthwise: boolean): tf.KernelConfig {
  return wasmKernel(kernel, (
    { inputs: { dy, filter }, backend, attrs }: KernelCall<
      "dy" | "filter",
      Attributes
    >,
  ) => {
    const { inputShape } = attrs;
    const shape = filter.shape as Shape4D;
    const sizes = describe(kernel, inputShape, shape, attrs, depthwise);
    const dx = backend.makeOutput(inputShape, "float32");
    if (depthwise) {
      const pixels = sizes.taps + sizes.inWidth +
        (sizes.inHeight + sizes.reachY) * (sizes.inWidth + sizes.reachX);
      const scratch = 4 * pixels * sizes.outChannels;
      const values = { dy, filter, dx, scratch, ...sizes };
      call(backend, "depthwiseBackpropInput", values);
    } else {
      const scratch = call(backend, "conv2dInputScratch", sizes);
      const values = { dy, filter, dx, scratch, ...sizes };
      call(backend, "conv2dBackpropInput", values);
    }
    return dx;
  });
}

export const convolutionKernels = [
  filterGradient(tf.Conv2DBackpropFilter, false),
  inputGradient(tf.Conv2DBackpropInput, false),
  filterGradient(tf.DepthwiseConv2dNativeBackpropFilter, true),
  inputGradient(tf.DepthwiseConv2dNativeBackpropInput, true),
];
