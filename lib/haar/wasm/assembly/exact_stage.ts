// A stage for one window, every number rounded where OpenCV rounds it: for
// scores, and when the quick sum of stage.ts is too near its threshold.
//
// A stage: weak classifiers (count at 0), address of the first (4), threshold
// (8, a double). A weak classifier: address of its leaves (0), bytes to the
// next (4), nodes from 8. A node: left, right, feature address, threshold. A
// feature: count of rectangles (0), then each the offsets of its four corners
// and its weight.

export const STAGE_BYTES: usize = 48;

@inline
function rectangle(window: usize, at: usize): f32 {
  return <f32> (load<i32>(window + load<u32>(at)) -
    load<i32>(window + load<u32>(at, 4)) -
    load<i32>(window + load<u32>(at, 8)) +
    load<i32>(window + load<u32>(at, 12))) * load<f32>(at, 16);
}

@inline
function feature(window: usize, at: usize): f32 {
  const count = load<i32>(at);
  let value = rectangle(window, at + 4);
  if (count > 1) value += rectangle(window, at + 24);
  if (count > 2) value += rectangle(window, at + 44);
  return value;
}

/** The sum of a stage's votes on a window. */
export function stageSum(stage: usize, window: usize, norm: f32): f64 {
  let sum: f64 = 0;
  let weak = <usize> load<u32>(stage, 4);
  for (let count = load<i32>(stage); count > 0; count--) {
    const nodes = weak + 8;
    let next = 0;
    do {
      const node = nodes + (<usize> next << 4);
      const value = feature(window, <usize> load<u32>(node, 8)) * norm;
      next = value < load<f32>(node, 12) ? load<i32>(node) : load<i32>(node, 4);
    } while (next > 0);
    sum += <f64> load<f32>(<usize> load<u32>(weak) + (<usize> -next << 2));
    weak += <usize> load<u32>(weak, 4);
  }
  return sum;
}

@inline
export function stageThreshold(stage: usize): f64 {
  return load<f64>(stage, 8);
}
