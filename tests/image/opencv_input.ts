// The picture, and the form, in which tests compare with OpenCV 4.6.
import { createHash } from "node:crypto";

export const WIDTH = 64, HEIGHT = 48;

/** Bytes of a linear congruential generator, easy to repeat in Python. */
export function color() {
  let state = 12345n;
  const data = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let i = 0; i < data.length; i++) {
    state = (state * 1103515245n + 12345n) & 0x7fffffffn;
    data[i] = Number((state >> 16n) & 255n);
  }
  return { width: WIDTH, height: HEIGHT, data };
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");
