import assert from "node:assert/strict";
import { SaxesParser } from "saxes";
import {
  belowEachOther,
  besideEachOther,
  type Chart,
} from "mien/notebook/chart.ts";
import { faceSheet } from "mien/notebook/face_sheet.ts";
import {
  barChart,
  calibrationChart,
  confusionChart,
  lineChart,
  trainingCurves,
} from "mien/notebook/charts.ts";

/** The texts of a chart in order; fails where it is no well-formed XML. */
function textsOf(chart: Chart): string[] {
  const texts: string[] = [];
  let text: string | undefined;
  const parser = new SaxesParser({ xmlns: true });
  parser.on("opentag", ({ local }) => {
    if (local === "text") text = "";
  });
  parser.on("text", (part) => {
    if (text !== undefined) text += part;
  });
  parser.on("closetag", ({ local }) => {
    if (local !== "text") return;
    texts.push(text!);
    text = undefined;
  });
  parser.write(chart.svg).close();
  return texts;
}

const AXES = { x: "emotion", y: "faces (count)" };

/** The pixel heights of the bars, in order. */
function barHeights(chart: Chart): number[] {
  return [...chart.svg.matchAll(/<rect height="([\d.]+)"/g)]
    .map((match) => Number(match[1]));
}

Deno.test("bars are as high as their values, which are written above them", () => {
  const bars = [{ label: "happy", value: 1000 }, { label: "sad", value: 250 }];
  const chart = barChart("Faces & more", bars, AXES);
  const [happy, sad] = barHeights(chart);
  assert.ok(Math.abs(happy / sad - 4) < 0.01, `${happy} to ${sad}`);
  const texts = textsOf(chart);
  for (const text of ["1,000", "250", "happy", "sad", "Faces & more"]) {
    assert.ok(texts.includes(text), `${text} in ${texts}`);
  }
  assert.ok(texts.some((text) => text.includes("faces (count)")));
  assert.ok(texts.some((text) => text.includes("emotion")));
});

Deno.test("bars of three groups are in three panels with one scale", () => {
  const bars = ["Training", "PublicTest", "PrivateTest"].map((
    group,
    index,
  ) => ({
    group,
    label: "happy",
    value: 100 * (index + 1),
  }));
  const chart = barChart("Splits", bars, AXES);
  const heights = barHeights(chart);
  assert.equal(heights.length, 3);
  assert.ok(Math.abs(heights[2] / heights[0] - 3) < 0.05);
  assert.ok(textsOf(chart).includes("PublicTest"));
});

Deno.test("names of lines that end at the same value do not cover each other", () => {
  const line = (name: string) => ({
    name,
    points: [{ x: 0, y: 1 }, { x: 1, y: 2 }],
  });
  const chart = lineChart("Lines", [line("one"), line("two")], AXES);
  const positions = ["one", "two"].map((name) => {
    const before = chart.svg.slice(0, chart.svg.indexOf(`>${name}</text>`));
    const group = before.slice(before.lastIndexOf("<g "));
    const [, shift] = group.match(/translate\([\d.-]+,([\d.-]+)\)/)!;
    return Number(shift);
  });
  assert.ok(Math.abs(positions[0] - positions[1]) >= 12, `${positions}`);
});

Deno.test("an axis of whole numbers, such as epochs, has no ticks between them", () => {
  const points = [1, 2, 3, 4].map((x) => ({ x, y: x / 10 }));
  const chart = lineChart("Epochs", [{ name: "one", points }], AXES);
  const texts = textsOf(chart);
  for (const text of ["1", "2", "3", "4"]) assert.ok(texts.includes(text));
  assert.ok(!texts.includes("1.5"), String(texts));
});

Deno.test("curves can be drawn before and during the first epoch", () => {
  assert.ok(textsOf(trainingCurves([], 20)).includes("Loss"));
  const first = [{
    epoch: 1,
    loss: 1.5,
    accuracy: 0.4,
    valLoss: 1.6,
    valAccuracy: 0.3,
  }];
  const texts = textsOf(trainingCurves(first, 20));
  assert.equal(texts.filter((text) => text === "validation").length, 2);
  assert.ok(texts.some((text) => text.includes("loss (nats)")));
});

Deno.test("the confusion chart shows counts and shares of each row", () => {
  const chart = confusionChart([[30, 10], [0, 5]], ["happy", "sad"]);
  const texts = textsOf(chart);
  for (const text of ["30", "10", "0", "5", "75 %", "25 %", "0 %", "100 %"]) {
    assert.ok(texts.includes(text), `${text} in ${texts}`);
  }
  assert.match(chart.description, /35 of 45 right/);
});

Deno.test("a class without faces has shares of 0, not NaN", () => {
  const chart = confusionChart([[3, 1], [0, 0]], ["happy", "sad"]);
  assert.doesNotMatch(chart.svg, /NaN/);
});

Deno.test("the calibration chart leaves empty bins out", () => {
  const bins = [
    { low: 0, high: 0.5, count: 0, confidence: 0, accuracy: 0 },
    { low: 0.5, high: 1, count: 4, confidence: 0.8, accuracy: 0.75 },
  ];
  const chart = calibrationChart(bins, 0.05);
  assert.ok(textsOf(chart).includes("Calibration (expected error 5.0 %)"));
  assert.equal(chart.svg.match(/<circle/g)?.length, 1);
});

