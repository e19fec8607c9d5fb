// Faces that one search with the frontal cascade misses: cut by the picture's edge, leaning. And
// nothing that it finds is lost or found twice.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { detectFaces } from "mien/haar/detector.ts";
import { profileFaceCascade } from "mien/haar/profile_face.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { type Box, intersectionOverUnion } from "mien/image/box.ts";
import type { GrayImage } from "mien/image/gray.ts";
import { turnImage } from "mien/image/transform.ts";
import { cropFace } from "mien/recognition/crop.ts";
import { FaceFinder } from "mien/recognition/face_finder.ts";
import { PHOTO_SEARCH, Recognizer } from "mien/recognition/recognizer.ts";
import { untrained } from "../helpers/untrained.ts";

const finder = await FaceFinder.create();
const thorough = await FaceFinder.create(undefined, profileFaceCascade());

/** A drawn face, and where it is found. */
function drawnFace(seed: number) {
  const { image } = drawScene({ width: 640, height: 480, faces: 1, seed });
  return { image, box: finder.find(image, PHOTO_SEARCH)[0].box };
}

function cut(image: GrayImage, { x, y, width, height }: Box): GrayImage {
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * image.width + x;
    data.set(image.data.subarray(from, from + width), row * width);
  }
  return { width, height, data };
}

Deno.test("faces cut off by the edge are found, with boxes that extend beyond it", async () => {
  let missed = 0, found = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const { image, box } = drawnFace(seed);
    // A picture as a video call's: the face alone, its right side cut off.
    const part = Math.round(box.width * 0.15);
    const window = {
      x: box.x - 5,
      y: box.y - 5,
      width: box.width + 5 - part,
      height: Math.min(box.height + 10, image.height - box.y + 5),
    };
    const call = cut(image, window);
    const smallest = Math.round(0.05 * Math.min(call.width, call.height));
    const known = await detectFaces(call, undefined, {
      scaleFactor: 1.1,
      minNeighbors: 5,
      minSize: { width: smallest, height: smallest },
    });
    if (known.length > 0) continue;
    missed++;
    const [face] = finder.find(call, PHOTO_SEARCH);
    if (!face) continue;
    found++;
    const true_ = { ...box, x: 5, y: 5 };
    assert(intersectionOverUnion(face.box, true_) > 0.5, `seed ${seed}`);
    assert.equal(cropFace(call, face.box).length, 48 * 48);
  }
  assert(missed >= 5, `${missed} of 12 are missed by the cascade alone`);
  assert(found >= missed * 0.6, `${found} of ${missed} found`);
});

Deno.test("what detectFaces finds comes first, unchanged", async () => {
  for (const seed of [3, 7, 12]) {
    const { image } = drawScene({ width: 640, height: 480, faces: 3, seed });
    const known = await detectFaces(image, undefined, {
      scaleFactor: 1.1,
      minNeighbors: 5,
      minSize: { width: 24, height: 24 },
    });
    for (const search of [finder, thorough]) {
      const faces = search.find(image, PHOTO_SEARCH);
      const upright = faces.slice(0, known.length)
        .filter(({ turn }) => turn === 0);
      for (const { box } of upright) {
        assert(
          known.some((k) =>
            k.x === box.x && k.y === box.y && k.width === box.width
          ),
        );
      }
      for (const [i, face] of faces.entries()) {
        for (const other of faces.slice(i + 1)) {
          assert(intersectionOverUnion(face.box, other.box) < 0.3);
        }
      }
    }
  }
});

Deno.test("a tilted face is found by the thorough search and cropped upright", () => {
  let found = 0;
  for (let seed = 1; seed <= 4; seed++) {
    const { image, box } = drawnFace(seed);
    const straight = cropFace(image, box);
    for (const lean of [-20, 20]) {
      const leaning = turnImage(image, lean);
      const faces = thorough.find(leaning, PHOTO_SEARCH);
      const [face] = faces.filter(({ turn }) => turn === lean);
      if (!face) continue;
      found++;
      const middle = leaning.toSource(
        face.box.x + face.box.width / 2,
        face.box.y + face.box.height / 2,
      );
      const off = Math.hypot(
        middle.x - box.x - box.width / 2,
        middle.y - box.y - box.height / 2,
      );
      assert(off < 0.2 * box.width, `seed ${seed}: ${off} px off`);
      const crop = cropFace(face.upright.image, face.upright.box);
      const tilted = cropFace(leaning, face.box);
      const away = (other: Uint8Array) =>
        other.reduce((sum, v, i) => sum + Math.abs(v - straight[i]), 0);
      assert(away(crop) < away(tilted), "upright is more like the face");
    }
  }
  assert(found >= 5, `${found} of 8`);
});

Deno.test("pictures of any size are searched", () => {
  for (const [width, height] of [[1, 1], [30, 24], [24, 400], [1300, 990]]) {
    const data = new Uint8Array(width * height).fill(90);
    assert.deepEqual(thorough.find({ width, height, data }, PHOTO_SEARCH), []);
  }
});

Deno.test("answers below the threshold are unsure; with 0, none are", async () => {
  const { image } = drawScene({ width: 640, height: 480, faces: 3, seed: 12 });
  for (const threshold of [0, 0.5, 1]) {
    const recognizer = await Recognizer.create({ ...untrained(), threshold });
    const faces = recognizer.recognize(image);
    assert(faces.length >= 2);
    for (const { unsure, confidence } of faces) {
      assert.equal(unsure, confidence < threshold);
    }
  }
});

const XML = "/usr/share/opencv4/haarcascades/haarcascade_profileface.xml";

Deno.test("the compact profile cascade is OpenCV's, with its license", {
  ignore: !existsSync(XML),
}, () => {
  const own = profileFaceCascade();
  const theirs = readCascadeXml(readFileSync(XML, "utf8"), own.name);
  assert.deepEqual(own, theirs);
  assert.match(own.notice, /Intel License Agreement/);
  assert.deepEqual([own.width, own.height, own.stages.length], [20, 20, 26]);
});
