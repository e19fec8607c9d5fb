// Stages for 16 windows at once, four in each vector. The votes are
// whole numbers here (scaled so that they fit in 32 bits), so that they add up
// in any order; a lane whose sum is within the rounding of its threshold is
// summed again exactly, as OpenCV does.
//
// A stage, after the fields in exact_stage.ts: start of the sum less the threshold (16),
// slack (20), counts of stumps by the four kinds of their features (24 to 36),
// address of the stumps (40), count of trees (44). Stumps of a kind follow one
// another: offsets, then threshold, vote and, for some, weights. Then each
// tree: count of nodes, and its nodes from the last to the root.
import { scratch } from "./state";
import { stageSum, stageThreshold } from "./exact_stage";

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

/** The vote if the normalized value is below the threshold, else 0. */
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

/** What a branch of a tree gives: a later node's votes or a leaf's. */
@inline
function branch(node: i32, leaf: v128, vector: usize): v128 {
  return node == 0
    ? leaf
    : v128.load(scratch + (<usize> node << 6) + (vector << 4));
}

@inline
function answer(
  node: usize,
  w: usize,
  norm: v128,
  threshold: v128,
  vector: usize,
  to: usize,
): void {
  const below = f32x4.lt(f32x4.mul(general(w, node), norm), threshold);
  const left = branch(
    load<i32>(node, 64),
    v128.load32_splat(node, 68),
    vector,
  );
  const right = branch(
    load<i32>(node, 72),
    v128.load32_splat(node, 76),
    vector,
  );
  v128.store(to + (vector << 4), v128.bitselect(left, right, below));
}

/**
 * Tries a stage on four vectors of windows, each four windows side by side.
 *
 * @returns 16 bits: which of the windows in `lanes` pass
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
  for (let k = load<i32>(stage, 44); k > 0; k--) {
    // Every node is tried on all windows; its branches are nodes already tried.
    const count = load<i32>(at);
    at += 4;
    for (let i = count - 1; i >= 0; i--, at += 80) {
      const t = v128.load32_splat(at, 60);
      const to = scratch + (<usize> i << 6);
      answer(at, w0, n0, t, 0, to);
      answer(at, w1, n1, t, 1, to);
      answer(at, w2, n2, t, 2, to);
      answer(at, w3, n3, t, 3, to);
    }
    s0 = i32x4.add(s0, v128.load(scratch));
    s1 = i32x4.add(s1, v128.load(scratch, 16));
    s2 = i32x4.add(s2, v128.load(scratch, 32));
    s3 = i32x4.add(s3, v128.load(scratch, 48));
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
