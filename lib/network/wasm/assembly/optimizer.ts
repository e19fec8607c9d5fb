// One update of all weights at once, four at a time; the count is a multiple of
// 4. `l2` holds each weight's coupled penalty l (loss + l * w * w), `decay` each
// weight's share of the decoupled decay (1 or 0).

import { madd } from "./vector";

/**
 * Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter
 * 2019). `correction1` and `correction2` are 1 - beta^step.
 */
export function adam(
  weights: usize,
  gradients: usize,
  l2: usize,
  decay: usize,
  firstMoments: usize,
  secondMoments: usize,
  count: i32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  correction1: f32,
  correction2: f32,
  epsilon: f32,
  weightDecay: f32,
): void {
  const bytes = <usize> count << 2;
  const b1 = f32x4.splat(beta1), n1 = f32x4.splat(<f32> 1 - beta1);
  const b2 = f32x4.splat(beta2), n2 = f32x4.splat(<f32> 1 - beta2);
  const step = f32x4.splat(rate / correction1);
  const scale = f32x4.splat(<f32> 1 / correction2);
  const small = f32x4.splat(epsilon);
  const shrink = f32x4.splat(-rate * weightDecay);
  for (let i: usize = 0; i < bytes; i += 16) {
    let w = v128.load(weights + i);
    const l = v128.load(l2 + i);
    const g = madd(f32x4.add(l, l), w, v128.load(gradients + i));
    const m = madd(b1, v128.load(firstMoments + i), f32x4.mul(n1, g));
    const v = madd(
      b2,
      v128.load(secondMoments + i),
      f32x4.mul(n2, f32x4.mul(g, g)),
    );
    v128.store(firstMoments + i, m);
    v128.store(secondMoments + i, v);
    w = madd(f32x4.mul(shrink, v128.load(decay + i)), w, w);
    const root = f32x4.add(f32x4.sqrt(f32x4.mul(v, scale)), small);
    w = f32x4.sub(w, f32x4.div(f32x4.mul(step, m), root));
    v128.store(weights + i, w);
  }
}

/** Gradient descent with momentum, plain or Nesterov's. */
export function sgd(
  weights: usize,
  gradients: usize,
  l2: usize,
  decay: usize,
  velocity: usize,
  count: i32,
  rate: f32,
  momentum: f32,
  nesterov: i32,
  weightDecay: f32,
): void {
  const bytes = <usize> count << 2;
  const mu = f32x4.splat(momentum);
  const step = f32x4.splat(-rate);
  const shrink = f32x4.splat(-rate * weightDecay);
  for (let i: usize = 0; i < bytes; i += 16) {
    let w = v128.load(weights + i);
    const l = v128.load(l2 + i);
    const g = madd(f32x4.add(l, l), w, v128.load(gradients + i));
    const v = madd(mu, v128.load(velocity + i), g);
    v128.store(velocity + i, v);
    w = madd(f32x4.mul(shrink, v128.load(decay + i)), w, w);
    w = madd(step, nesterov ? madd(mu, v, g) : v, w);
    v128.store(weights + i, w);
  }
}

/** Exponential moving average: y = decay * y + (1 - decay) * x. */
export function track(x: usize, y: usize, count: i32, decay: f32): void {
  const bytes = <usize> count << 2;
  const old = f32x4.splat(decay), fresh = f32x4.splat(<f32> 1 - decay);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(
      y + i,
      madd(old, v128.load(y + i), f32x4.mul(fresh, v128.load(x + i))),
    );
  }
}
