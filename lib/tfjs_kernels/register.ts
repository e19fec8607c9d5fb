// Registers the gradient kernels of this folder with tfjs's wasm backend, under
// tfjs's own names, so that models of ordinary layers train with plain
// `model.fit`. The folder stands on its own: it imports tfjs and nothing else.
// Choosing and starting the backend is lib/tfjs_kernels/backend.ts.

import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { adamKernels, teachAdamOptimizer } from "./adam.ts";
import { batchNormKernels, registerBatchNorm } from "./batch_norm.ts";
import { conv2dKernels } from "./conv2d_gradients.ts";
import { depthwiseKernels } from "./depthwise_gradients.ts";
import { registerDilatedGradients } from "./dilated_gradients.ts";
import { poolKernels } from "./pool_gradients.ts";
import { reductionKernels } from "./reductions.ts";
import { mendedConvolutions } from "./same_padding.ts";
import { compileTfjsKernels } from "./wasm_module.ts";
import { segmentKernels } from "./unsorted_segment_sum.ts";

const KERNELS = [
  ...adamKernels,
  ...batchNormKernels,
  ...conv2dKernels,
  ...depthwiseKernels,
  ...poolKernels,
  ...segmentKernels,
];

let registered = false;

/**
 * Registers the kernels, replacing the backend's slower ones of the same name.
 * Before or after `tf.setBackend("wasm")`; once for each worker. Calling it
 * again changes nothing. Other backends are left as they are.
 *
 * @throws Error if the compiled module cannot be read or the engine has no
 * WebAssembly SIMD.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import "@tensorflow/tfjs-backend-wasm";
 * import { registerKernels } from "./register.ts";
 *
 * await tf.setBackend("wasm");
 * await registerKernels();
 * // Any model of ordinary layers: await model.fit(x, y)
 * ```
 */
export async function registerKernels(): Promise<void> {
  await compileTfjsKernels();
  if (registered) return;
  registered = true;
  for (
    const kernel of [...KERNELS, ...mendedConvolutions(), ...reductionKernels()]
  ) {
    if (tf.getKernel(kernel.kernelName, "wasm")) {
      tf.unregisterKernel(kernel.kernelName, "wasm");
    }
    tf.registerKernel(kernel);
  }
  registerBatchNorm();
  teachAdamOptimizer();
  registerDilatedGradients();
}
