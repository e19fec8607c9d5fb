// Corrects Conv2D, FusedConv2D, DepthwiseConv2dNative and FusedDepthwiseConv2D:
// with padding "same" and a filter smaller than the stride, the backend's own
// kernels (tfjs 4.22) can leave the output unwritten, without an error. They are
// correct with padding given as numbers, so those are computed here.

import * as tf from "@tensorflow/tfjs";

interface Attributes extends tf.NamedAttrMap {
  strides: [number, number] | number;
  dilations: [number, number] | number;
  pad: "same" | "valid" | number | [number, number][];
}

/** The attributes, with "same" replaced by numbers where it fails. */
function withNumbers(
  inputs: tf.NamedTensorInfoMap,
  attributes: Attributes,
  depthwise: boolean,
): Attributes {
  const { strides, pad } = attributes;
  if (pad !== "same" || attributes.dataFormat === "NCHW") return attributes;
  const conv = tf.backend_util.computeConv2DInfo(
    inputs.x!.shape as [number, number, number, number],
    inputs.filter!.shape as [number, number, number, number],
    strides,
    attributes.dilations ?? 1, // the layer depthwiseConv2d gives null
    pad,
    undefined,
    depthwise,
  );
  if (
    conv.effectiveFilterHeight >= conv.strideHeight &&
    conv.effectiveFilterWidth >= conv.strideWidth
  ) return attributes;
  const { top, bottom, left, right } = conv.padInfo;
  return { ...attributes, pad: [[0, 0], [top, bottom], [left, right], [0, 0]] };
}

/** The backend's own kernel, including its setup, with its padding corrected. */
function corrected(kernelName: string, depthwise: boolean): tf.KernelConfig {
  const original = tf.getKernel(kernelName, "wasm");
  return {
    ...original,
    kernelFunc: ({ inputs, backend, attrs }) =>
      original.kernelFunc({
        inputs,
        backend,
        attrs: withNumbers(inputs, attrs as Attributes, depthwise),
      }),
  };
}

/** The four kernels, made from the backend's own; call it once. */
export function correctedConvolutions(): tf.KernelConfig[] {
  return [
    corrected(tf.Conv2D, false),
    corrected(tf.FusedConv2D, false),
    corrected(tf.DepthwiseConv2dNative, true),
    corrected(tf.FusedDepthwiseConv2D, true),
  ];
}
