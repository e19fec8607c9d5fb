// Reading cascades: OpenCV's files, the compact form, and files that are cut
// off, tampered with or not cascades.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type Cascade, CascadeError, checkCascade } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import {
  type CompactCascade,
  compactCascade,
  readCompactCascade,
} from "mien/haar/cascade_json.ts";
import { frontalFaceCascade } from "mien/haar/frontal_face.ts";
import { CascadeDetector } from "mien/haar/detector.ts";
import { randomCascade, randomImage } from "../helpers/random_cascade.ts";

const OPENCV_DATA = "/usr/share/opencv4/haarcascades";

const SMALL = `<?xml version="1.0"?>
<!-- A small cascade. -->
<opencv_storage>
<cascade type_id="opencv-cascade-classifier"><stageType>BOOST</stageType>
  <featureType>HAAR</featureType>
  <height>6</height>
  <width>8</width>
  <stageNum>2</stageNum>
  <stages>
    <_>
      <maxWeakCount>1</maxWeakCount>
      <stageThreshold>-5.0e-01</stageThreshold>
      <weakClassifiers>
        <_>
          <internalNodes>0 -1 0 -3.15e-02</internalNodes>
          <leafValues>2.5 -2.25</leafValues></_></weakClassifiers></_>
    <_>
      <maxWeakCount>1</maxWeakCount>
      <stageThreshold>0.25</stageThreshold>
      <weakClassifiers>
        <_>
          <internalNodes>1 0 1 1.0e-002 -1 -2 0 -1.5</internalNodes>
          <leafValues>1. 2. -3.</leafValues></_></weakClassifiers></_></stages>
  <features>
    <_>
      <rects>
        <_>1 1 6 4 -1.</_>
        <_>1 1 3 4 2.</_></rects></_>
    <_>
      <rects>
        <_>3 0 2 2 -1.</_></rects>
      <tilted>1</tilted></_></features></cascade>
</opencv_storage>
`;

const OLD = `<?xml version="1.0"?>
<opencv_storage>
<small type_id="opencv-haar-classifier">
  <size>8 6</size>
  <stages>
    <_>
      <trees>
        <_>
          <_>
            <feature>
              <rects><_>1 1 6 4 -1.</_><_>1 1 3 4 2.</_></rects>
              <tilted>0</tilted></feature>
            <threshold>-3.15e-02</threshold>
            <left_val>2.5</left_val>
            <right_node>1</right_node></_>
          <_>
            <feature>
              <rects><_>3 0 2 2 -1.</_></rects>
              <tilted>1</tilted></feature>
            <threshold>0.5</threshold>
            <left_val>-1.</left_val>
            <right_val>-2.</right_val></_></_></trees>
      <stage_threshold>-0.5</stage_threshold>
      <parent>-1</parent>
      <next>-1</next></_></stages></small>
</opencv_storage>
`;

function problemOf(text: string): CascadeError {
  try {
    readCascadeXml(text, "small.xml");
  } catch (error) {
    assert.ok(error instanceof CascadeError, String(error));
    return error;
  }
  assert.fail("the file was read");
}

Deno.test("every number of a small cascade is read, rounded to 32 bits", () => {
  const cascade = readCascadeXml(SMALL, "small.xml");
  assert.equal(cascade.notice, "A small cascade.");
  assert.deepEqual([cascade.width, cascade.height], [8, 6]);
  const threshold = (value: number) =>
    Math.fround(Math.fround(value) - Math.fround(1e-5));
  assert.deepEqual(
    cascade.stages.map((stage) => stage.threshold),
    [threshold(-0.5), threshold(0.25)],
  );
  assert.deepEqual(cascade.stages[1].weakClassifiers, [{
    nodes: [
      { left: 1, right: 0, feature: 1, threshold: Math.fround(0.01) },
      { left: -1, right: -2, feature: 0, threshold: -1.5 },
    ],
    leaves: [1, 2, -3],
  }]);
  assert.deepEqual(cascade.features[1], {
    tilted: true,
    rectangles: [{ x: 3, y: 0, width: 2, height: 2, weight: -1 }],
  });
});

Deno.test("OpenCV's older form of a cascade is read", () => {
  const cascade = readCascadeXml(OLD, "old.xml");
  assert.equal(cascade.features.length, 2);
  assert.deepEqual(cascade.stages[0].weakClassifiers, [{
    nodes: [
      { left: 0, right: 1, feature: 0, threshold: Math.fround(-0.0315) },
      { left: -1, right: -2, feature: 1, threshold: 0.5 },
    ],
    leaves: [2.5, -1, -2],
  }]);
});

