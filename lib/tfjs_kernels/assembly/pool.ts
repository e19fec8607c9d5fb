// Gradients of 2D pooling, channels last: x and dx [batch, inHeight, inWidth,
// channels], y and dy [batch, outHeight, outWidth, channels].
//
// Left out: dilated windows, which tfjs does not differentiate.

/**
 * Maximum: each window's dy goes to its largest element, or to the first in
 * reading order if several are equal.
 */
export function maxPoolBackprop(
  x: usize,
  y: usize,
  dy: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const pixel = <usize> channels << 2;
  memory.fill(dx, 0, <usize> (batch * inHeight * inWidth) * pixel);
  for (let n = 0; n < batch; n++) {
    const image = <usize> (n * inHeight * inWidth) * pixel;
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * strideHeight - padTop;
      const y0 = max(0, top), y1 = min(inHeight, top + filterHeight);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideWidth - padLeft;
        const x0 = max(0, left), x1 = min(inWidth, left + filterWidth);
        let c: usize = 0;
        for (; c + 16 <= pixel; c += 16) {
          const largest = v128.load(y + c);
          const gradient = v128.load(dy + c);
          let open = v128.not(i32x4.splat(0)); // not yet assigned
          for (let iy = y0; iy < y1; iy++) {
            let at = image + <usize> (iy * inWidth + x0) * pixel + c;
            for (let ix = x0; ix < x1; ix++) {
              const here = v128.and(
                f32x4.eq(v128.load(x + at), largest),
                open,
              );
              open = v128.andnot(open, here);
              v128.store(
                dx + at,
                f32x4.add(v128.load(dx + at), v128.and(gradient, here)),
              );
              at += pixel;
            }
          }
        }
        for (; c < pixel; c += 4) {
          const largest = load<f32>(y + c);
          let open = true;
          for (let iy = y0; iy < y1 && open; iy++) {
            let at = image + <usize> (iy * inWidth + x0) * pixel + c;
            for (let ix = x0; ix < x1 && open; ix++) {
              if (load<f32>(x + at) == largest) {
                store<f32>(dx + at, load<f32>(dx + at) + load<f32>(dy + c));
                open = false;
              }
              at += pixel;
            }
          }
        }
        y += pixel;
        dy += pixel;
      }
    }
  }
}

/** Average: each window's dy is divided equally among what it averaged. */
export function averagePoolBackprop(
  dy: usize,
  dx: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  padTop: i32,
  padLeft: i32,
): void {
  const pixel = <usize> channels << 2;
  memory.fill(dx, 0, <usize> (batch * inHeight * inWidth) * pixel);
  for (let n = 0; n < batch; n++) {
    const image = dx + <usize> (n * inHeight * inWidth) * pixel;
    for (let oy = 0; oy < outHeight; oy++) {
      const top = oy * strideHeight - padTop;
      const y0 = max(0, top), y1 = min(inHeight, top + filterHeight);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideWidth - padLeft;
        const x0 = max(0, left), x1 = min(inWidth, left + filterWidth);
        const share: f32 = 1 / <f32> ((y1 - y0) * (x1 - x0));
        for (let iy = y0; iy < y1; iy++) {
          for (let ix = x0; ix < x1; ix++) {
            const to = image + <usize> (iy * inWidth + ix) * pixel;
            let c: usize = 0;
            for (; c + 16 <= pixel; c += 16) {
              const part = f32x4.mul(v128.load(dy + c), f32x4.splat(share));
              v128.store(to + c, f32x4.add(v128.load(to + c), part));
            }
            for (; c < pixel; c += 4) {
              store<f32>(
                to + c,
                load<f32>(to + c) + load<f32>(dy + c) * share,
              );
            }
          }
        }
        dy += pixel;
      }
    }
  }
}
