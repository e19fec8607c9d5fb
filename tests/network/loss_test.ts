// The losses of the fast network: their gradient against finite differences, and
// what they give at the ends, where a logarithm or a power has no value.

import assert from "node:assert/strict";
import { addLosses } from "mien/network/loss.ts";

function softmax(logits: number[]): number[] {
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function lossOf(logits: number[], targets: number[], gamma: number) {
  const slopes = new Float32Array(8);
  const loss = addLosses(
    {
      outputs: Float32Array.from(softmax(logits)),
      gamma,
      count: 1,
      targets: Float32Array.from(targets),
      classes: logits.length,
    },
    slopes,
    8,
  );
  return { loss, slopes: [...slopes.subarray(0, logits.length)] };
}

/** The definition, in double precision. */
function focal(logits: number[], targets: number[], gamma: number): number {
  return softmax(logits).reduce(
    (sum, p, k) => sum - targets[k] * (1 - p) ** gamma * Math.log(p),
    0,
  );
}

Deno.test("the losses are their definitions, and their gradients the slopes of these", () => {
  for (const gamma of [0, 0.5, 1, 2, 5]) {
    for (
      const targets of [[0, 1, 0, 0], [0.1, 0.6, 0.1, 0.2], [0.3, 0, 0, 0.3]]
    ) {
      const logits = [0.5, -1, 2, 0.1];
      const { loss, slopes } = lossOf(logits, targets, gamma);
      assert.ok(Math.abs(loss - focal(logits, targets, gamma)) < 1e-6);
      for (const k of logits.keys()) {
        const at = (step: number) =>
          focal(logits.map((x, i) => i === k ? x + step : x), targets, gamma);
        const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        // Float32 probabilities and slopes.
        assert.ok(Math.abs(slopes[k] - slope) < 1e-6, `${gamma}, ${k}`);
      }
    }
  }
});

Deno.test("a sure answer, right or wrong, has a finite loss and gradient", () => {
  for (const gamma of [0, 0.5, 2]) {
    for (const targets of [[1, 0], [0, 1]]) {
      const { loss, slopes } = lossOf([60, -60], targets, gamma);
      assert.ok([loss, ...slopes].every(Number.isFinite), `${loss}, ${slopes}`);
      assert.equal(loss === 0, targets[0] === 1);
    }
  }
});
