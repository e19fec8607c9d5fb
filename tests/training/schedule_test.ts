// The learning-rate schedules against Keras's rules, PyTorch's OneCycleLR and calculations by hand.
import assert from "node:assert/strict";
import {
  scaleAt,
  schedules,
  startPlateau,
  stepPlateau,
} from "mien/training/schedule.ts";

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected}`,
  );

Deno.test("one-cycle rises for three tenths of the run, then falls to almost zero", () => {
  // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=11, div_factor=25,
  // final_div_factor=400, pct_start=0.3) peaks at step 0.3 * 11 - 1 = 2.3 of 10, ours at
  // 0.3 * 10 = 3. Shape and ends are the same.
  const at = (step: number) => scaleAt(schedules["one-cycle"], step, 11);
  near(at(0), 0.04);
  near(at(3), 1);
  near(at(10), 1e-4);
  near(at(1.5), (1 + 0.04) / 2); // the middle of a half cosine
  near(at(6.5), (1 + 1e-4) / 2);
  for (let step = 4; step <= 10; step++) assert.ok(at(step) < at(step - 1));
});

Deno.test("cosine warms up in equal steps, then falls along half a cosine", () => {
  const schedule = { kind: "cosine", warmup: 0.1, final: 0.01 } as const;
  const at = (step: number) => scaleAt(schedule, step, 100);
  near(at(0), 0.1);
  near(at(4), 0.5);
  near(at(10), 1);
  near(at(99), 0.01);
  near(at(10 + 89 / 2), (1 + 0.01) / 2);
});

Deno.test("a run of one step has a learning rate under every schedule", () => {
  for (const schedule of Object.values(schedules)) {
    assert.ok(scaleAt(schedule, 0, 1) > 0);
  }
});

Deno.test("plateau cuts after as many epochs without progress as Keras", () => {
  // Keras 2: wait += 1; if wait >= patience: cut, wait = 0.
  const schedule = { ...schedules.plateau, patience: 3, tolerance: 0.01 };
  const losses = [1, 0.9, 0.895, 0.95, 0.9, 0.9, 0.9, 0.9, 0.5];
  const scales: number[] = [];
  let state = startPlateau();
  for (const loss of losses) {
    state = stepPlateau(schedule, state, loss);
    scales.push(Number(state.scale.toFixed(6)));
  }
  // 0.895 is within the tolerance of 0.9, so epochs 3, 4, 5 make the first cut.
  assert.deepEqual(scales, [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]);
  assert.deepEqual([state.best, state.waited], [0.5, 0]);
});
