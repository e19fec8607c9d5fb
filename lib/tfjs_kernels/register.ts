// Registers the gradient kernels of this folder with tfjs's wasm backend, under
// tfjs's own names, so that models of ordinary layers train with plain
// `model.fit`. backend.ts chooses and starts the backend.

import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { adamKernel, patchAdamOptimizer } from "./adam.ts";
import { batchNormKernels, registerBatchNorm } from "./batch_norm.ts";
import { convolutionKernels } from "./convolution_gradients.ts";
import { registerDilatedGradients } from "./dilated_gradients.ts";
import { poolKernels } from "./pool_gradients.ts";
import { reductionKernels } from "./reductions.ts";
import { correctedConvolutions } from "./same_padding.ts";
import { compileTfjsKernels } from "./wasm_module.ts";
import { segmentKernel } from "./unsorted_segment_sum.ts";

const KERNELS = [
  adamKernel,
  ...batchNormKernels,
  ...convolutionKernels,
  ...poolKernels,
  segmentKernel,
];

let registered = false;

/**
 * Registers the kernels, replacing the backend's slower ones of the same name.
 * Call it before or after `tf.setBackend("wasm")`, in each worker. Calling it
 * again changes nothing, and other backends stay as they are.
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
    const kernel of [
      ...KERNELS,
      ...correctedConvolutions(),
      ...reductionKernels(),
    ]
  ) {
    if (tf.getKernel(kernel.kernelName, "wasm")) {
      tf.unregisterKernel(kernel.kernelName, "wasm");
    }
    tf.registerKernel(kernel);
  }
  registerBatchNorm();
  patchAdamOptimizer();
  registerDilatedGradients();
}
