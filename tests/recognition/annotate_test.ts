// Labels, boxes and bars: where they stand, in which color, at which size.
import assert from "node:assert/strict";
import {
  annotate,
  drawFaces,
  type PanelSide,
} from "mien/recognition/annotate.ts";
import { colorsOf, EMOTIONS } from "mien/emotions.ts";
import { measureText, textMask } from "mien/recognition/stroke_font.ts";
import { lumaToGray, Overlay } from "mien/video/yuv.ts";

const picture = (width: number, height: number, value = 255) => ({
  width,
  height,
  data: new Uint8ClampedArray(width * height * 4).fill(value),
});
const COLORS = colorsOf(EMOTIONS);
const happy = [0, 0, 0, 0.9, 0, 0, 0.1];
const rgb = (hex: string) =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

Deno.test("the box has the emotion's color, and the face inside is untouched", () => {
  const image = picture(600, 400);
  const box = { x: 200, y: 150, width: 100, height: 100 };
  const { data, width, height } = annotate(image, [{
    box,
    probabilities: happy,
  }]);
  assert.deepEqual([width, height], [600, 400]);
  const at = (x: number, y: number) => [
    ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 3),
  ];
  const yellow = rgb(COLORS[3]);
  assert.deepEqual(at(200, 200), yellow);
  assert.deepEqual(at(299, 200), yellow);
  assert.deepEqual(at(250, 249), yellow);
  for (let y = 160; y < 240; y += 7) {
    for (let x = 210; x < 290; x += 7) {
      assert.deepEqual(at(x, y), [255, 255, 255]);
    }
  }
  assert(image.data.every((value) => value === 255), "the source is untouched");
});

Deno.test("the bars are as long as the probabilities", () => {
  const image = picture(640, 480, 0);
  const probabilities = [0.5, 0.25, 0, 0, 0.25, 0, 0];
  const box = { x: 100, y: 100, width: 150, height: 150 };
  const { data } = annotate(image, [{ box, probabilities }]);
  const longest = (color: number[]) => {
    let best = 0;
    for (let y = 0; y < 480; y++) {
      let run = 0;
      for (let x = 260; x < 640; x++) {
        const p = (y * 640 + x) * 4;
        run = color.every((value, i) => data[p + i] === value) ? run + 1 : 0;
        best = Math.max(best, run);
      }
    }
    return best;
  };
  const [angry, disgust] = [0, 1].map((i) => longest(rgb(COLORS[i])));
  assert(angry > 20);
  assert(Math.abs(angry / disgust - 2) < 0.1, `${angry} to ${disgust}`);
});

Deno.test("drawing works at any picture size and wherever the face is", () => {
  for (const [width, height] of [[1, 1], [48, 48], [3000, 200], [320, 2000]]) {
    for (const [x, y] of [[-0.3, -0.3], [0, 0], [0.7, 0.7]]) {
      const side = Math.min(width, height) * 0.6;
      const box = { x: x * width, y: y * height, width: side, height: side };
      const faces = [{ box, probabilities: happy, track: 12 }];
      const drawn = annotate(picture(width, height), faces);
      assert.equal(drawn.width % width, 0);
      assert(Math.min(drawn.width, drawn.height) >= 200);
      assert(drawn.data.some((value) => value !== 255));
    }
  }
});

Deno.test("an unsure face has a gray label, not one in its emotion's color", () => {
  const box = { x: 200, y: 150, width: 100, height: 100 };
  const [sure, unsure] = [false, true].map((unsure) =>
    annotate(picture(600, 400), [{ box, probabilities: happy, unsure }]).data
  );
  const at = (data: Uint8ClampedArray | Uint8Array, x: number, y: number) => [
    ...data.subarray((y * 600 + x) * 4, (y * 600 + x) * 4 + 3),
  ];
  assert.deepEqual(at(sure, 200, 200), rgb(COLORS[3]));
  const [red, green, blue] = at(unsure, 200, 200);
  assert(red === green && green === blue && red < 255, "a gray frame");
  assert.notDeepEqual(sure, unsure);
});

Deno.test("a box that extends beyond the picture has its label inside", () => {
  const box = { x: -60, y: -40, width: 300, height: 300 };
  const { data } = annotate(picture(600, 400), [{ box, probabilities: happy }]);
  const yellow = rgb(COLORS[3]);
  const isYellow = (x: number, y: number) =>
    yellow.every((value, i) => data[(y * 600 + x) * 4 + i] === value);
  let label = 0;
  for (let y = 0; y < 40; y++) {
    for (let x = 0; x < 200; x++) label += isYellow(x, y) ? 1 : 0;
  }
  assert(label > 600, `${label} yellow pixels of a label at the top`);
});

