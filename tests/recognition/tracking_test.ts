// Identity from frame to frame, and the moving average.
import assert from "node:assert/strict";
import { FaceTracker } from "mien/recognition/tracking.ts";
import { intersectionOverUnion } from "mien/image/box.ts";

const at = (x: number, y = 0, side = 100) => ({
  x,
  y,
  width: side,
  height: side,
});
const happy = [0, 0, 0, 1, 0, 0, 0], sad = [0, 0, 0, 0, 1, 0, 0];
const face = (x: number, probabilities = happy) => ({
  box: at(x),
  probabilities,
});

Deno.test("a moving face keeps its number, a second face gets its own", () => {
  const tracker = new FaceTracker();
  for (let i = 0; i < 30; i++) {
    const seen = tracker.update([face(400 - i * 4), face(i * 4)], i / 30);
    assert.deepEqual(seen.map((f) => f.track), [1, 2]);
  }
});

Deno.test("numbers do not depend on the order of the faces", () => {
  const tracker = new FaceTracker();
  tracker.update([face(0), face(300)], 0);
  const seen = tracker.update([face(305), face(5)], 0.1);
  assert.deepEqual(seen.map((f) => f.track), [2, 1]);
});

Deno.test("of two candidates, the one that overlaps more continues the track", () => {
  const tracker = new FaceTracker();
  tracker.update([face(100)], 0);
  const seen = tracker.update([face(50), face(105)], 0.1);
  assert.deepEqual(seen.map((f) => f.track), [2, 1]);
});

Deno.test("a lost face is found for a second, and new after that", () => {
  const tracker = new FaceTracker();
  tracker.update([face(0)], 0);
  tracker.update([], 0.5);
  const [found] = tracker.update([face(10)], 0.9);
  assert.equal(found.track, 1);
  for (const seconds of [1.5, 1.6, 1.7, 1.8]) tracker.update([], seconds);
  const [other] = tracker.update([face(10)], 2);
  assert.equal(other.track, 2);
});

Deno.test("the average follows its time constant, whatever the frame rate", () => {
  for (const rate of [10, 30, 100]) {
    const tracker = new FaceTracker(0.4);
    tracker.update([face(0, happy)], 0);
    for (let i = 1; i <= 0.4 * rate; i++) {
      const [seen] = tracker.update([face(0, sad)], i / rate);
      assert.deepEqual(seen.raw, sad);
      const sum = seen.probabilities.reduce((a, b) => a + b);
      assert(Math.abs(sum - 1) < 1e-5);
      if (i === 0.4 * rate) {
        // After one time constant 1/e of the old is left.
        assert(Math.abs(seen.probabilities[3] - Math.exp(-1)) < 1e-5);
      }
    }
  }
});

Deno.test("without smoothing, the probabilities are the raw ones", () => {
  const tracker = new FaceTracker(0);
  tracker.update([face(0, happy)], 0);
  const [seen] = tracker.update([face(0, sad)], 0.01);
  assert.deepEqual([...seen.probabilities], sad);
});

Deno.test("intersection over union of known boxes", () => {
  assert.equal(intersectionOverUnion(at(0), at(0)), 1);
  assert.equal(intersectionOverUnion(at(0), at(100)), 0);
  assert.equal(intersectionOverUnion(at(0), at(50)), 1 / 3);
  assert.equal(intersectionOverUnion(at(0), at(25, 25, 50)), 0.25);
});

Deno.test("a person who is absent for two slow frames keeps the number", () => {
  const tracker = new FaceTracker();
  for (const [seconds, there] of [[0, 1], [1, 1], [2, 0], [3, 0], [4, 1]]) {
    const seen = tracker.update(there ? [face(0)] : [], seconds);
    assert.deepEqual(seen.map((f) => f.track), there ? [1] : []);
  }
  for (const seconds of [5, 6, 7]) tracker.update([], seconds);
  assert.equal(tracker.update([face(0)], 8)[0].track, 2);
});

Deno.test("when time goes back, tracks close and averages remain probabilities", () => {
  const tracker = new FaceTracker();
  tracker.update([face(0)], 10);
  tracker.update([face(0)], 11);
  const [seen] = tracker.update([face(0, sad)], 0.5);
  assert.equal(seen.track, 2);
  assert.deepEqual([...seen.probabilities], sad);
});

Deno.test("numbers that are not probabilities are rejected", () => {
  for (
    const wrong of [
      [0, 0, 0, NaN, 0, 0, 0],
      [0, 0, 0, 1.5, -0.5, 0, 0],
      [0, 0, 0, 0.5, 0, 0, 0],
      [0, 0, 0, Infinity, 0, 0, 0],
    ]
  ) {
    assert.throws(
      () => new FaceTracker().update([face(0, wrong)], 0),
      /these are not probabilities/,
    );
  }
});

Deno.test("a track is unsure while its average is below the threshold", () => {
  const tracker = new FaceTracker(0.4, 0.6);
  const torn = [0, 0, 0, 0.5, 0.5, 0, 0];
  assert.equal(tracker.update([face(0, torn)], 0)[0].unsure, true);
  assert.equal(tracker.update([face(0)], 2)[0].unsure, false);
  assert.equal(new FaceTracker().update([face(0, torn)], 0)[0].unsure, false);
});
