// The pipeline's checks: they must fail loudly for the mistakes they are for.
import assert from "node:assert/strict";
import { drawScene } from "mien/drawn/scene.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import type { Faces } from "mien/data/faces.ts";
import { scalePixels } from "mien/network/input.ts";
import { recognize } from "mien/recognition/recognize.ts";
import { Recognizer } from "mien/recognition/recognizer.ts";
import { intersectionOverUnion } from "mien/image/box.ts";
import { checkLabelOrder, checkScale, xray } from "mien/recognition/xray.ts";
import { untrained } from "../helpers/untrained.ts";

const gray = Uint8Array.from({ length: 2304 }, (_, i) => 20 + i % 200);

Deno.test("the scale of training passes, and any other is reported", () => {
  checkScale(scalePixels(gray));
  const wrong: [Float32Array, RegExp][] = [
    [Float32Array.from(gray), /19|20.00 to 219.00.*not scaled/],
    [Float32Array.from(gray, (v) => v / 255), /scaled to 0..1/],
    [Float32Array.from(gray, (v) => v - 127.5), /not scaled/],
    [new Float32Array(9).fill(NaN), /not numbers/],
  ];
  for (const [tensor, words] of wrong) {
    assert.throws(() => checkScale(tensor), {
      name: "PipelineError",
      message: words,
    });
  }
});

/** Faces whose first pixel is their label. */
function labeled(count: number): Faces {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 7);
  const pixels = new Uint8Array(count * FACE_PIXELS);
  labels.forEach((label, i) => pixels[i * FACE_PIXELS] = label);
  const splits = new Uint8Array(count);
  const source = { name: "labeled", hash: "", skipped: [] };
  return { emotions: EMOTIONS, pixels, labels, splits, length: count, source };
}

/** Answers right but for every fifth face, then names outputs by `order`. */
const network = (order: number[]) => ({
  classify: (crops: readonly Uint8Array[]) =>
    crops.map((crop, i) => {
      const answer = new Float32Array(7).fill(0.01);
      answer[order[i % 5 === 0 ? 3 : crop[0]]] = 0.9;
      return answer;
    }),
});

Deno.test("the right order passes, with its accuracy", () => {
  const found = checkLabelOrder(labeled(350), network([0, 1, 2, 3, 4, 5, 6]));
  assert(found.accuracy > 0.8 && found.accuracy < 0.85);
  assert.deepEqual(found.order, [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("swapped outputs are named", () => {
  // As if outputs had the folders' order: angry, disgust, fear, happy,
  // neutral, sad, surprise.
  assert.throws(
    () => checkLabelOrder(labeled(350), network([0, 1, 2, 3, 5, 6, 4])),
    (error: Error) => {
      assert.equal(error.name, "PipelineError");
      assert.match(error.message, /output 4 \(sad\) is neutral/);
      assert.match(error.message, /output 5 \(surprise\) is sad/);
      assert.match(error.message, /output 6 \(neutral\) is surprise/);
      return true;
    },
  );
});

Deno.test("a network that only guesses is recognized", () => {
  const guess = {
    classify: (crops: readonly Uint8Array[]) =>
      crops.map(() => Float32Array.of(0, 0, 0, 1, 0, 0, 0)),
  };
  assert.throws(() => checkLabelOrder(labeled(350), guess), /no better than/);
});

/** A gray picture as RGBA. */
function colored(image: { width: number; height: number; data: Uint8Array }) {
  const data = new Uint8ClampedArray(image.data.length * 4).fill(255);
  image.data.forEach((value, i) => data.fill(value, i * 4, i * 4 + 3));
  return { width: image.width, height: image.height, data };
}

Deno.test("every step between picture and answer is kept and matches the pipeline's", async () => {
  const recognizer = await Recognizer.create(untrained());
  const scene = drawScene({ width: 400, height: 300, faces: 1, seed: 5 });
  const seen = await xray(colored(scene.image), recognizer);
  assert.deepEqual(seen.gray.data, scene.image.data);
  assert(intersectionOverUnion(seen.face, scene.boxes[0]) > 0.5);
  const [face] = await recognize(scene.image, recognizer);
  const { x, y, width, height } = seen.face;
  assert.deepEqual({ x, y, width, height }, face.box);
  assert.deepEqual(seen.crop, face.crop);
  assert.deepEqual(seen.probabilities, face.probabilities);
  const near = seen.candidates.filter((box) =>
    intersectionOverUnion(box, seen.face) > 0.3
  );
  assert(near.length >= seen.face.neighbors);
  assert.equal(seen.tensor[100], Math.fround(seen.crop[100] / 127.5 - 1));
  assert.deepEqual(seen.range, [
    Math.min(...seen.tensor),
    Math.max(...seen.tensor),
  ]);
  assert.equal(seen.cutout.data.length, seen.cutout.width * seen.cutout.height);
  const blank = colored({ width: 90, height: 90, data: new Uint8Array(8100) });
  await assert.rejects(xray(blank, recognizer), /No face was found/);
});
