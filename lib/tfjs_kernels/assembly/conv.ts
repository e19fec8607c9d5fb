// Gradients of a 2D convolution, channels last: x [batch, inHeight, inWidth,
// inChannels], filter [filterHeight, filterWidth, inChannels, outChannels],
// dy [batch, outHeight, outWidth, outChannels].
//
// Both gather or scatter the windows of a few hundred output positions at a
// time and do one matrix product for them. A 1x1 filter with stride 1 needs
// no gathering. Any stride, dilation and padding; left out: channels first.
import {
  addFloats,
  addTransposedProduct,
  copyFloats,
  packTransposedPanels,
  rowsTimesPanels,
  transposedScratch,
} from "./gemm";

/** Output positions done together, so that their windows stay in cache. */
// @ts-ignore: decorator
@inline
function positionsTogether(windowSize: i32): i32 {
  return max(24, min(512, 24576 / windowSize / 6 * 6));
}

/** Bytes of scratch conv2dBackpropFilter needs. */
export function conv2dFilterScratch(windowSize: i32): usize {
  const together = positionsTogether(windowSize);
  return transposedScratch(together) + (<usize> (together * windowSize) << 2);
}

/** Bytes of scratch conv2dBackpropInput needs. */
export function conv2dInputScratch(windowSize: i32, outChannels: i32): usize {
  const together = positionsTogether(windowSize);
  const panels = <usize> ((windowSize + 7) / 8 * 8 * outChannels) << 2;
  return 192 + panels + (<usize> (together * windowSize) << 2);
}

/**
 * Writes the gradient of the filter to `dw`. `pointwise` says that the filter
 * is 1x1, the strides are 1 and nothing is padded.
 */
export function conv2dBackpropFilter(
  x: usize,
  dy: usize,
  dw: usize,
  scratch: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  pointwise: bool,
): void {
  const windowSize = filterHeight * filterWidth * inChannels;
  const together = positionsTogether(windowSize);
  const windows = scratch + transposedScratch(together);
  const positions = batch * outHeight * outWidth;
  const windowBytes = <usize> windowSize << 2;
  const outBytes = <usize> outChannels << 2;
  memory.fill(dw, 0, windowBytes * outChannels);
  for (let p = 0; p < positions; p += together) {
    const count = min(together, positions - p);
    let rows = x + <usize> p * windowBytes;
    if (!pointwise) {
      rows = windows;
      let to = windows;
      for (let q = p; q < p + count; q++) {
        const n = q / (outHeight * outWidth);
        const oy = q / outWidth % outHeight;
        const ox = q % outWidth;
        const left = ox * strideWidth - padLeft;
        for (let ky = 0; ky < filterHeight; ky++) {
          const iy = oy * strideHeight - padTop + ky * dilationHeight;
          if (<u32> iy >= <u32> inHeight) {
            memory.fill(to, 0, <usize> (filterWidth * inChannels) << 2);
            to += <usize> (filterWidth * inChannels) << 2;
            continue;
          }
          const row = x +
            (<usize> ((n * inHeight + iy) * inWidth * inChannels) << 2);
          if (
            dilationWidth == 1 && left >= 0 && left + filterWidth <= inWidth
          ) {
            copyFloats(
              to,
              row + (<usize> (left * inChannels) << 2),
              filterWidth * inChannels,
            );
            to += <usize> (filterWidth * inChannels) << 2;
            continue;
          }
          for (let kx = 0; kx < filterWidth; kx++) {
            const ix = left + kx * dilationWidth;
            if (<u32> ix < <u32> inWidth) {
              copyFloats(to, row + (<usize> (ix * inChannels) << 2), inChannels);
            } else memory.fill(to, 0, <usize> inChannels << 2);
            to += <usize> inChannels << 2;
          }
        }
      }
    }
    addTransposedProduct(
      windowSize,
      outChannels,
      count,
      rows,
      windowBytes,
      dy + <usize> p * outBytes,
      outBytes,
      dw,
      outBytes,
      scratch,
    );
  }
}

/** Writes the gradient of x to `dx`; `pointwise` as in conv2dBackpropFilter. */
export function conv2dBackpropInput(
  dy: usize,
  filter: usize,
  dx: usize,
  scratch: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inChannels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  pointwise: bool,
): void {
  const windowSize = filterHeight * filterWidth * inChannels;
  const together = positionsTogether(windowSize);
  const panels = scratch + 192;
  const windows = panels +
    (<usize> ((windowSize + 7) / 8 * 8 * outChannels) << 2);
  const positions = batch * outHeight * outWidth;
  const windowBytes = <usize> windowSize << 2;
  const outBytes = <usize> outChannels << 2;
  packTransposedPanels(windowSize, outChannels, filter, panels);
  if (!pointwise) {
    memory.fill(
      dx,
      0,
      <usize> batch * inHeight * inWidth * (<usize> inChannels << 2),
    );
  }
  for (let p = 0; p < positions; p += together) {
    const count = min(together, positions - p);
    rowsTimesPanels(
      count,
      windowSize,
      outChannels,
      dy + <usize> p * outBytes,
      outBytes,
      panels,
      pointwise ? dx + <usize> p * windowBytes : windows,
      windowBytes,
      scratch,
    );
    if (pointwise) continue;
    let from = windows;
    for (let q = p; q < p + count; q++) {
      const n = q / (outHeight * outWidth);
      const oy = q / outWidth % outHeight;
      const ox = q % outWidth;
      const left = ox * strideWidth - padLeft;
      for (let ky = 0; ky < filterHeight; ky++) {
        const iy = oy * strideHeight - padTop + ky * dilationHeight;
        const rowFloats = filterWidth * inChannels;
        if (<u32> iy < <u32> inHeight) {
          const row = dx +
            (<usize> ((n * inHeight + iy) * inWidth * inChannels) << 2);
          if (
            dilationWidth == 1 && left >= 0 && left + filterWidth <= inWidth
          ) {
            addFloats(row + (<usize> (left * inChannels) << 2), from, rowFloats);
          } else {
            for (let kx = 0; kx < filterWidth; kx++) {
              const ix = left + kx * dilationWidth;
              if (<u32> ix >= <u32> inWidth) continue;
              addFloats(
                row + (<usize> (ix * inChannels) << 2),
                from + (<usize> (kx * inChannels) << 2),
                inChannels,
              );
            }
          }
        }
        from += <usize> rowFloats << 2;
      }
    }
  }
}
