// Entry of tfjs_kernels.wasm: the gradients that tfjs's wasm backend lacks or
// computes slowly. The module imports the backend's memory and owns none of it:
// no static data, no shadow stack, no allocation. All pointers are bytes.
export { adamUpdate } from "./tfjs_adam";
export {
  conv2dBackpropFilter,
  conv2dBackpropInput,
  conv2dFilterScratch,
  conv2dInputScratch,
} from "./tfjs_conv";
export {
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
} from "./tfjs_depthwise";
export {
  batchNormBackprop,
  batchStatistics,
  normalizeBatch,
  sumRows,
} from "./tfjs_norm";
export { averagePoolBackprop, maxPoolBackprop } from "./tfjs_pool";
export { unsortedSegmentSum } from "./tfjs_segment";
