// Register-tiled matrix products for the convolution gradients, all float32.
//
// Two forms, both on 6x8 and 4x8 tiles of the result held in registers:
//   addTransposedProduct  C[M,N] += A[K,M]^T B[K,N]   (filter gradient)
//   rowsTimesPanels       C[M,N]  = A[M,K]   B        (input gradient)
// Addresses and strides are in bytes. Nothing here allocates: scratch memory
// comes from the caller. Left out: other element types, and blocking over K,
// which the callers do.

import { madd } from "../../network/wasm/assembly/vector";

/** Copies n floats. */
// @ts-ignore: decorator
@inline
export function copyFloats(to: usize, from: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(to + (<usize> i << 2), v128.load(from + (<usize> i << 2)));
  }
  for (; i < n; i++) {
    store<f32>(to + (<usize> i << 2), load<f32>(from + (<usize> i << 2)));
  }
}

/** Adds n floats to those at `to`. */
// @ts-ignore: decorator
@inline
export function addFloats(to: usize, from: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = to + (<usize> i << 2);
    v128.store(at, f32x4.add(v128.load(at), v128.load(from + (<usize> i << 2))));
  }
  for (; i < n; i++) {
    const at = to + (<usize> i << 2);
    store<f32>(at, load<f32>(at) + load<f32>(from + (<usize> i << 2)));
  }
}

/** Bytes of scratch addTransposedProduct needs for K rows. */
// @ts-ignore: decorator
@inline
export function transposedScratch(k: i32): usize {
  return <usize> (k * 14 * 4 + 6 * 8 * 4);
}

/** Rows of the next tile when `left` rows remain: the choice that wastes least. */
// @ts-ignore: decorator
@inline
function tileRows(left: i32): i32 {
  return left > 8 || left == 5 || left == 6 ? 6 : 4;
}

// @ts-ignore: decorator
@inline
function addStore(at: usize, v: v128): void {
  v128.store(at, f32x4.add(v128.load(at), v));
}

/** C[6,8] += A^T B, where row k of A holds the 6 values side by side. */
function transposedTile6(
  k: i32,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  c: usize,
  ldc: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  for (; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00);
    c01 = madd(s, b1, c01);
    s = v128.load32_splat(a, 4);
    c10 = madd(s, b0, c10);
    c11 = madd(s, b1, c11);
    s = v128.load32_splat(a, 8);
    c20 = madd(s, b0, c20);
    c21 = madd(s, b1, c21);
    s = v128.load32_splat(a, 12);
    c30 = madd(s, b0, c30);
    c31 = madd(s, b1, c31);
    s = v128.load32_splat(a, 16);
    c40 = madd(s, b0, c40);
    c41 = madd(s, b1, c41);
    s = v128.load32_splat(a, 20);
    c50 = madd(s, b0, c50);
    c51 = madd(s, b1, c51);
    a += lda;
    b += ldb;
  }
  addStore(c, c00);
  addStore(c + 16, c01);
  c += ldc;
  addStore(c, c10);
  addStore(c + 16, c11);
  c += ldc;
  addStore(c, c20);
  addStore(c + 16, c21);
  c += ldc;
  addStore(c, c30);
  addStore(c + 16, c31);
  c += ldc;
  addStore(c, c40);
  addStore(c + 16, c41);
  c += ldc;
  addStore(c, c50);
  addStore(c + 16, c51);
}

/** C[4,8] += A^T B, where row k of A holds the 4 values side by side. */
function transposedTile4(
  k: i32,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  c: usize,
  ldc: usize,
): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  for (; k > 0; k--) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00);
    c01 = madd(s, b1, c01);
    s = v128.load32_splat(a, 4);
    c10 = madd(s, b0, c10);
    c11 = madd(s, b1, c11);
    s = v128.load32_splat(a, 8);
    c20 = madd(s, b0, c20);
    c21 = madd(s, b1, c21);
    s = v128.load32_splat(a, 12);
    c30 = madd(s, b0, c30);
    c31 = madd(s, b1, c31);
    a += lda;
    b += ldb;
  }
  addStore(c, c00);
  addStore(c + 16, c01);
  c += ldc;
  addStore(c, c10);
  addStore(c + 16, c11);
  c += ldc;
  addStore(c, c20);
  addStore(c + 16, c21);
  c += ldc;
  addStore(c, c30);
  addStore(c + 16, c31);
}

/** Packs columns [from, from + have) of A[K, ...] side by side, `wide` apart. */
function packColumns(
  k: i32,
  a: usize,
  lda: usize,
  have: i32,
  wide: i32,
  to: usize,
): void {
  for (let r = 0; r < k; r++) {
    for (let i = 0; i < wide; i++) {
      store<f32>(
        to + (<usize> i << 2),
        i < have ? load<f32>(a + (<usize> i << 2)) : 0,
      );
    }
    a += lda;
    to += <usize> wide << 2;
  }
}

/**
 * C[M,N] += A[K,M]^T B[K,N]; rows of A, B and C are lda, ldb, ldc bytes apart.
 * `scratch` holds transposedScratch(K) bytes.
 */
