// One call from picture to emotions: the same answers as TensorFlow.js on the
// same crops, and crops as OpenCV-like filters make them.
import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { saveModel } from "mien/model/saved_model.ts";
import { cropFace, cropRegion } from "mien/recognition/crop.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import {
  defaultModel,
  loadTrained,
  recognize,
} from "mien/recognition/recognize.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { Recognizer } from "mien/recognition/recognizer.ts";
import { intersectionOverUnion } from "mien/image/box.ts";
import { untrained } from "../helpers/untrained.ts";

const scene = drawScene({ width: 640, height: 480, faces: 3, seed: 12 });

Deno.test("drawn faces are found where they were drawn, with every documented field", async () => {
  const recognizer = await Recognizer.create(untrained());
  const faces = await recognize(scene.image, recognizer);
  const found = scene.boxes.filter((box) =>
    faces.some((face) => intersectionOverUnion(face.box, box) > 0.5)
  );
  assert(found.length >= 2, `${found.length} of 3 found`);
  for (const face of faces) {
    const sum = face.probabilities.reduce((a, b) => a + b);
    assert(Math.abs(sum - 1) < 1e-5);
    assert.equal(face.probabilities.length, 7);
    assert.equal(face.confidence, Math.max(...face.probabilities));
    assert.equal(
      face.emotion,
      EMOTIONS[face.probabilities.indexOf(face.confidence)],
    );
    assert(face.neighbours > 5);
    assert.deepEqual(face.crop, cropFace(scene.image, face.box));
  }
});

Deno.test("a model from disk answers as TensorFlow.js does on the same crops", async () => {
  await tf.setBackend("cpu");
  const folder = await Deno.makeTempDir();
  try {
    const model = buildMiniXception({ seed: 21 });
    await saveModel(model, join(folder, "model"));
    const recognizer = await Recognizer.create(
      await loadTrained(join(folder, "model")),
    );
    const crops = Array.from(
      { length: 11 },
      (_, k) =>
        cropFace(scene.image, { x: 30 * k, y: 20 * k, width: 90, height: 90 }),
    );
    const ours = recognizer.classify(crops);
    const input = tf.tensor4d(
      Float32Array.from(
        crops.flatMap((crop) => [...crop].map((gray) => gray / 127.5 - 1)),
      ),
      [11, 48, 48, 1],
    );
    const expected = (model.predict(input) as tf.Tensor).dataSync();
    ours.forEach((probabilities, k) =>
      probabilities.forEach((value, i) =>
        assert(Math.abs(value - expected[k * 7 + i]) < 1e-4)
      )
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a network for something else is rejected by name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const place = join(folder, "map");
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [48, 48, 1],
          filters: 2,
          kernelSize: 3,
        }),
      ],
    });
    await saveModel(model, place);
    await assert.rejects(loadTrained(place), {
      name: "InferenceError",
      message:
        `${place}: takes [48,48,1] and returns [46,46,2], not [48,48,1] ` +
        "and one probability per class: it is not a network for these faces",
    });
    await assert.rejects(loadTrained(join(folder, "none")), /none/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a picture without faces gives none", async () => {
  const recognizer = await Recognizer.create(untrained());
  const data = new Uint8Array(200 * 100).fill(99);
  const image = { width: 200, height: 100, data };
  assert.deepEqual(await recognize(image, recognizer), []);
});

Deno.test("a crop of 48 pixels is the picture itself, one of 96 its means", () => {
  const { image } = scene;
  const box = { x: 100, y: 50, width: 48, height: 48 };
  const same = cropFace(image, box, 0);
  for (let i = 0; i < FACE_PIXELS; i++) {
    const at = (50 + Math.floor(i / 48)) * image.width + 100 + i % 48;
    assert.equal(same[i], image.data[at]);
  }
  const half = cropFace(image, { ...box, width: 96, height: 96 }, 0);
  // A triangle filter over 4 pixels: 1 3 3 1, across and down.
  const taps = [1, 3, 3, 1];
  for (const [x, y] of [[5, 7], [20, 30], [46, 46]]) {
    let sum = 0;
    for (let j = 0; j < 4; j++) {
      for (let i = 0; i < 4; i++) {
        const at = (50 + 2 * y - 1 + j) * image.width + 100 + 2 * x - 1 + i;
        sum += taps[i] * taps[j] * image.data[at];
      }
    }
    assert(Math.abs(half[y * 48 + x] - sum / 64) <= 0.51);
  }
});

Deno.test("a crop beyond the edge repeats the edge, whatever the box", () => {
  const data = new Uint8Array(60 * 40).fill(77);
  const image = { width: 60, height: 40, data };
  for (const x of [-80, -10, 0, 30, 55]) {
    for (const width of [3, 48, 500]) {
      const crop = cropFace(image, { x, y: x / 2, width, height: width }, 0.3);
      assert(crop.every((value) => value === 77), `${x} ${width}`);
    }
  }
});

Deno.test("the crop's region is square, centered and as wide as the margin says", () => {
  const box = { x: 10, y: 20, width: 100, height: 80 };
  assert.deepEqual(cropRegion(box, 0.1), {
    x: 0,
    y: 0,
    width: 120,
    height: 120,
  });
});

Deno.test("the default model has a threshold, another has none", async () => {
  const named = await loadTrained();
  assert(named.threshold! > 0 && named.threshold! < 1);
  assert.equal((await loadTrained(defaultModel())).threshold, named.threshold);
  const folder = await Deno.makeTempDir();
  try {
    await saveModel(buildMiniXception({ seed: 1 }), join(folder, "other"));
    assert.equal((await loadTrained(join(folder, "other"))).threshold, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("recognize takes a threshold and searches thoroughly", async () => {
  const all = await recognize(scene.image, undefined, { threshold: 1 });
  assert(all.length >= 2 && all.every((face) => face.unsure));
  const none = await recognize(scene.image, undefined, {
    threshold: 0,
    thorough: true,
  });
  assert(none.length >= all.length && none.every((face) => !face.unsure));
});
