// Sums of segments: out[ids[i], :] += x[i, :]. The gradient of gathering rows,
// as an embedding does. Ids outside [0, segments) are left out, as in tfjs.
import { addFloats } from "./gemm";

/** x [rows, width] and out [segments, width] are float32, ids [rows] int32. */
export function unsortedSegmentSum(
  x: usize,
  ids: usize,
  out: usize,
  rows: i32,
  width: i32,
  segments: i32,
): void {
  const bytes = <usize> width << 2;
  memory.fill(out, 0, <usize> segments * bytes);
  for (let i = 0; i < rows; i++) {
    const id = load<i32>(ids + (<usize> i << 2));
    if (<u32> id < <u32> segments) addFloats(out + <usize> id * bytes, x, width);
    x += bytes;
  }
}
