// The order of the training faces, which differs in each epoch and depends only on the seed.
import { createRandom, shuffle } from "../random.ts";

const ORDER_STREAM = 1;

/** The numbers 0 to `count` - 1 in the order of an epoch. */
export function orderOfEpoch(
  count: number,
  seed: number,
  epoch: number,
): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  shuffle(order, createRandom(seed, ORDER_STREAM, epoch));
  return order;
}