Deno.test("combined charts keep their sizes and are one document", () => {
  const chart = lineChart("A", [], AXES, { width: 300, height: 200 });
  const row = besideEachOther(chart, chart);
  const column = belowEachOther(row, chart);
  assert.deepEqual([row.width, row.height], [600, chart.height]);
  assert.deepEqual([column.width, column.height], [600, 2 * chart.height]);
  assert.equal(column.svg.match(/<style>/g)?.length, 1);
  assert.equal(textsOf(column).filter((text) => text === "A").length, 3);
});

Deno.test("charts have inks for light and dark pages, and a fallback", () => {
  const { svg } = barChart("A", [{ label: "a", value: 1 }], AXES);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /prefers-color-scheme:dark/);
  assert.doesNotMatch(svg, /var\(--[\w-]+\)(?!;|\})/);
});

Deno.test("a sheet shows each face's own pixels, with captions and verdicts", async () => {
  const dark = new Uint8Array(2304).fill(20);
  const light = new Uint8Array(2304).fill(230);
  const chart = await faceSheet("Sheet", [
    {
      label: "happy",
      faces: [{ pixels: dark, caption: "sad", verdict: "wrong" }],
    },
    {
      label: "sad",
      faces: [{ pixels: light, caption: "sad", verdict: "right" }, {
        pixels: dark,
      }],
    },
  ]);
  const texts = textsOf(chart);
  assert.deepEqual(texts, ["Sheet", "happy", "sad", "✗ sad", "✓ sad"]);
  const [, data] = chart.svg.match(/base64,([^"]+)"/)!;
  const { Jimp } = await import("jimp");
  const picture = await Jimp.fromBuffer(
    Uint8Array.fromBase64(data).buffer as ArrayBuffer,
  );
  const gray = (x: number, y: number) => picture.getPixelColor(x, y) >>> 24;
  assert.deepEqual([picture.width, picture.height], [96, 96]);
  assert.ok(Math.abs(gray(24, 24) - 20) < 6);
  assert.ok(Math.abs(gray(24, 72) - 230) < 6);
  assert.ok(Math.abs(gray(72, 72) - 20) < 6);
});

/** Relative luminance of a color, WCAG 2.2. */
function luminance(color: number[]): number {
  const [r, g, b] = color.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

Deno.test("every cell of a confusion matrix has a contrast of at least 4.5, light and dark", () => {
  const rgb = (hex: string) =>
    [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const shares = Array.from({ length: 101 }, (_, percent) => percent);
  const { svg } = confusionChart(
    shares.map((percent) => [percent, 100 - percent]),
    shares.map((percent) => `class ${percent}`),
  );
  const inks = (name: string) =>
    [...svg.matchAll(new RegExp(`--mien-${name}:(#[0-9a-f]{6})`, "g"))]
      .map(([, hex]) => rgb(hex));
  const [texts, panels, cells] = ["text", "panel", "cell"].map(inks);
  const opacities = [...svg.matchAll(/<rect[^>]* fill-opacity="([\d.]+)"/g)]
    .map(([, opacity]) => Number(opacity));
  const colors = [...svg.matchAll(/<text[^>]* fill="(\w+)"[^>]*>\d+ %</g)]
    .map(([, color]) => color);
  assert.deepEqual([opacities.length, colors.length], [202, 202]);
  for (const theme of [0, 1]) {
    opacities.forEach((opacity, i) => {
      const cell = cells[theme].map((value, k) =>
        opacity * value + (1 - opacity) * panels[theme][k]
      );
      const ink = colors[i] === "white" ? [255, 255, 255] : texts[theme];
      const [a, b] = [cell, ink].map(luminance).sort((x, y) => y - x);
      const contrast = (a + 0.05) / (b + 0.05);
      assert.ok(contrast >= 4.5, `cell ${i}, theme ${theme}: ${contrast}`);
    });
  }
});

Deno.test("a chart without lines says that it has no data", () => {
  assert.match(lineChart("A", [], AXES).description, /no data yet/);
});

Deno.test("five names of lines that end together stay apart and within the chart", () => {
  const names = ["one", "two", "three", "four", "five"];
  const chart = lineChart(
    "Lines",
    names.map((name, i) => ({
      name,
      points: [{ x: 0, y: 0 }, { x: 1, y: 0.9 + 0.001 * i }],
    })),
    AXES,
    { yDomain: [0, 1] },
  );
  const places = names.map((name) => {
    const before = chart.svg.slice(0, chart.svg.indexOf(`>${name}</text>`));
    const group = before.slice(before.lastIndexOf("<g "));
    const text = before.slice(before.lastIndexOf("<text"));
    const [, shift] = group.match(/translate\([\d.-]+,([\d.-]+)\)/)!;
    const [, y] = text.match(/translate\([\d.-]+,([\d.-]+)\)/)!;
    return Number(shift) + Number(y);
  }).sort((a, b) => a - b);
  places.slice(1).forEach((place, i) =>
    assert.ok(place - places[i] >= 12, `${places}`)
  );
  assert.ok(places[0] >= 0 && places[4] <= chart.height, `${places}`);
});
