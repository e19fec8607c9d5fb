// The kernels of the fast network (lib/network/network.ts), compiled to kernels.wasm.
// What each computes, and the memory layout they share: ../README.md.

export { copyRows, gather, same, spread, zero } from "./vector";
export { conv } from "./conv";
export { convFilter } from "./conv_filter";
export { depthwise } from "./depthwise";
export { depthwiseFilter, depthwiseInput } from "./depthwise_gradient";
export {
  normalize,
  normalizeGradient,
  normalizeSums,
  moments,
} from "./normalization";
export { maxPool } from "./max_pool";
export { maxPoolGradient } from "./max_pool_gradient";
export {
  averagePool,
  averagePoolGradient,
  globalAverage,
  globalAverageGradient,
} from "./average_pool";
export {
  activate,
  activateGradient,
  drop,
  multiply,
  multiplyChannels,
  multiplyChannelsGradient,
} from "./elementwise";
export { winogradInput, winogradOutput } from "./winograd";
export { adam, sgd, track } from "./optimizer";
export { prelu, preluSlopes } from "./prelu";
export { layerNorm, layerNormGradient } from "./layer_norm";
export { addNoise } from "./noise";