export function addTransposedProduct(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  lda: usize,
  b: usize,
  ldb: usize,
  c: usize,
  ldc: usize,
  scratch: usize,
): void {
  const tile = scratch;
  const aTail = scratch + 6 * 8 * 4;
  const bTail = aTail + <usize> (k * 6 * 4);
  let whole = 0; // rows in whole tiles
  while (whole < m && tileRows(m - whole) <= m - whole) {
    whole += tileRows(m - whole);
  }
  if (whole < m) {
    const rows = tileRows(m - whole);
    packColumns(k, a + (<usize> whole << 2), lda, m - whole, rows, aTail);
  }
  for (let j = 0; j < n; j += 8) {
    const columns = min(8, n - j);
    let bj = b + (<usize> j << 2), ldbj = ldb;
    if (columns < 8) {
      packColumns(k, bj, ldb, columns, 8, bTail);
      bj = bTail;
      ldbj = 32;
    }
    for (let i = 0; i < m;) {
      const rows = tileRows(m - i);
      let ai = a + (<usize> i << 2), ldai = lda;
      if (i >= whole) {
        ai = aTail;
        ldai = <usize> rows << 2;
      }
      const ci = c + <usize> i * ldc + (<usize> j << 2);
      const inside = i < whole && columns == 8;
      if (!inside) memory.fill(tile, 0, 6 * 8 * 4);
      const to = inside ? ci : tile, ldt: usize = inside ? ldc : 32;
      if (rows == 6) transposedTile6(k, ai, ldai, bj, ldbj, to, ldt);
      else transposedTile4(k, ai, ldai, bj, ldbj, to, ldt);
      if (!inside) {
        for (let r = 0; r < min(rows, m - i); r++) {
          addFloats(ci + <usize> r * ldc, tile + (<usize> r << 5), columns);
        }
      }
      i += rows;
    }
  }
}

/**
 * Packs B[K,N], given as its transpose W[N,K] row by row, into panels of eight
 * columns: ceil(N / 8) panels of K rows of 8 floats, zero beyond N.
 */
export function packTransposedPanels(
  n: i32,
  k: i32,
  w: usize,
  to: usize,
): void {
  for (let j = 0; j < n; j += 8) {
    for (let r = 0; r < k; r++) {
      for (let i = 0; i < 8; i++) {
        const column = j + i;
        store<f32>(
          to + (<usize> i << 2),
          column < n ? load<f32>(w + (<usize> (column * k + r) << 2)) : 0,
        );
      }
      to += 32;
    }
  }
}

/** C[6,8] = A B; rows of A are lda bytes apart, B is one packed panel. */
function rowsTile6(
  k: i32,
  a: usize,
  lda: usize,
  b: usize,
  c: usize,
  ldc: usize,
): void {
  let a1 = a + lda;
  let a2 = a1 + lda;
  let a3 = a2 + lda;
  let a4 = a3 + lda;
  let a5 = a4 + lda;
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  for (let at: usize = 0, end = <usize> k << 2; at < end; at += 4) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let s = v128.load32_splat(a + at);
    c00 = madd(s, b0, c00);
    c01 = madd(s, b1, c01);
    s = v128.load32_splat(a1 + at);
    c10 = madd(s, b0, c10);
    c11 = madd(s, b1, c11);
    s = v128.load32_splat(a2 + at);
    c20 = madd(s, b0, c20);
    c21 = madd(s, b1, c21);
    s = v128.load32_splat(a3 + at);
    c30 = madd(s, b0, c30);
    c31 = madd(s, b1, c31);
    s = v128.load32_splat(a4 + at);
    c40 = madd(s, b0, c40);
    c41 = madd(s, b1, c41);
    s = v128.load32_splat(a5 + at);
    c50 = madd(s, b0, c50);
    c51 = madd(s, b1, c51);
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += ldc;
  v128.store(c, c40);
  v128.store(c, c41, 16);
  c += ldc;
  v128.store(c, c50);
  v128.store(c, c51, 16);
}

/**
 * C[M,N] = A[M,K] B, B in panels from packTransposedPanels. Each of `c`'s rows
 * is ldc bytes apart. `tile` is 192 bytes of scratch.
 */
export function rowsTimesPanels(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  lda: usize,
  panels: usize,
  c: usize,
  ldc: usize,
  tile: usize,
): void {
  for (let j = 0; j < n; j += 8) {
    const columns = min(8, n - j);
    const cj = c + (<usize> j << 2);
    for (let i = 0; i < m;) {
      // The last tile overlaps the one before it. Of fewer than six rows in
      // all, each is a tile of its own, computed six times over.
      const row = m < 6 ? i : min(i, m - 6);
      const rows = m < 6 ? 1 : 6;
      const from = a + <usize> row * lda;
      const step: usize = m < 6 ? 0 : lda;
      const to = cj + <usize> row * ldc;
      if (columns == 8 && rows == 6) rowsTile6(k, from, step, panels, to, ldc);
      else {
        rowsTile6(k, from, step, panels, tile, 32);
        for (let r = 0; r < rows; r++) {
          copyFloats(to + <usize> r * ldc, tile + (<usize> r << 5), columns);
        }
      }
      i += rows;
    }
    panels += <usize> k << 5;
  }
}
