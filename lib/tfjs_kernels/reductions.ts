// Sum and Mean over the leading axes, as in the gradient of a bias and the
// statistics of a batch, without the transposed copy that the backend's own
// kernels make; also Identity, and Cast to the same type, without a copy. The
// backend's own kernels do everything else.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { call as compute } from "./wasm_module.ts";

/** The number of leading axes to sum over; 0 if the axes are others. */
function leadingAxes(x: tf.TensorInfo, axis: number | number[]): number {
  const axes = tf.util.parseAxisParam(axis, x.shape);
  const leading = axes.toSorted((a, b) => a - b).every((a, i) => a === i);
  const some = axes.length > 0 && axes.length < x.shape.length;
  return leading && some && x.dtype === "float32" ? axes.length : 0;
}

function reduction(kernelName: string, mean: boolean): tf.KernelConfig {
  const original = tf.getKernel(kernelName, "wasm");
  return {
    ...original,
    kernelFunc: (call) => {
      const x = call.inputs.x!;
      const { axis, keepDims } = call.attrs as unknown as tf.SumAttrs;
      const summed = leadingAxes(x, axis);
      const rows = tf.util.sizeFromShape(x.shape.slice(0, summed));
      const kept = x.shape.slice(summed);
      const channels = tf.util.sizeFromShape(kept);
      if (summed === 0 || rows * channels === 0) {
        return original.kernelFunc(call);
      }
      const backend = call.backend as BackendWasm;
      const shape = keepDims ? [...Array(summed).fill(1), ...kept] : kept;
      const out = backend.makeOutput(shape, "float32");
      const scale = mean ? 1 / rows : 1, scratch = 4 * channels;
      const values = { x, out, scratch, rows, channels, scale };
      compute(backend, "sumRows", values);
      return out;
    },
  };
}

/** The same data under another handle: the backend counts references. */
function share(x: tf.TensorInfo, backend: BackendWasm): tf.TensorInfo {
  backend.incRef(x.dataId as object);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

function sharing(kernelName: string): tf.KernelConfig {
  const original = tf.getKernel(kernelName, "wasm");
  return {
    ...original,
    kernelFunc: (call) => {
      const x = call.inputs.x!;
      const type = call.attrs?.dtype ?? x.dtype;
      return type === x.dtype && type !== "string"
        ? share(x, call.backend as BackendWasm)
        : original.kernelFunc(call);
    },
  };
}

/** The kernels, made from the backend's own; call it once. */
export function reductionKernels(): tf.KernelConfig[] {
  return [
    reduction(tf.Sum, false),
    reduction(tf.Mean, true),
    sharing(tf.Identity),
    sharing(tf.Cast),
  ];
}
