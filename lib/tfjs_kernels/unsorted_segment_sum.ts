// UnsortedSegmentSum: the gradient of gather, and so of the layer embedding.
// Rows whose segment does not exist are left out of every sum. Refused:
// anything but float32 values.

import * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { addressOf, kernelsFor } from "./wasm_module.ts";

function unsortedSegmentSum(
  { inputs, backend, attrs }: {
    inputs: Record<"x" | "segmentIds", tf.TensorInfo>;
    backend: BackendWasm;
    attrs: tf.UnsortedSegmentSumAttrs;
  },
): tf.TensorInfo {
  const name = tf.UnsortedSegmentSum;
  const { x, segmentIds } = inputs;
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const addresses = [
    addressOf(backend, name, "x", x),
    addressOf(backend, name, "segmentIds", segmentIds, "int32"),
  ];
  const out = backend.makeOutput([attrs.numSegments, ...rowShape], "float32");
  kernelsFor(backend).unsortedSegmentSum(
    ...addresses,
    addressOf(backend, name, "out", out),
    tf.util.sizeFromShape(segmentIds.shape),
    tf.util.sizeFromShape(rowShape),
    attrs.numSegments,
  );
  return out;
}

export const segmentKernels: tf.KernelConfig[] = [{
  kernelName: tf.UnsortedSegmentSum,
  backendName: "wasm",
  kernelFunc: unsortedSegmentSum as unknown as tf.KernelFunc,
}];
