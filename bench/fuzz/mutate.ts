// Damages bytes as accidents and attackers do; the same random numbers give the same damage.
import type { Random } from "mien/random.ts";

/** Numbers that often break sizes and counts. */
// deno-fmt-ignore
const EDGES = [
  0, 1, 127, 128, 255, 256, 32767, 65535, 2 ** 31 - 1, 2 ** 32 - 1,
];

/** Replacements for a number or a word in a text. */
// deno-fmt-ignore
const WORDS = [
  "-1", "0", "1e308", "1e-320", "NaN", "null", "[]", "{}", '""', "true",
  "99999999999999999999", "4294967295", "65536", "../x", "\\u0000", "-0",
];

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
  return bytes;
}

function setEdge(bytes: Uint8Array, random: Random): Uint8Array {
  const edge = EDGES[random.integer(EDGES.length)];
  const view = new DataView(bytes.buffer);
  const at = random.integer(Math.max(1, bytes.length - 4));
  if (bytes.length - at >= 4) view.setUint32(at, edge, random.next() < 0.5);
  return bytes;
}

function cutOff(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, random.integer(bytes.length));
}

/** Removes a part, or inserts a copy of it elsewhere. */
function movePart(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random.integer(bytes.length);
  const part = bytes.slice(from, from + 1 + random.integer(64));
  if (random.next() < 0.5) {
    return Uint8Array.from([
      ...bytes.subarray(0, from),
      ...bytes.subarray(from + part.length),
    ]);
  }
  const to = random.integer(bytes.length);
  return Uint8Array.from([
    ...bytes.subarray(0, to),
    ...part,
    ...bytes.subarray(to),
  ]);
}

/** Replaces a word or number in a text; flips a bit if there is none. */
function setWord(bytes: Uint8Array, random: Random): Uint8Array {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 2 ** 20));
  const words = [...text.matchAll(/"[^"]{1,40}"|-?\d[\d.e+-]*|\[\]|null/g)];
  if (words.length === 0) return flipBit(bytes, random);
  const { index, 0: { length } } = words[random.integer(words.length)];
  const word = random.next() < 0.2
    ? words[random.integer(words.length)][0]
    : WORDS[random.integer(WORDS.length)];
  return Uint8Array.from([
    ...bytes.subarray(0, index),
    ...new TextEncoder().encode(word),
    ...bytes.subarray(index + length),
  ]);
}

const CHANGES = [flipBit, setEdge, cutOff, movePart, setWord, setWord];

/** A copy with one to four changes. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let left = 1 + random.integer(4); left > 0; left--) {
    if (changed.length === 0) break;
    changed = CHANGES[random.integer(CHANGES.length)](changed, random);
  }
  return changed;
}
