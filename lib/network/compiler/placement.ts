// Where buffers lie in memory. Those used one after the other share it: what a step
// writes then replaces numbers that nobody reads again and a cache still holds.

import type { Arena, PixelBuffer, Segment } from "./buffers.ts";

/** Memory of a buffer until the step that uses it last. */
interface Place {
  at: number;
  bytes: number;
  last: number;
}

/** Gives each buffer its address, for `batch` faces. */
export function place(
  buffers: Iterable<PixelBuffer>,
  segments: Segment[],
  arena: Arena,
  batch: number,
): void {
  const steps = segments.flatMap(({ uses }) => uses);
  const ends = new Map<PixelBuffer, number>();
  steps.forEach((used, step) => used.forEach((b) => ends.set(b, step)));
  const rest = new Set(buffers);
  const batches: Place[] = [], chunks: Place[] = [];
  const offsets = new Map<PixelBuffer, number>();
  steps.forEach((used, step) => {
    for (const buffer of used) {
      if (!buffer.shares || !rest.delete(buffer)) continue;
      const bytes = buffer.bytes(batch), last = ends.get(buffer)!;
      if (!buffer.whole) {
        const at = gap(chunks.filter((other) => other.last >= step), bytes);
        chunks.push({ at, bytes, last });
        offsets.set(buffer, at);
        continue;
      }
      // Of the same size, so that each face takes the place of the same face.
      let place = batches.find((other) =>
        other.last < step && other.bytes === bytes
      );
      if (!place) {
        place = { at: arena.allocate(bytes), bytes, last };
        batches.push(place);
      }
      place.last = last;
      buffer.place(place.at);
    }
  });
  const room = Math.max(0, ...chunks.map(({ at, bytes }) => at + bytes));
  const start = arena.allocate(room);
  for (const [buffer, at] of offsets) buffer.place(start + at);
  for (const buffer of rest) {
    buffer.place(arena.allocate(buffer.bytes(batch)));
  }
}

/** The lowest place for so many bytes between those in use. */
function gap(used: Place[], wanted: number): number {
  let at = 0;
  for (const { at: next, bytes } of used.toSorted((a, b) => a.at - b.at)) {
    if (at + wanted <= next) break;
    at = Math.max(at, Math.ceil((next + bytes) / 64) * 64);
  }
  return at;
}
