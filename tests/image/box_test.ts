import assert from "node:assert/strict";
import { intersectionOverUnion } from "mien/image/box.ts";

Deno.test("the overlap of two boxes is their shared area over their joint area", () => {
  const box = { x: 0, y: 0, width: 10, height: 20 };
  assert.equal(intersectionOverUnion(box, box), 1);
  assert.equal(intersectionOverUnion(box, { ...box, x: 5 }), 100 / 300);
  assert.equal(intersectionOverUnion(box, { ...box, x: 10 }), 0);
  assert.equal(intersectionOverUnion(box, { ...box, x: 20, y: 30 }), 0);
});
