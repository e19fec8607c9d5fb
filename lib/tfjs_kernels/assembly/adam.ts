// Adam's update of one variable in one pass (Kingma and Ba, 2015), in the form
// and order of tfjs's AdamOptimizer.
import { madd } from "../../network/wasm/assembly/vector";

/**
 * Reads value, gradient, moment1, moment2 and writes the three new vectors of
 * `count` floats. `power1` and `power2` point to beta1 and beta2 to the power of
 * the step.
 */
export function adamUpdate(
  value: usize,
  gradient: usize,
  moment1: usize,
  moment2: usize,
  power1: usize,
  power2: usize,
  newValue: usize,
  newMoment1: usize,
  newMoment2: usize,
  count: i32,
  learningRate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
): void {
  const whole: f32 = 1;
  const correction1 = whole / (whole - load<f32>(power1));
  const correction2 = whole / (whole - load<f32>(power2));
  const bytes = <usize> count << 2;
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) {
    const g = v128.load(gradient + at);
    const m = madd(
      v128.load(moment1 + at),
      f32x4.splat(beta1),
      f32x4.mul(g, f32x4.splat(whole - beta1)),
    );
    const v = madd(
      v128.load(moment2 + at),
      f32x4.splat(beta2),
      f32x4.mul(f32x4.mul(g, g), f32x4.splat(whole - beta2)),
    );
    const root = f32x4.sqrt(f32x4.mul(v, f32x4.splat(correction2)));
    const step = f32x4.div(
      f32x4.mul(m, f32x4.splat(correction1)),
      f32x4.add(root, f32x4.splat(epsilon)),
    );
    v128.store(
      newValue + at,
      madd(step, f32x4.splat(-learningRate), v128.load(value + at)),
    );
    v128.store(newMoment1 + at, m);
    v128.store(newMoment2 + at, v);
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gradient + at);
    const m = load<f32>(moment1 + at) * beta1 + g * (whole - beta1);
    const v = load<f32>(moment2 + at) * beta2 + g * g * (whole - beta2);
    const root = sqrt<f32>(v * correction2);
    const step = m * correction1 / (root + epsilon);
    store<f32>(newValue + at, load<f32>(value + at) - learningRate * step);
    store<f32>(newMoment1 + at, m);
    store<f32>(newMoment2 + at, v);
  }
}
