// Loads tfjs_kernels.wasm and joins it to the memory of tfjs's wasm backend, so
// that its kernels read and write tensors in place. That memory may grow at any
// time: nothing here keeps a view of it, and addresses stay valid.

import type * as tf from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { compileModule } from "../load_wasm.ts";

const POOL =
  "batch inHeight inWidth channels outHeight outWidth filterHeight filterWidth strideHeight strideWidth padTop padLeft";
const CONVOLUTION =
  "batch inHeight inWidth inChannels outHeight outWidth outChannels filterHeight filterWidth strideHeight strideWidth dilationHeight dilationWidth padTop padLeft pointwise";
const DEPTHWISE =
  "batch inHeight inWidth channels multiplier outHeight outWidth filterHeight filterWidth strideHeight strideWidth dilationHeight dilationWidth padTop padLeft";

/** The functions of the module: the names of their arguments, in order. */
export const ARGUMENTS = {
  adamUpdate:
    "value gradient moment1 moment2 power1 power2 newValue newMoment1 newMoment2 count learningRate beta1 beta2 epsilon",
  averagePoolBackprop: `dy dx ${POOL}`,
  batchNormBackprop:
    "x dy mean variance gamma dx dgamma dbeta scratch rows channels epsilon training",
  batchStatistics: "x mean variance scratch rows channels",
  conv2dBackpropFilter: `x dy dw scratch ${CONVOLUTION}`,
  conv2dBackpropInput: `dy filter dx scratch ${CONVOLUTION}`,
  conv2dFilterScratch: "windowSize",
  conv2dInputScratch: "windowSize outChannels",
  depthwiseBackpropFilter: `x dy dw scratch ${DEPTHWISE}`,
  depthwiseBackpropInput: `dy filter dx scratch ${DEPTHWISE}`,
  maxPoolBackprop: `x y dy dx ${POOL}`,
  normalizeBatch: "x mean variance gamma beta y scratch rows channels epsilon",
  sumRows: "x out scratch rows channels scale",
  unsortedSegmentSum: "x ids out rows width segments",
} as const;

type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}`
  ? Word | Words<Rest>
  : Text;

type Argument = number | boolean | tf.TensorInfo;

let compiled: WebAssembly.Module | undefined;
const instances = new WeakMap<WebAssembly.Memory, WebAssembly.Exports>();

/**
 * Compiles the module, once.
 *
 * @throws Error if its file cannot be read, or the engine has no WebAssembly
 * SIMD.
 */
export async function compileTfjsKernels(): Promise<void> {
  const folder = new URL("./wasm/", import.meta.url);
  compiled = await compileModule(folder, "tfjs_kernels");
}

/** The module's functions, working in this backend's memory. */
function functionsFor(backend: BackendWasm): WebAssembly.Exports {
  const { asm } = backend.wasm as unknown as {
    asm: { memory: WebAssembly.Memory };
  };
  const { memory } = asm;
  let functions = instances.get(memory);
  if (!functions) {
    const instance = new WebAssembly.Instance(compiled!, { env: { memory } });
    functions = instance.exports;
    instances.set(memory, functions);
  }
  return functions;
}

/**
 * Calls a function of the module. A tensor stands for its address; `scratch`
 * is the size in bytes of memory that is freed after the call.
 *
 * @throws Error for a tensor of another type than the function computes
 */
export function call<Name extends keyof typeof ARGUMENTS>(
  backend: BackendWasm,
  name: Name,
  values: Record<Words<(typeof ARGUMENTS)[Name]>, Argument>,
): number {
  const named: Record<string, Argument> = values;
  const scratch = "scratch" in named
    ? backend.makeOutput([Math.ceil(Number(named.scratch) / 4)], "float32")
    : undefined;
  const numberOf = (argument: string): number => {
    const value = argument === "scratch" ? scratch! : named[argument];
    if (typeof value !== "object") return Number(value);
    const type = argument === "ids" ? "int32" : "float32";
    if (value.dtype === type) {
      return backend.dataIdMap.get(value.dataId as object).memoryOffset;
    }
    throw new Error(
      `${name}: ${argument} is ${value.dtype}, the kernel computes ${type} ` +
        `only; cast it first`,
    );
  };
  try {
    const run = functionsFor(backend)[name] as CallableFunction;
    return run(...ARGUMENTS[name].split(" ").map(numberOf));
  } finally {
    if (scratch) backend.disposeData(scratch.dataId as object);
  }
}

/** What a kernel is called with. */
export interface KernelCall<Inputs extends string, Attributes = unknown> {
  inputs: Record<Inputs, tf.TensorInfo>;
  backend: BackendWasm;
  attrs: Attributes;
}

/** A kernel for tfjs's wasm backend. */
export function wasmKernel<Inputs extends string, Attributes>(
  kernelName: string,
  compute: (
    call: KernelCall<Inputs, Attributes>,
  ) => tf.TensorInfo | tf.TensorInfo[],
): tf.KernelConfig {
  const kernelFunc = compute as unknown as tf.KernelFunc;
  return { kernelName, backendName: "wasm", kernelFunc };
}

/** The sizes of a convolution or pooling by the names that the functions use. */
export function sizesOf(conv: tf.backend_util.Conv2DInfo) {
  return {
    ...conv,
    batch: conv.batchSize,
    channels: conv.inChannels,
    multiplier: conv.outChannels / conv.inChannels,
    padTop: conv.padInfo.top,
    padLeft: conv.padInfo.left,
  };
}
