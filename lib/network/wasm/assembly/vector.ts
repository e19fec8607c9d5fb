// What several kernels share, and operations on flat vectors of floats.
// Addresses and strides are in bytes, counts in floats.

/** a * b + c, with one rounding where the engine has relaxed SIMD. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Adds four floats to those at an address. */
// @ts-ignore: decorator
@inline
export function addTo(at: usize, value: v128): void {
  v128.store(at, f32x4.add(v128.load(at), value));
}

/** target[i] = index[i] < 0 ? 0 : source[index[i]]. */
export function gather(
  target: usize,
  source: usize,
  index: usize,
  count: i32,
): void {
  for (let i = 0; i < count; i++) {
    const at = load<i32>(index + (<usize> i << 2));
    store<f32>(
      target + (<usize> i << 2),
      at < 0 ? <f32> 0 : load<f32>(source + (<usize> at << 2)),
    );
  }
}

/** Sets `bytes` bytes to zero. */
export function zero(target: usize, bytes: usize): void {
  memory.fill(target, 0, bytes);
}

/** Adds the four lanes of `value` to four doubles. */
// @ts-ignore: decorator
@inline
export function addToDoubles(at: usize, value: v128): void {
  v128.store(
    at,
    f64x2.add(v128.load(at), f64x2.promote_low_f32x4(value)),
  );
  const high = i8x16.shuffle(
    value,
    value,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
  );
  v128.store(
    at + 16,
    f64x2.add(v128.load(at + 16), f64x2.promote_low_f32x4(high)),
  );
}

/** Copies `rows` rows of `bytes` bytes per face, or adds them (`adds`: floats). */
export function copyRows(
  x: usize,
  xFace: i32,
  xRow: i32,
  y: usize,
  yFace: i32,
  yRow: i32,
  faces: i32,
  rows: i32,
  bytes: i32,
  adds: i32,
): void {
  for (let f = 0; f < faces; f++) {
    for (let r = 0; r < rows; r++) {
      const from = x + <usize> (f * xFace + r * xRow);
      const to = y + <usize> (f * yFace + r * yRow);
      if (!adds) {
        memory.copy(to, from, bytes);
        continue;
      }
      for (let i: usize = 0; i < <usize> bytes; i += 16) {
        v128.store(
          to + i,
          f32x4.add(v128.load(to + i), v128.load(from + i)),
        );
      }
    }
  }
}

/** Gives dense pixels of `channels` floats room for `room` floats. */
export function spread(
  x: usize,
  channels: i32,
  y: usize,
  room: i32,
  pixels: i32,
): void {
  for (let p = 0; p < pixels; p++) {
    memory.copy(y, x, <usize> channels << 2);
    x += <usize> channels << 2;
    y += <usize> room << 2;
  }
}

/** Whether two blocks of bytes, a multiple of 16, are equal: 1 or 0. */
export function same(a: usize, b: usize, bytes: usize): i32 {
  for (let i: usize = 0; i < bytes; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return 0;
  }
  return 1;
}
