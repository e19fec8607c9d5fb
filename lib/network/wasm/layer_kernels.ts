// The types of the kernels of PReLU, layer normalization and noise. Those of the
// other kernels are in kernels.ts.

/** Exports of kernels.wasm; `Kernels` has them all. */
export interface LayerKernels {
  prelu(
    x: number,
    dy: number,
    alpha: number,
    y: number,
    rows: number,
    length: number,
  ): void;
  preluSlopes(
    x: number,
    dy: number,
    dalpha: number,
    rows: number,
    length: number,
  ): void;
  layerNorm(
    x: number,
    gamma: number,
    beta: number,
    y: number,
    pixels: number,
    channels: number,
    room: number,
    epsilon: number,
  ): void;
  layerNormGradient(
    x: number,
    dy: number,
    gamma: number,
    dx: number,
    dgamma: number,
    dbeta: number,
    pixels: number,
    channels: number,
    room: number,
    epsilon: number,
  ): void;
  addNoise(
    x: number,
    y: number,
    count: number,
    first: number,
    seed: number,
    deviation: number,
  ): void;
}
