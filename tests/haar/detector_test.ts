// Detection against OpenCV's recorded answers, and the compiled core against
// the readable version, which computes separately.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cascade } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
import { equalizeHistogram, type GrayImage, toGray } from "mien/image/gray.ts";
import { groupRectangles } from "mien/haar/grouping.ts";
import type { Box } from "mien/image/box.ts";
import {
  CascadeDetector,
  DETECT_DEFAULTS,
  detectFaces,
  type DetectOptions,
} from "mien/haar/detector.ts";
import { searchInSteps } from "mien/haar/search.ts";
import { readImage } from "mien/image/image.ts";
import { createRandom } from "mien/random.ts";
import { RectangleGrouper } from "mien/haar/fast/grouping.ts";
import { randomCascade, randomImage } from "../helpers/random_cascade.ts";
import { shared } from "../helpers/shared.ts";

const OPENCV_DATA = "/usr/share/opencv4/haarcascades";

const sorted = (boxes: readonly Box[]) =>
  boxes.map((b) => `${b.x} ${b.y} ${b.width} ${b.height}`).sort();

/** The part of a rectangle that lies in the image. */
function clip({ x, y, width, height }: Box, image: GrayImage): Box {
  const left = Math.max(0, x), top = Math.max(0, y);
  return {
    x: left,
    y: top,
    width: Math.min(x + width, image.width) - left,
    height: Math.min(y + height, image.height) - top,
  };
}

/** What the readable version finds, with scores. */
function slowly(image: GrayImage, cascade: Cascade, options: DetectOptions) {
  const { minNeighbors, ...pyramid } = { ...DETECT_DEFAULTS, ...options };
  const raw = searchInSteps(image, cascade, pyramid)
    .flatMap(({ candidates }) => candidates);
  return groupRectangles(raw, minNeighbors).map((group) => ({
    ...clip(group, image),
    neighbors: group.neighbors,
    score: Math.max(...group.members.map((i) => raw[i].score)),
  }));
}

const byPlace = (a: Box, b: Box) =>
  a.x - b.x || a.y - b.y || a.width - b.width || a.height - b.height;

const photos = shared("photos/gray");

Deno.test("detection gives all 72 recorded answers of OpenCV, to the pixel", {
  ignore: !photos,
}, async () => {
  const cases = JSON.parse(
    readFileSync(join(photos!, "detections.json"), "utf8"),
  );
  const images = new Map<string, GrayImage>();
  const detectors = new Map<string, CascadeDetector>();
  let compared = 0;
  for (const wanted of cases) {
    let detector = detectors.get(wanted.cascade);
    if (!detector) {
      const path = join(OPENCV_DATA, `${wanted.cascade}.xml`);
      const own = wanted.cascade === "haarcascade_frontalface_default";
      if (!own && !existsSync(path)) continue;
      detector = await CascadeDetector.create(
        own
          ? frontalFaceCascade()
          : readCascadeXml(readFileSync(path, "utf8"), wanted.cascade),
      );
      detectors.set(wanted.cascade, detector);
    }
    const image = images.get(wanted.image) ??
      toGray(await readImage(join(photos!, wanted.image)));
    images.set(wanted.image, image);
    const size = (sides: number[] | null) => ({
      width: sides?.[0] ?? 0,
      height: sides?.[1] ?? 0,
    });
    const found = detector.detect(
      wanted.equalizeHist ? equalizeHistogram(image) : image,
      {
        scaleFactor: wanted.scaleFactor,
        minNeighbors: wanted.minNeighbors,
        minSize: size(wanted.minSize),
        maxSize: size(wanted.maxSize),
      },
    );
    const rects: number[][] = wanted.rects;
    assert.deepEqual(
      sorted(found),
      rects.map((rect) => rect.join(" ")).sort(),
      `${wanted.image}, ${wanted.cascade}, ${wanted.scaleFactor}`,
    );
    compared++;
  }
  if (existsSync(OPENCV_DATA)) assert.equal(compared, 72);
});

for (
  const [name, kind] of Object.entries({
    "stumps": { trees: false, tilted: false, wholeWeights: true },
    "tilted stumps": { trees: false, tilted: true, wholeWeights: true },
    "stumps with any weights": {
      trees: false,
      tilted: false,
      wholeWeights: false,
    },
    "tilted trees": { trees: true, tilted: true, wholeWeights: false },
  })
) {
  Deno.test(`the core equals the readable version: ${name}`, async () => {
    const random = createRandom(11);
    let found = 0;
    for (let seed = 0; seed < 12; seed++) {
      const side = 5 + random.integer(12);
      const cascade = randomCascade(seed, side, kind);
      const detector = await CascadeDetector.create(cascade);
      for (let i = 0; i < 3; i++) {
        const width = 1 + random.integer(i === 0 ? 20 : 140);
        const height = 1 + random.integer(i === 0 ? 20 : 90);
        const image = randomImage(100 * seed + i, width, height);
        const options = {
          scaleFactor: 1.05 + random.next(),
          minNeighbors: random.integer(2),
        };
        const expected = slowly(image, cascade, options);
        const actual = detector.detect(image, options);
        assert.deepEqual(actual.sort(byPlace), expected.sort(byPlace));
        found += actual.length;
      }
    }
    assert.ok(found > 100, `only ${found} found`);
  });
}

