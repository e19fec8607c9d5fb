import assert from "node:assert/strict";
import { scoreBoxes } from "mien/haar/score.ts";

const box = (x: number, y: number, side = 10) => ({
  x,
  y,
  width: side,
  height: side,
});

Deno.test("a true box is found once; a second box on it is wrong", () => {
  const truth = [box(0, 0), box(100, 100)];
  const boxes = [box(1, 0), box(0, 0), box(50, 50)];
  assert.deepEqual(scoreBoxes(truth, boxes), { found: 1, missed: 1, wrong: 2 });
});

Deno.test("a box between two faces goes to the one it overlaps more", () => {
  const score = scoreBoxes([box(0, 0), box(4, 0)], [box(3, 0), box(0, 1)]);
  assert.deepEqual(score, { found: 2, missed: 0, wrong: 0 });
});