Deno.test("bars keep their side while the face moves a little", () => {
  const sides = new Map<number, PanelSide>();
  const seen = new Set<PanelSide>();
  for (let x = 300; x < 345; x++) {
    const box = { x, y: 100, width: 120, height: 120 };
    drawFaces(
      picture(640, 360),
      [{ box, probabilities: happy, track: 1 }],
      { sides },
    );
    seen.add(sides.get(1)!);
  }
  assert.deepEqual([...seen], ["right"]);
});

Deno.test("each emotion has its own color, which color-blind people can tell apart", () => {
  assert.equal(new Set(COLORS).size, EMOTIONS.length);
  // Viénot, Brettel, Mollon 1999: what protanopes and deuteranopes see, in
  // linear RGB; the smallest distance of two colors must stay visible.
  const linear = (hex: string) => rgb(hex).map((v) => (v / 255) ** 2.2);
  const protan = [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [
    0.004,
    -0.004,
    1,
  ]];
  const deutan = [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [
    -0.02234,
    0.02234,
    1,
  ]];
  for (const matrix of [protan, deutan]) {
    const seen = COLORS.map((hex) => {
      const c = linear(hex);
      return matrix.map((row) =>
        Math.max(0, row.reduce((sum, w, i) => sum + w * c[i], 0)) ** (1 / 2.2)
      );
    });
    for (let a = 0; a < 7; a++) {
      for (let b = 0; b < a; b++) {
        const distance = Math.hypot(...seen[a].map((v, i) => v - seen[b][i]));
        assert(
          distance > 0.1,
          `${EMOTIONS[a]} and ${EMOTIONS[b]}: ${distance}`,
        );
      }
    }
  }
});

Deno.test("text fills its mask, in every character that labels need", () => {
  for (const height of [10, 13, 31]) {
    for (const text of [...EMOTIONS, "#0123456789 87%"]) {
      const mask = textMask(text, height);
      assert.equal(mask.height, height);
      assert.equal(mask.width, measureText(text, height));
      const ink = mask.data.reduce((sum, value) => sum + value / 255, 0);
      assert(ink > height * text.length * 0.3, text);
    }
  }
  assert.throws(() => textMask("É", 12), RangeError);
});

Deno.test("an overlay changes a frame only where something was painted", () => {
  const overlay = new Overlay(64, 48);
  const data = new Uint8Array(64 * 48 * 3 / 2).fill(90);
  const frame = { width: 64, height: 48, data };
  const paint = () => {
    const { data: layer } = overlay.image;
    for (let y = 20; y < 24; y++) {
      for (let x = 10; x < 14; x++) {
        layer.set([255, 255, 255, 255], (y * 64 + x) * 4);
      }
    }
    overlay.touched(10, 20, 4, 4);
  };
  paint();
  overlay.blendInto(frame);
  const white = data.filter((value) => value === 235).length;
  const neutral = data.filter((value) => value === 128).length;
  assert.deepEqual([white, neutral], [16, 8]);
  assert.equal(data.filter((value) => value === 90).length, data.length - 24);
  assert(overlay.image.data.every((value) => value === 0), "cleared");
  const gray = new Uint8Array(64 * 48);
  lumaToGray(frame, gray);
  assert.equal(gray[20 * 64 + 10], 255);
  assert.equal(gray[0], Math.round((90 - 16) * 255 / 219));
});

Deno.test("an overlay's colors are converted as in BT.601", () => {
  const overlay = new Overlay(16, 16);
  const data = new Uint8Array(16 * 16 * 3 / 2).fill(128);
  for (
    const [color, expected] of [
      [[255, 0, 0], [81, 90, 240]],
      [[0, 255, 0], [145, 54, 34]],
      [[0, 0, 255], [41, 240, 110]],
    ]
  ) {
    for (let i = 0; i < 256; i++) {
      overlay.image.data.set([...color, 255], i * 4);
    }
    overlay.touched(0, 0, 16, 16);
    overlay.blendInto({ width: 16, height: 16, data });
    const seen = [data[0], data[256], data[256 + 64]];
    for (let i = 0; i < 3; i++) {
      assert(Math.abs(seen[i] - expected[i]) <= 1, `${seen}`);
    }
  }
});

Deno.test("a picture of one column is not enlarged beyond 8 megapixels", () => {
  for (const [width, height] of [[1, 32767], [32767, 1], [2, 9]]) {
    const data = new Uint8ClampedArray(width * height * 4);
    const drawn = annotate({ width, height, data }, []);
    assert.ok(drawn.width * drawn.height <= 8e6);
    assert.equal(drawn.width / drawn.height, width / height);
  }
});
