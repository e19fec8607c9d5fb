import assert from "node:assert/strict";
import { buildMiniXception } from "../../lib/model/mini_xception.ts";
import { buildWideXception } from "../../lib/model/wide_xception.ts";

Deno.test("wide-Xception has 58,199 parameters, fewer than mini-Xception", () => {
  const wide = buildWideXception();
  const mini = buildMiniXception();
  assert.equal(wide.countParams(), 58_199);
  assert.ok(wide.countParams() < mini.countParams());
  assert.deepEqual(wide.outputs[0].shape, [null, 7]);
});

Deno.test("the seed decides the initial weights", () => {
  const first = (seed: number) =>
    buildWideXception({ seed }).getWeights()[0].dataSync();
  assert.deepEqual(first(1), first(1));
  assert.notDeepEqual(first(1), first(2));
});
