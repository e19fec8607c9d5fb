// Stages of stumps for 16 windows at once, four in each vector. The votes are
// whole numbers here (scaled so that they fit in 32 bits), so that they add up
// in any order; a lane whose sum is within the rounding of its threshold is
// summed again exactly, as OpenCV does.
//
// A stage, after what trees.ts says: start of the sum less the threshold (16),
// slack (20), counts of the four kinds of features (24 to 36), address of the
// features (40). Features of a kind follow one another: their offsets, then
// threshold, vote and, for some, weights.
import { stageSum, stageThreshold } from "./trees";

/** Sum of a rectangle from the addresses of its corners. */
@inline
function box(a: usize, b: usize, c: usize, d: usize): v128 {
  return i32x4.add(
    i32x4.sub(v128.load(a), v128.load(b)),
    i32x4.sub(v128.load(d), v128.load(c)),
  );
}

/** Two halves, one dark: six corners, of which two count twice. */
@inline
function edge(
  w: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
): v128 {
  const twice = i32x4.sub(v128.load(w + e), v128.load(w + f));
  return f32x4.convert_i32x4_s(
    i32x4.add(
      i32x4.add(
        i32x4.sub(v128.load(w + a), v128.load(w + c)),
        i32x4.sub(v128.load(w + b), v128.load(w + d)),
      ),
      i32x4.add(twice, twice),
    ),
  );
}

/** The vote where the normalised value is below the threshold, else 0. */
@inline
function vote(value: v128, norm: v128, threshold: v128, votes: v128): v128 {
  return v128.and(
    f32x4.lt(f32x4.mul(value, norm), threshold),
    votes,
  );
}

/** A rectangle less a weighted one. */
@inline
function line(
  w: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
  g: usize,
  h: usize,
  weight: v128,
): v128 {
  return f32x4.sub(
    f32x4.mul(
      f32x4.convert_i32x4_s(box(w + e, w + f, w + g, w + h)),
      weight,
    ),
    f32x4.convert_i32x4_s(box(w + a, w + b, w + c, w + d)),
  );
}

/** Four quarters, two dark: nine corners, in rows. */
@inline
function checker(
  w: usize,
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  e: usize,
  f: usize,
  g: usize,
  h: usize,
  i: usize,
): v128 {
  const corners = i32x4.add(
    i32x4.add(v128.load(w + a), v128.load(w + b)),
    i32x4.add(v128.load(w + c), v128.load(w + d)),
  );
  const sides = i32x4.add(
    i32x4.add(v128.load(w + e), v128.load(w + f)),
    i32x4.add(v128.load(w + g), v128.load(w + h)),
  );
  const middle = v128.load(w + i);
  const twice = i32x4.sub(i32x4.add(middle, middle), sides);
  return f32x4.convert_i32x4_s(i32x4.add(corners, i32x4.add(twice, twice)));
}

@inline
function weighted(w: usize, at: usize): v128 {
  return f32x4.mul(
    f32x4.convert_i32x4_s(
      box(
        w + load<u32>(at),
        w + load<u32>(at, 4),
        w + load<u32>(at, 8),
        w + load<u32>(at, 12),
      ),
    ),
    v128.load32_splat(at, 16),
  );
}

/** Up to three rectangles with any weights. */
@inline
function general(w: usize, at: usize): v128 {
  const two = f32x4.add(weighted(w, at), weighted(w, at + 20));
  return load<f32>(at, 56) == 0
    ? two
    : f32x4.add(two, weighted(w, at + 40));
}

/**
 * Tries a stage on four vectors of windows, each four windows side by side.
 *
 * @returns 16 bits: which windows pass; of those not in `lanes` nothing is
 *   known.
 */
