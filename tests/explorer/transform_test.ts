// What the playground does to a face, against what it must be.
import assert from "node:assert/strict";
import { drawFaces } from "mien/drawn/faces.ts";
import { FACE_PIXELS, FACE_SIZE } from "mien/emotions.ts";
import {
  changeFace,
  findTurningPoint,
  NO_CHANGE,
  readCover,
  writeCover,
} from "mien/explorer/transform.ts";

const face = drawFaces({ count: 70, seed: 8 }).pixels.subarray(0, FACE_PIXELS);
const at = (pixels: Uint8Array, x: number, y: number) =>
  pixels[y * FACE_SIZE + x];

Deno.test("no change keeps every pixel", () => {
  assert.deepEqual(changeFace(face, NO_CHANGE), Uint8Array.from(face));
});

Deno.test("mirroring twice, or rotating by 180 degrees twice, restores the face", () => {
  const mirrored = changeFace(face, { ...NO_CHANGE, mirror: true });
  assert.equal(at(mirrored, 0, 9), at(face, 47, 9));
  assert.deepEqual(
    changeFace(mirrored, { ...NO_CHANGE, mirror: true }),
    Uint8Array.from(face),
  );
  const turned = changeFace(face, { ...NO_CHANGE, turn: 180 });
  assert.equal(at(turned, 3, 9), at(face, 44, 38));
});

Deno.test("rotation is clockwise, a move goes right and down, and a zoom is about the center", () => {
  const turned = changeFace(face, { ...NO_CHANGE, turn: 90 });
  assert.equal(at(turned, 47, 5), at(face, 5, 0));
  const moved = changeFace(face, { ...NO_CHANGE, right: 5, down: 3 });
  assert.equal(at(moved, 20, 20), at(face, 15, 17));
  const corner = new Uint8Array(FACE_PIXELS);
  for (let y = 23; y <= 24; y++) {
    for (let x = 23; x <= 24; x++) corner[y * 48 + x] = 200;
  }
  const zoomed = changeFace(corner, { ...NO_CHANGE, zoom: 2 });
  assert.equal(at(zoomed, 22, 22), 113); // (23 + 22) / 2 in between: 0.75² of 200
  assert.equal(at(zoomed, 23, 23), 200);
});

Deno.test("light and contrast are clamped, blur keeps a flat face's mean, and a cover is gray", () => {
  const flat = new Uint8Array(FACE_PIXELS).fill(200);
  assert.equal(changeFace(flat, { ...NO_CHANGE, light: 100 })[0], 255);
  assert.equal(changeFace(flat, { ...NO_CHANGE, contrast: 0.5 })[0], 164);
  assert.ok(
    changeFace(flat, { ...NO_CHANGE, blur: 2 }).every((v) => v === 200),
  );
  const covered = changeFace(flat, { ...NO_CHANGE, cover: new Set([13]) });
  assert.equal(covered.filter((value) => value === 128).length, 16);
  assert.equal(at(covered, 4, 4), 128);
  assert.equal(at(covered, 3, 4), 200);
});

Deno.test("covered squares survive the address, and nonsense covers nothing", () => {
  const cover = new Set([0, 13, 77, 143]);
  assert.deepEqual(readCover(writeCover(cover)!), cover);
  assert.equal(writeCover(new Set()), undefined);
  assert.equal(readCover("zz.<script>.-").size, 0);
});

Deno.test("the smallest change that flips the answer is the smallest of all kinds", () => {
  const flat = new Uint8Array(FACE_PIXELS).fill(100);
  const bright = (faces: Uint8Array[]) => faces.map((f) => Number(f[0] > 110));
  const found = findTurningPoint(flat, NO_CHANGE, bright)!;
  // Light +12 is 12 of 240, 5 %; of contrast only 0.6 would do: 21 %.
  assert.deepEqual(found, { name: "light", value: 12, part: 0.05, answer: 1 });
  assert.equal(
    findTurningPoint(flat, NO_CHANGE, (faces) => faces.map(() => 0)),
    undefined,
  );
});
