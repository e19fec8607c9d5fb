/**
 * What all drawing shares: soft edges, soft bumps and a smooth random texture.
 *
 * @module
 */

/**
 * How much of a pixel a shape covers: 1 well inside (`distance` below 0), 0
 * well outside, with a ramp `width` wide between them.
 */
export function coverage(distance: number, width: number): number {
  return clamp01(0.5 - distance / width);
}

/** A bell that is 1 at 0 and falls smoothly to 0 at -1 and 1. */
export function bell(x: number): number {
  const rest = 1 - x * x;
  return rest > 0 ? rest * rest : 0;
}

/** `from` where `share` is 0, `to` where it is 1. */
export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** `value` limited to the range 0 to 1. */
export function clamp01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

/** A random number from 0 to 1 for a point with integer coordinates. */
function lattice(x: number, y: number, seed: number): number {
  let hash = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ seed;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0xffffffff;
}

/**
 * Value noise from 0 to 1: random values at the points with integer
 * coordinates, smoothly interpolated between them.
 */
export function texture(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  let right = x - column;
  let down = y - row;
  right = right * right * (3 - 2 * right);
  down = down * down * (3 - 2 * down);
  const top = mix(
    lattice(column, row, seed),
    lattice(column + 1, row, seed),
    right,
  );
  const bottom = mix(
    lattice(column, row + 1, seed),
    lattice(column + 1, row + 1, seed),
    right,
  );
  return mix(top, bottom, down);
}
