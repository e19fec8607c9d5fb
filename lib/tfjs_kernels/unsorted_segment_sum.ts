// UnsortedSegmentSum: the gradient of gather, and so of the layer embedding.
// Rows whose segment does not exist are added to no sum. Rejected: anything but
// float32 values.

import * as tf from "@tensorflow/tfjs";
import { call, type KernelCall, wasmKernel } from "./wasm_module.ts";

export const segmentKernel = wasmKernel(tf.UnsortedSegmentSum, (
  { inputs: { x, segmentIds: ids }, backend, attrs }: KernelCall<
    "x" | "segmentIds",
    tf.UnsortedSegmentSumAttrs
  >,
) => {
  const segments = attrs.numSegments;
  const rowShape = x.shape.slice(ids.shape.length);
  const out = backend.makeOutput([segments, ...rowShape], "float32");
  const rows = tf.util.sizeFromShape(ids.shape);
  const width = tf.util.sizeFromShape(rowShape);
  call(backend, "unsortedSegmentSum", { x, ids, out, rows, width, segments });
  return out;
});
