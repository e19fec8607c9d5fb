// Memory of a reused detector. In a separate file, so that the engine compiles
// its functions for this use only.
import assert from "node:assert/strict";
import { drawScene } from "mien/drawn/scene.ts";
import { CascadeDetector } from "mien/haar/detector.ts";

Deno.test("a reused detector allocates only its answer for each frame", async () => {
  const detector = await CascadeDetector.create();
  const { image } = drawScene({ width: 200, height: 160, faces: 1, seed: 5 });
  // So many neighbors are needed that no face is left: the answer is an empty array.
  const options = { minNeighbors: 1000, scaleFactor: 1.2 };
  const frames = 100;
  const grown = () => {
    const before = Deno.memoryUsage();
    for (let i = 0; i < frames; i++) detector.detect(image, options);
    const after = Deno.memoryUsage();
    assert.ok(after.external <= before.external);
    return (after.heapUsed - before.heapUsed) / frames;
  };
  detector.detect(image, options);
  // Until the engine has compiled everything, it allocates objects for numbers; then only the
  // empty array of 34 bytes. One more object would take at least 12 bytes.
  let least = Infinity;
  for (let round = 0; round < 40 && !(Math.abs(least) < 45); round++) {
    const bytes = grown();
    if (Math.abs(bytes) < Math.abs(least)) least = bytes;
  }
  assert.ok(Math.abs(least) < 45, `${least} bytes per frame`);
});