Deno.test("the frontal face cascade has 25 stages and 2,913 stumps", () => {
  const { width, height, stages, features, notice } = frontalFaceCascade();
  assert.deepEqual([width, height, stages.length], [24, 24, 25]);
  const weak = stages.flatMap((stage) => stage.weakClassifiers);
  assert.equal(weak.length, 2913);
  assert.ok(weak.every(({ nodes }) => nodes.length === 1));
  assert.equal(features.length, 2913);
  assert.match(notice, /Intel License Agreement/);
  assert.match(notice, /Redistribution's of source code must retain/);
  assert.match(notice, /Rainer Lienhart/);
});

Deno.test("the frontal face cascade has the numbers of OpenCV's XML", () => {
  const name = "haarcascade_frontalface_default";
  const path = join(OPENCV_DATA, `${name}.xml`);
  if (!existsSync(path)) return;
  assert.deepEqual(
    frontalFaceCascade(),
    readCascadeXml(readFileSync(path, "utf8"), name),
  );
});

Deno.test("every cascade of opencv-data is read", () => {
  if (!existsSync(OPENCV_DATA)) return;
  const shapes = Object.fromEntries(
    readdirSync(OPENCV_DATA).map((name) => {
      const text = readFileSync(join(OPENCV_DATA, name), "utf8");
      const { width, height, stages, features } = readCascadeXml(text, name);
      return [name, [width, height, stages.length, features.length]];
    }),
  );
  const expected = {
    "haarcascade_frontalface_alt2.xml": [20, 20, 20, 2094],
    "haarcascade_frontalface_alt_tree.xml": [20, 20, 47, 8468],
    "haarcascade_smile.xml": [36, 18, 20, 569],
    "haarcascade_licence_plate_rus_16stages.xml": [64, 16, 16, 91],
  };
  for (const [name, shape] of Object.entries(expected)) {
    if (name in shapes) assert.deepEqual(shapes[name], shape, name);
  }
});

Deno.test("the compact form keeps every number of any cascade", () => {
  for (let seed = 0; seed < 20; seed++) {
    const kind = { trees: true, tilted: true, wholeWeights: false };
    const cascade = randomCascade(seed, 12, kind);
    const text = JSON.stringify(compactCascade(cascade));
    assert.deepEqual(readCompactCascade(JSON.parse(text)), cascade);
  }
});

Deno.test("files that are not Haar cascades are refused with the place", () => {
  const change = (from: string | RegExp, to: string) => {
    assert.notEqual(SMALL.replace(from, to), SMALL, String(from));
    return problemOf(SMALL.replace(from, to)).message;
  };
  assert.match(problemOf("").message, /^small.xml, line 1/);
  assert.match(problemOf("emotion,pixels\n").message, /small.xml, line/);
  assert.match(problemOf("<html></html>").message, /not an OpenCV cascade/);
  assert.match(
    change(">HAAR<", ">LBP<"),
    /^small.xml, line 5, column \d+: only HAAR cascades can be read.*"LBP"/,
  );
  assert.match(change("<featureType>HAAR</featureType>", ""), /featureType/);
  assert.match(change("<width>8</width>", ""), /has no <width>/);
  assert.match(change(">8<", ">1000000<"), /width is 1000000, not 3 to 255/);
  assert.match(change(">8<", ">8.5<"), /width is 8.5/);
  assert.match(change(">8<", ">eight<"), /line 7.*"eight" is not a number/);
  assert.match(change("0 -1 0 -3", "0 -1 7 -3"), /uses feature 7 of 2/);
  assert.match(change("0 -1 0 -3", "0 -9 0 -3"), /leads to -9/);
  assert.match(change("-1 -2 0 -1.5", "1 -2 0 -1.5"), /leads to 1/);
  assert.match(change("2.5 -2.25", "2.5"), /1 nodes need 2 leaves/);
  assert.match(change("2.5 -2.25", "2.5 1e999"), /line 16.*not a number/);
  assert.match(change("1 1 6 4 -1.", "1 1 8 4 -1."), /feature 0.*window/);
  assert.match(change("1 1 6 4 -1.", "1 1 6 4"), /needs x, y, width/);
  assert.match(change("3 0 2 2", "1 0 2 2"), /feature 1.*tilted/);
  assert.match(
    change(
      "<opencv_storage>",
      "<!DOCTYPE a [<!ENTITY b 'c'>]><opencv_storage>",
    ),
    /must not have a document type/,
  );
  assert.match(change("2.5 -2.25", "&b;"), /line 16/);
  const deep = "<a>".repeat(10_000);
  assert.match(problemOf(deep).message, /nested too deep/);
});

Deno.test("a file that is cut off anywhere is refused", () => {
  const end = SMALL.lastIndexOf("</opencv_storage>");
  for (let length = 0; length < end; length += 7) {
    assert.match(problemOf(SMALL.slice(0, length)).message, /^small.xml/);
  }
});

Deno.test("a compact form that was tampered with is refused", () => {
  const good = compactCascade(readCascadeXml(SMALL, "small"));
  const refuse = (change: unknown, message: RegExp) => {
    assert.throws(
      () => readCompactCascade(change as CompactCascade),
      (error) => error instanceof CascadeError && message.test(error.message),
    );
  };
  refuse(null, /not a cascade in compact form/);
  refuse([], /not a cascade in compact form/);
  refuse({ ...good, format: "haar cascade 2" }, /compact form/);
  refuse({ ...good, features: ["1 1 6 4"] }, /feature 0: a rectangle needs/);
  refuse({ ...good, features: ["1 1 6 4 x"] }, /feature 0.*not a list/);
  refuse({ ...good, features: [7] }, /feature 0/);
  refuse({ ...good, stages: [{}] }, /stage 0: its weak classifiers/);
  refuse({ ...good, stages: [{ threshold: 1, weak: ["1"] }] }, /stage 0/);
  refuse(
    { ...good, stages: [{ threshold: {}, weak: [] }] },
    /threshold is not/,
  );
  refuse({ ...good, width: "8" }, /width and height are not numbers/);
});

/** Reads what may be a cascade, and searches with it if it is one. */
async function readAndSearch(read: () => Cascade) {
  let cascade: Cascade;
  try {
    cascade = read();
  } catch (error) {
    assert.ok(error instanceof CascadeError, String(error));
    return;
  }
  checkCascade(cascade);
  const side = Math.max(cascade.width, cascade.height) + 5;
  const detector = await CascadeDetector.create(cascade);
  detector.detect(randomImage(1, side, side), { scaleFactor: 1.3 });
}

Deno.test("any change to an XML file gives a cascade or a CascadeError", async () => {
  const pieces = ["<", ">", "</_>", "<_>", "-1", "1e9", "999999999", "0", ""];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(SMALL, OLD),
      fc.array(
        fc.record({
          place: fc.double({ min: 0, max: 1, noNaN: true }),
          remove: fc.nat(20),
          insert: fc.oneof(fc.constantFrom(...pieces), fc.string()),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (file, changes) => {
        const text = changes.reduce(
          (text: string, { place, remove, insert }) => {
            const at = Math.floor(place * text.length);
            return text.slice(0, at) + insert + text.slice(at + remove);
          },
          file,
        );
        await readAndSearch(() => readCascadeXml(text, "changed.xml"));
      },
    ),
    { numRuns: 1500 },
  );
});

Deno.test("any number in an XML file gives a cascade or a CascadeError", async () => {
  const places = [...SMALL.matchAll(/(?<=[\s>])-?\d[\d.e+-]*(?=[\s<])/g)];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(places.length - 1),
      fc.oneof(
        fc.integer(),
        fc.integer({ min: -3, max: 10 }),
        fc.double(),
      ),
      async (which, value) => {
        const { index, 0: { length } } = places[which];
        const text = SMALL.slice(0, index) + value +
          SMALL.slice(index + length);
        await readAndSearch(() => readCascadeXml(text, "changed.xml"));
      },
    ),
    { numRuns: 1500 },
  );
});

Deno.test("any JSON gives a cascade or a CascadeError", async () => {
  const good = compactCascade(readCascadeXml(SMALL, "small"));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(good)),
      fc.jsonValue(),
      async (key, value) => {
        const compact = { ...good, [key]: value } as unknown as CompactCascade;
        await readAndSearch(() => readCompactCascade(compact));
      },
    ),
    { numRuns: 500 },
  );
});
