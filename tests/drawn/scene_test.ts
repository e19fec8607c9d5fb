// Checks drawn scenes and their boxes, alone and against the detector.
import assert from "node:assert/strict";
import { drawScene } from "mien/drawn/scene.ts";
import { detectFaces } from "mien/haar/detector.ts";
import { intersectionOverUnion as overlap } from "mien/image/box.ts";

Deno.test("the same options draw the same scene, another seed draws another", () => {
  const options = { width: 320, height: 240, faces: 2, seed: 3 };
  const scene = drawScene(options);
  assert.deepEqual(drawScene(options), scene);
  const other = drawScene({ ...options, seed: 4 });
  assert.notDeepEqual(other.image.data, scene.image.data);
});

Deno.test("every face has a box inside the picture and an emotion", () => {
  for (let seed = 0; seed < 20; seed++) {
    const faces = seed % 7;
    const { image, boxes, emotions } = drawScene({
      width: 320,
      height: 240,
      faces,
      seed,
    });
    assert.equal(image.data.length, 320 * 240);
    assert.equal(boxes.length, faces);
    assert.equal(emotions.length, faces);
    assert.ok(emotions.every((e) => Number.isInteger(e) && e >= 0 && e < 7));
    boxes.forEach((box, i) => {
      assert.ok(box.x >= 0 && box.x + box.width <= 320);
      assert.ok(box.y >= 0 && box.y + box.height <= 240);
      assert.equal(box.width, box.height);
      assert.ok(box.width >= 46, "large enough to classify");
      for (const other of boxes.slice(i + 1)) {
        assert.equal(overlap(box, other), 0);
      }
    });
  }
});

Deno.test("the frontal cascade finds at least 90 % of the faces", async () => {
  let faces = 0, found = 0, wrong = 0;
  const scenes = 60;
  for (let scene = 0; scene < scenes; scene++) {
    const { image, boxes } = drawScene({
      width: 640,
      height: 480,
      faces: 1 + scene % 6,
      seed: 100 + scene,
    });
    const detections = await detectFaces(image);
    const hits = boxes.filter((box) =>
      detections.some((detection) => overlap(box, detection) >= 0.5)
    );
    faces += boxes.length;
    found += hits.length;
    wrong += detections.filter((detection) =>
      boxes.every((box) =>
        overlap(box, detection) < 0.5
      )
    ).length;
  }
  console.log(`found ${found} of ${faces} faces, ${wrong} boxes without one`);
  assert.ok(found / faces >= 0.9, `found ${found} of ${faces}`);
  assert.ok(wrong / scenes < 0.5, `${wrong} false boxes in ${scenes} scenes`);
});

Deno.test("a scene without faces has few false boxes", async () => {
  let wrong = 0;
  for (let seed = 0; seed < 10; seed++) {
    const scene = drawScene({ width: 640, height: 480, faces: 0, seed });
    assert.deepEqual(scene.boxes, []);
    wrong += (await detectFaces(scene.image)).length;
  }
  assert.ok(wrong <= 5, `${wrong} boxes in 10 empty rooms`);
});

Deno.test("scenes that cannot be drawn throw a RangeError", () => {
  const options = { width: 320, height: 240, faces: 1, seed: 1 };
  assert.throws(() => drawScene({ ...options, width: 100 }), RangeError);
  assert.throws(() => drawScene({ ...options, height: 240.5 }), RangeError);
  assert.throws(() => drawScene({ ...options, faces: -1 }), RangeError);
  assert.throws(() => drawScene({ ...options, faces: 60 }), /do not fit/);
});
