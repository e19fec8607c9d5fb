// A run's folder: nothing of others is touched, one run at a time, and a start that failed is not in
// the way of the next.

import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Faces, selectSplit } from "mien/data/faces.ts";
import { train } from "mien/training/train.ts";
import { TrainingError } from "mien/training/config.ts";
import { buildTiny, makeFaces } from "../helpers/tiny_training.ts";
import { inFolder } from "../helpers/in_folder.ts";

const config = { epochs: 1, workers: 1 };

Deno.test("a start that failed leaves nothing behind, and the next one begins", () =>
  inFolder(async (folder) => {
    const out = join(folder, "run");
    const wild = {
      ...config,
      learningRate: 100,
      optimizer: { kind: "sgd" as const },
    };
    const blowUp = () =>
      train({
        faces: makeFaces(140, 35),
        model: buildTiny(),
        config: { ...wild, weightDecay: 1, epochs: 30 },
        out,
      });
    const huge = () =>
      train({
        faces: makeFaces(140, 35),
        model: buildTiny(),
        config: { ...config, batchSize: 4_000_000 },
        out,
      });
    await assert.rejects(huge(), (error: Error) => {
      assert.ok(error instanceof TrainingError, String(error));
      return /smaller batch/.test(error.message);
    });
    assert.deepEqual(readdirSync(folder), []);
    await blowUp().catch((error) =>
      assert.ok(error instanceof TrainingError, String(error))
    );
    rmSync(out, { recursive: true, force: true });
    const { history } = await train({
      faces: makeFaces(140, 35),
      model: buildTiny(),
      config,
      out,
    });
    assert.equal(history.length, 1);
  }));

Deno.test("faces or weights that cannot teach anything are refused before the first epoch", async () => {
  const faces = makeFaces(140, 35);
  const only = (split: "Training" | "PublicTest") => selectSplit(faces, split);
  const labels = faces.labels.slice();
  labels[2] = 7;
  const refused: [Faces, object, RegExp][] = [
    [only("Training"), {}, /no faces in PublicTest/],
    [only("PublicTest"), {}, /no faces in Training/],
    [{ ...faces, labels }, {}, /label 7 is not between 0 and 6/],
    [faces, { classWeights: [0, 0, 0, 0, 0, 0, 0] }, /weight 0/],
  ];
  for (const [given, more, message] of refused) {
    await assert.rejects(
      train({
        faces: given,
        model: buildTiny(),
        config: { ...config, ...more },
      }),
      message,
    );
  }
});
