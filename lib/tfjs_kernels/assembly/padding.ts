// Copies an image into a larger one that includes its padding, so that the loops
// over it need no bounds checks. The depthwise gradients read such copies.
import { copyFloats } from "./gemm";

/**
 * Copies an image [height, width, channels] into `to`, [toHeight, toWidth,
 * channels * repeat], zero elsewhere: pixel (y, x) goes to (top + y * stepY,
 * left + x * stepX), each channel `repeat` times; pixels that fall outside are
 * skipped.
 */
export function copyPadded(
  from: usize,
  height: i32,
  width: i32,
  channels: i32,
  repeat: i32,
  to: usize,
  toHeight: i32,
  toWidth: i32,
  top: i32,
  left: i32,
  stepY: i32,
  stepX: i32,
): void {
  const wide = channels * repeat;
  memory.fill(to, 0, <usize> (toHeight * toWidth * wide) << 2);
  for (let y = 0; y < height; y++) {
    const row = top + y * stepY;
    if (<u32> row >= <u32> toHeight) continue;
    if (stepX == 1 && repeat == 1) {
      const first = max(0, -left), last = min(width, toWidth - left);
      if (last > first) {
        copyFloats(
          to + (<usize> ((row * toWidth + left + first) * channels) << 2),
          from + (<usize> ((y * width + first) * channels) << 2),
          (last - first) * channels,
        );
      }
      continue;
    }
    for (let x = 0; x < width; x++) {
      const column = left + x * stepX;
      if (<u32> column >= <u32> toWidth) continue;
      const at = to + (<usize> ((row * toWidth + column) * wide) << 2);
      const pixel = from + (<usize> ((y * width + x) * channels) << 2);
      if (repeat == 1) copyFloats(at, pixel, channels);
      else {
        for (let c = 0; c < wide; c++) {
          store<f32>(
            at + (<usize> c << 2),
            load<f32>(pixel + (<usize> (c / repeat) << 2)),
          );
        }
      }
    }
  }
}