Deno.test("frontal faces: the core equals the readable version", async () => {
  const { image } = drawScene({ width: 300, height: 220, faces: 2, seed: 5 });
  for (const minNeighbors of [0, 2]) {
    const options = { minNeighbors, scaleFactor: 1.15 };
    const expected = slowly(image, frontalFaceCascade(), options);
    const actual = await detectFaces(image, frontalFaceCascade(), options);
    assert.deepEqual(actual.sort(byPlace), expected.sort(byPlace));
  }
});

Deno.test("more candidates than there is room for are all found", async () => {
  const kind = { trees: false, tilted: false, wholeWeights: true };
  const cascade = randomCascade(1, 8, kind);
  const stages = cascade.stages.map((stage) => ({ ...stage, threshold: -99 }));
  const image = randomImage(1, 260, 200);
  const detector = await CascadeDetector.create({ ...cascade, stages });
  const options = { minNeighbors: 0, scaleFactor: 2 };
  const found = detector.detect(image, options);
  assert.ok(found.length > 10000);
  assert.equal(
    found.length,
    slowly(image, { ...cascade, stages }, options).length,
  );
});

Deno.test("images of 1x1 to 50 megapixels are searched", async () => {
  const detector = await CascadeDetector.create();
  for (const [width, height] of [[1, 1], [23, 500], [24, 24], [5000, 24]]) {
    assert.deepEqual(detector.detect(randomImage(1, width, height)), []);
  }
  const data = new Uint8Array(50_000_000);
  const small = drawScene({ width: 300, height: 220, faces: 2, seed: 5 }).image;
  for (let y = 0; y < small.height; y++) {
    const row = small.data.subarray(y * 300, (y + 1) * 300);
    data.set(row, (4000 + y) * 10_000 + 9_000);
  }
  const limits = { width: 60, height: 60 };
  const options = { scaleFactor: 1.5, minNeighbors: 0, minSize: limits };
  const inLarge = detector.detect({ width: 10_000, height: 5_000, data }, {
    ...options,
    maxSize: { width: 130, height: 130 },
  });
  for (const { x, y } of inLarge) assert.ok(x > 8_900 && y > 3_900);
});

Deno.test("bad options and images throw a RangeError with the value", async () => {
  const image = randomImage(1, 30, 30);
  const bad: [DetectOptions, RegExp][] = [
    [{ scaleFactor: 1 }, /scaleFactor is 1,/],
    [{ scaleFactor: NaN }, /scaleFactor is NaN/],
    [{ scaleFactor: Infinity }, /scaleFactor is Infinity/],
    [{ minNeighbors: -1 }, /minNeighbors is -1/],
    [{ minNeighbors: 2.5 }, /minNeighbors is 2.5/],
    [{ minSize: { width: -3, height: 3 } }, /minSize is -3x3/],
    [{ maxSize: { width: 0.5, height: 3 } }, /maxSize is 0.5x3/],
  ];
  for (const [options, message] of bad) {
    await assert.rejects(
      detectFaces(image, frontalFaceCascade(), options),
      (error) => error instanceof RangeError && message.test(error.message),
    );
  }
  for (
    const [wrong, message] of [
      [{ ...image, width: 31 }, /31x30 needs 930 bytes, not 900/],
      [{ ...image, width: 0 }, /0x30 has no pixels/],
      [{ ...image, width: 10_000, height: 5_001 }, /more than 50000000/],
    ] as const
  ) {
    await assert.rejects(detectFaces(wrong), message);
  }
});

Deno.test("grouping without allocations equals the readable grouping", () => {
  const random = createRandom(7);
  const grouper = new RectangleGrouper();
  for (let round = 0; round < 200; round++) {
    const count = random.integer(80);
    const boxes = Array.from({ length: count }, () => {
      const width = 20 + random.integer(25);
      return {
        x: random.integer(120),
        y: random.integer(60),
        width,
        height: width + random.integer(3),
      };
    });
    const minNeighbors = random.integer(5);
    const flat = boxes.flatMap((b) => [b.x, b.y, b.width, b.height]);
    const scores = boxes.map(() => random.normal());
    const groups = groupRectangles(boxes, minNeighbors);
    const found = grouper.group(
      Int32Array.from(flat),
      Float64Array.from(scores),
      count,
      minNeighbors,
    );
    assert.equal(found, groups.length);
    for (const [i, group] of groups.entries()) {
      const { x, y, width, height, neighbors, members } = group;
      const box = [...grouper.boxes.subarray(4 * i, 4 * i + 4)];
      assert.deepEqual(box, [x, y, width, height]);
      assert.equal(grouper.neighbors[i], neighbors);
      const best = Math.max(...members.map((m) => scores[m]));
      assert.equal(grouper.scores[i], best);
    }
  }
});
