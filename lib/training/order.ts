// The order of the training faces, which differs in each epoch and depends only on the seed.
import { randomAt } from "../random.ts";

const ORDER_STREAM = 1;

/** The numbers 0 to `count` - 1 in the order of an epoch (Fisher–Yates). */
export function shuffle(
  count: number,
  seed: number,
  epoch: number,
): Uint32Array {
  const random = randomAt(seed, ORDER_STREAM, epoch);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
