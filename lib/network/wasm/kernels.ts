// The types of the compiled kernels (assembly/index.ts). What each computes and
// what its arguments mean is said there and in README.md; addresses and strides
// are in bytes, 0 is "none".

type Kernel = (...numbers: number[]) => void;

/** The exports of kernels.wasm. */
export type Kernels =
  & Record<
    | "gather"
    | "zero"
    | "copyRows"
    | "spread"
    | "conv"
    | "convFilter"
    | "depthwise"
    | "depthwiseFilter"
    | "depthwiseInput"
    | "normalize"
    | "normalizeGradient"
    | "normalizeSums"
    | "moments"
    | "maxPool"
    | "maxPoolGradient"
    | "averagePool"
    | "averagePoolGradient"
    | "globalAverage"
    | "globalAverageGradient"
    | "activate"
    | "activateGradient"
    | "add"
    | "drop"
    | "multiply"
    | "multiplyChannels"
    | "multiplyChannelsGradient"
    | "adam"
    | "sgd"
    | "track",
    Kernel
  >
  & { same(a: number, b: number, bytes: number): number };
