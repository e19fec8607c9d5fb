import assert from "node:assert/strict";
import { blendedTargets, majorityFaces } from "mien/data/ferplus.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { drawVotes } from "mien/drawn/votes.ts";

const faces = drawFaces({ count: 700, seed: 2013 });
const voted = drawVotes(faces, 1);

Deno.test("every drawn face has ten votes, all for emotions, the same for the same seed", () => {
  assert.equal(voted.votes.length, 7000);
  for (let face = 0; face < 700; face++) {
    const votes = [...voted.votes.subarray(10 * face, 10 * face + 10)];
    assert.equal(votes.reduce((a, b) => a + b, 0), 10);
    assert.deepEqual(votes.slice(7), [0, 0, 0]);
  }
  assert.deepEqual(drawVotes(faces, 1).votes, voted.votes);
  assert.notDeepEqual(drawVotes(faces, 2).votes, voted.votes);
});

Deno.test("viewers agree with most labels and dispute some, as people do", () => {
  const targets = blendedTargets(voted, 1);
  const agreeing = [...faces.labels].filter((label, face) => {
    const row = targets.subarray(7 * face, 7 * face + 7);
    return row[label] === Math.max(...row);
  });
  const share = agreeing.length / faces.length;
  assert.ok(share > 0.7 && share < 0.97, `${share}`);
  const decided = majorityFaces(voted).length / faces.length;
  assert.ok(decided > 0.4 && decided < 0.95, `${decided}`);
});
