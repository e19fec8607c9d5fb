// Gradients of dilated convolutions on the wasm backend. tfjs (4.22) rejects
// them on every backend before it calls a kernel, in three places: the gradients
// of Conv2D and DepthwiseConv2dNative, which are replaced here, and
// `tf.fused.conv2d`, which the conv2d layer calls; dilated layers call
// `tf.conv2d` instead. Without dilation, or on another backend, nothing changes.
// Left out: direct calls of `tf.fused.conv2d`.

import * as tf from "@tensorflow/tfjs";

interface ConvolutionAttributes extends tf.NamedAttrMap {
  dilations: [number, number] | number;
}

function isDilated(dilations: number | number[]): boolean {
  return [dilations].flat().some((rate) => rate > 1);
}

/** The gradient of a convolution: ours where it is dilated, otherwise tfjs's. */
function dilatedGradient(
  kernelName: string,
  inputKernel: string,
  filterKernel: string,
): tf.GradConfig {
  const original = tf.getGradient(kernelName);
  return {
    ...original,
    gradFunc: (dy, saved, attributes) => {
      const attrs = attributes as ConvolutionAttributes;
      if (!isDilated(attrs.dilations) || tf.getBackend() !== "wasm") {
        return original.gradFunc(dy, saved, attrs);
      }
      const [x, filter] = saved;
      const inputs = { x, filter, dy: dy as tf.Tensor };
      const { shape: inputShape } = x;
      const { shape: filterShape } = filter;
      const run = (kernel: string) =>
        tf.engine().runKernel(kernel, inputs, {
          ...attrs,
          inputShape,
          filterShape,
        }) as tf.Tensor;
      return { x: () => run(inputKernel), filter: () => run(filterKernel) };
    },
  };
}

/** The members of the conv2d layer that are used here. */
interface Conv2DLayer extends tf.layers.Layer {
  dilationRate: number | number[];
  dataFormat: string;
  strides: [number, number];
  padding: "same" | "valid";
  kernel: tf.LayerVariable;
  bias: tf.LayerVariable | null;
  activation: { apply(x: tf.Tensor): tf.Tensor } | null;
}

/** Makes dilated conv2d layers call `tf.conv2d`, whose gradient is above. */
function patchConv2DLayer(): void {
  const layer = tf.layers.conv2d({ filters: 1, kernelSize: 1 });
  const prototype = Object.getPrototypeOf(layer) as Conv2DLayer;
  const original = prototype.call;
  prototype.call = function (this: Conv2DLayer, inputs, kwargs) {
    if (!isDilated(this.dilationRate) || this.dataFormat === "channelsFirst") {
      return original.call(this, inputs, kwargs);
    }
    return tf.tidy(() => {
      const x = ([inputs].flat() as tf.Tensor4D[])[0];
      const filter = this.kernel.read() as tf.Tensor4D;
      const rate = this.dilationRate as [number, number];
      let y: tf.Tensor = tf.conv2d(
        x,
        filter,
        this.strides,
        this.padding,
        "NHWC",
        rate,
      );
      if (this.bias) y = tf.add(y, this.bias.read());
      return this.activation ? this.activation.apply(y) : y;
    });
  };
}

/** Registers the gradients and patches the layer; call it once. */
export function registerDilatedGradients(): void {
  tf.registerGradient(dilatedGradient(
    tf.Conv2D,
    tf.Conv2DBackpropInput,
    tf.Conv2DBackpropFilter,
  ));
  tf.registerGradient(dilatedGradient(
    tf.DepthwiseConv2dNative,
    tf.DepthwiseConv2dNativeBackpropInput,
    tf.DepthwiseConv2dNativeBackpropFilter,
  ));
  patchConv2DLayer();
}