export function tryStage(
  stage: usize,
  w0: usize,
  w1: usize,
  w2: usize,
  w3: usize,
  norms: usize,
  lanes: i32,
): i32 {
  const n0 = v128.load(w0 + norms);
  const n1 = v128.load(w1 + norms);
  const n2 = v128.load(w2 + norms);
  const n3 = v128.load(w3 + norms);
  let s0 = v128.load32_splat(stage, 16);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let at = <usize> load<u32>(stage, 40);
  for (let k = load<i32>(stage, 24); k > 0; k--, at += 32) {
    const a = <usize> load<u32>(at);
    const b = <usize> load<u32>(at, 4);
    const c = <usize> load<u32>(at, 8);
    const d = <usize> load<u32>(at, 12);
    const e = <usize> load<u32>(at, 16);
    const f = <usize> load<u32>(at, 20);
    const t = v128.load32_splat(at, 24);
    const v = v128.load32_splat(at, 28);
    s0 = i32x4.add(s0, vote(edge(w0, a, b, c, d, e, f), n0, t, v));
    s1 = i32x4.add(s1, vote(edge(w1, a, b, c, d, e, f), n1, t, v));
    s2 = i32x4.add(s2, vote(edge(w2, a, b, c, d, e, f), n2, t, v));
    s3 = i32x4.add(s3, vote(edge(w3, a, b, c, d, e, f), n3, t, v));
  }
  for (let k = load<i32>(stage, 28); k > 0; k--, at += 44) {
    const a = <usize> load<u32>(at);
    const b = <usize> load<u32>(at, 4);
    const c = <usize> load<u32>(at, 8);
    const d = <usize> load<u32>(at, 12);
    const e = <usize> load<u32>(at, 16);
    const f = <usize> load<u32>(at, 20);
    const g = <usize> load<u32>(at, 24);
    const h = <usize> load<u32>(at, 28);
    const t = v128.load32_splat(at, 32);
    const v = v128.load32_splat(at, 36);
    const m = v128.load32_splat(at, 40);
    s0 = i32x4.add(s0, vote(line(w0, a, b, c, d, e, f, g, h, m), n0, t, v));
    s1 = i32x4.add(s1, vote(line(w1, a, b, c, d, e, f, g, h, m), n1, t, v));
    s2 = i32x4.add(s2, vote(line(w2, a, b, c, d, e, f, g, h, m), n2, t, v));
    s3 = i32x4.add(s3, vote(line(w3, a, b, c, d, e, f, g, h, m), n3, t, v));
  }
  for (let k = load<i32>(stage, 32); k > 0; k--, at += 44) {
    const a = <usize> load<u32>(at);
    const b = <usize> load<u32>(at, 4);
    const c = <usize> load<u32>(at, 8);
    const d = <usize> load<u32>(at, 12);
    const e = <usize> load<u32>(at, 16);
    const f = <usize> load<u32>(at, 20);
    const g = <usize> load<u32>(at, 24);
    const h = <usize> load<u32>(at, 28);
    const i = <usize> load<u32>(at, 32);
    const t = v128.load32_splat(at, 36);
    const v = v128.load32_splat(at, 40);
    s0 = i32x4.add(s0, vote(checker(w0, a, b, c, d, e, f, g, h, i), n0, t, v));
    s1 = i32x4.add(s1, vote(checker(w1, a, b, c, d, e, f, g, h, i), n1, t, v));
    s2 = i32x4.add(s2, vote(checker(w2, a, b, c, d, e, f, g, h, i), n2, t, v));
    s3 = i32x4.add(s3, vote(checker(w3, a, b, c, d, e, f, g, h, i), n3, t, v));
  }
  for (let k = load<i32>(stage, 36); k > 0; k--, at += 68) {
    const t = v128.load32_splat(at, 60);
    const v = v128.load32_splat(at, 64);
    s0 = i32x4.add(s0, vote(general(w0, at), n0, t, v));
    s1 = i32x4.add(s1, vote(general(w1, at), n1, t, v));
    s2 = i32x4.add(s2, vote(general(w2, at), n2, t, v));
    s3 = i32x4.add(s3, vote(general(w3, at), n3, t, v));
  }
  const slack = v128.load32_splat(stage, 20);
  let passed = i32x4.bitmask(i32x4.ge_s(s0, slack)) |
    (i32x4.bitmask(i32x4.ge_s(s1, slack)) << 4) |
    (i32x4.bitmask(i32x4.ge_s(s2, slack)) << 8) |
    (i32x4.bitmask(i32x4.ge_s(s3, slack)) << 12);
  const low = i32x4.neg(slack);
  let unsure = ~passed & lanes & (i32x4.bitmask(i32x4.ge_s(s0, low)) |
    (i32x4.bitmask(i32x4.ge_s(s1, low)) << 4) |
    (i32x4.bitmask(i32x4.ge_s(s2, low)) << 8) |
    (i32x4.bitmask(i32x4.ge_s(s3, low)) << 12));
  for (; unsure != 0; unsure &= unsure - 1) {
    const lane = ctz(unsure);
    const vector = lane >> 2;
    const first = vector == 0 ? w0 : vector == 1 ? w1 : vector == 2 ? w2 : w3;
    const window = first + <usize> ((lane & 3) << 2);
    const sum = stageSum(stage, window, load<f32>(window + norms));
    if (sum >= stageThreshold(stage)) passed |= 1 << lane;
  }
  return passed & lanes;
}
