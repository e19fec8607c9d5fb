// Sum and Mean over the leading axes, as in the gradient of a bias and in the
// statistics of a batch, without the transposed copy that the backend's own
// kernels make; and Identity, and Cast to the same type, without a copy.
// Everything else goes to the backend's own kernels.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor, withScratch } from "./wasm_module.ts";

/** How many leading axes are summed over, 0 where it is not leading axes. */
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
      const from = addressOf(backend, kernelName, "x", x);
      const to = addressOf(backend, kernelName, "out", out);
      withScratch(backend, 4 * channels, (scratch) => {
        kernelsFor(backend).sumRows(
          from,
          to,
          scratch,
          rows,
          channels,
          mean ? 1 / rows : 1,
        );
      });
      return out;
    },
  };
}

/** The same data under another handle: the backend counts its holders. */
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

/** The kernels; to be made once, from the backend's own. */
export function reductionKernels(): tf.KernelConfig[] {
  return [
    reduction(tf.Sum, false),
    reduction(tf.Mean, true),
    sharing(tf.Identity),
    sharing(tf.Cast),
  ];
}
