// Loads tfjs_kernels.wasm and joins it to the memory of tfjs's wasm backend, so
// that its kernels read and write tensors in place. The backend's memory may
// grow at any time: nothing here keeps a view of it, addresses stay valid.

import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { DataType, TensorInfo } from "@tensorflow/tfjs";

/** What the module exports: numbers are byte addresses, sizes and flags. */
export type TfjsKernels = Record<
  | "adamUpdate"
  | "averagePoolBackprop"
  | "batchNormBackprop"
  | "batchStatistics"
  | "conv2dBackpropFilter"
  | "conv2dBackpropInput"
  | "conv2dFilterScratch"
  | "conv2dInputScratch"
  | "depthwiseBackpropFilter"
  | "depthwiseBackpropInput"
  | "maxPoolBackprop"
  | "normalizeBatch"
  | "sumRows"
  | "unsortedSegmentSum",
  (...numbers: number[]) => number
>;

let compiled: WebAssembly.Module | undefined;
const instances = new WeakMap<WebAssembly.Memory, TfjsKernels>();

/**
 * Compiles the module, once: with relaxed SIMD (fused multiply-add), or with
 * plain SIMD where the engine does not know relaxed SIMD.
 *
 * @throws Error if the files beside this one cannot be read, or the engine has
 * no WebAssembly SIMD at all.
 */
export async function compileTfjsKernels(): Promise<void> {
  if (compiled) return;
  const relaxed = await readModule("./wasm/tfjs_kernels.wasm");
  const bytes = WebAssembly.validate(relaxed)
    ? relaxed
    : await readModule("./wasm/tfjs_kernels_simd.wasm");
  compiled = await WebAssembly.compile(bytes);
}

async function readModule(name: string): Promise<BufferSource> {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${response.url}: ${response.statusText}`);
  return await response.arrayBuffer();
}

/** The kernels, working in this backend's memory. */
export function kernelsFor(backend: BackendWasm): TfjsKernels {
  const { asm } = backend.wasm as unknown as {
    asm: Record<string, unknown>;
  };
  const memory = asm.memory as WebAssembly.Memory;
  let kernels = instances.get(memory);
  if (!kernels) {
    const instance = new WebAssembly.Instance(compiled!, { env: { memory } });
    kernels = instance.exports as TfjsKernels;
    instances.set(memory, kernels);
  }
  return kernels;
}

/** The byte address of a tensor, which must have the type the kernel reads. */
export function addressOf(
  backend: BackendWasm,
  kernel: string,
  name: string,
  tensor: TensorInfo,
  type: DataType = "float32",
): number {
  if (tensor.dtype !== type) {
    throw new Error(
      `${kernel}: ${name} is ${tensor.dtype}, the kernel computes ${type} ` +
        `only; cast it first`,
    );
  }
  return backend.dataIdMap.get(tensor.dataId as object).memoryOffset;
}

/** Runs `work` with the address of `bytes` of scratch memory, freed after. */
export function withScratch<T>(
  backend: BackendWasm,
  bytes: number,
  work: (address: number) => T,
): T {
  const scratch = backend.makeOutput([Math.ceil(bytes / 4)], "float32");
  const id = scratch.dataId as object;
  try {
    return work(backend.dataIdMap.get(id).memoryOffset);
  } finally {
    backend.disposeData(id);
  }
}
