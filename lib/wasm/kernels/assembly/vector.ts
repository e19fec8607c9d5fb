// Operations on flat vectors of 32-bit floats. Addresses are in bytes.

/** Fused multiply-add where the engine has it: a * b + c. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** y += a * x over `count` floats. */
export function addScaled(y: usize, x: usize, a: f32, count: i32): void {
  const scale = f32x4.splat(a);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = y + (<usize> i << 2);
    v128.store(at, madd(v128.load(x + (<usize> i << 2)), scale, v128.load(at)));
  }
  for (; i < count; i++) {
    const at = y + (<usize> i << 2);
    store<f32>(at, load<f32>(at) + a * load<f32>(x + (<usize> i << 2)));
  }
}
