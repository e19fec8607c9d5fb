// Buffers that share memory: never two at a time, and never those that must keep
// what they hold.

import assert from "node:assert/strict";
import { Arena, PixelBuffer, Segment } from "mien/network/compiler/buffers.ts";
import { place } from "mien/network/compiler/placement.ts";
import { createRandom } from "mien/random.ts";

const BATCH = 7;
const border = { top: 1, left: 1, bottom: 1, right: 1 };
const idle = () => {};

/** A program of random steps, laid out. */
function program(seed: number) {
  const random = createRandom(seed);
  const below = (count: number) => Math.floor(random.next() * count);
  const buffers = Array.from({ length: 40 }, (_, i) => {
    const size = 20 + 10 * below(3);
    if (i % 10 === 0) return new PixelBuffer(size, size, 8).keep();
    if (i % 10 === 1) return new PixelBuffer(size, size, 8).reserve();
    return new PixelBuffer(size, size, 8, i % 10 === 2 ? border : undefined);
  });
  const segments = Array.from({ length: 6 }, () => new Segment());
  // Each step uses two buffers, of which most are used for a while only.
  segments.forEach((segment, i) => {
    for (let step = 0; step < 8; step++) {
      const near = () => buffers[Math.min(39, 6 * i + below(9))];
      segment.add(idle, near(), near());
    }
    segment.plan(BATCH, i % 2 > 0);
  });
  const arena = new Arena();
  place(buffers, segments, arena, BATCH);
  const steps = segments.flatMap(({ uses }) => uses);
  return {
    arena,
    all: buffers.map((buffer) => {
      const used = steps.flatMap((step, i) => step.includes(buffer) ? [i] : []);
      const from = buffer.start(0), bytes = buffer.bytes(BATCH);
      const first = used.at(0) ?? 0, last = used.at(-1) ?? steps.length;
      return { buffer, from, to: from + bytes, bytes, first, last };
    }),
  };
}

Deno.test("Buffers share memory only where one is used after the other", () => {
  for (let seed = 0; seed < 50; seed++) {
    const { arena, all } = program(seed);
    let shared = 0;
    for (const a of all) {
      assert.ok(a.to <= arena.bytes);
      for (const b of all) {
        if (a === b || a.to <= b.from || b.to <= a.from) continue;
        shared++;
        assert.ok(a.last < b.first || b.last < a.first);
        assert.ok(a.buffer.shares && b.buffer.shares);
        // Chunks start over; a batch's faces lie in the places of the same faces.
        assert.equal(a.buffer.whole, b.buffer.whole);
        if (a.buffer.whole) assert.deepEqual([a.from, a.to], [b.from, b.to]);
      }
    }
    assert.ok(shared > 0);
    const apart = all.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.ok(arena.bytes < apart, `${arena.bytes} of ${apart}`);
  }
});
