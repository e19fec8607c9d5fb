// Entry of tfjs_kernels.wasm: the gradients that tfjs's wasm backend lacks or
// computes slowly. The module works in the backend's memory, which it imports: no
// static data, no shadow stack, no allocation. All pointers are byte addresses.
export { adamUpdate } from "./adam";
export {
  conv2dBackpropFilter,
  conv2dBackpropInput,
  conv2dFilterScratch,
  conv2dInputScratch,
} from "./conv";
export {
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
} from "./depthwise";
export {
  batchNormBackprop,
  batchStatistics,
  normalizeBatch,
  sumRows,
} from "./norm";
export { averagePoolBackprop, maxPoolBackprop } from "./pool";
export { unsortedSegmentSum } from "./segment";
