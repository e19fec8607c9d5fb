// A worker of tests/tfjs_kernels/backend_test.ts: computes one gradient on its own backend.

import * as tf from "@tensorflow/tfjs";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";

await useWasmBackend();
const x = tf.ones([1, 4, 4, 1]) as tf.Tensor4D;
const convolve = (filter: tf.Tensor) =>
  tf.sum(tf.conv2d(x, filter as tf.Tensor4D, 1, "valid"));
const gradient = tf.grad(convolve)(tf.ones([2, 2, 1, 1]));
postMessage([tf.getBackend(), ...gradient.dataSync()]);
