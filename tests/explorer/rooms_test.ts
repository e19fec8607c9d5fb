// Each room of the explorer: opened, its main control moved, the numbers on the screen compared with
// lib's own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { drawFaces } from "mien/drawn/faces.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { EMOTIONS, FACE_PIXELS, indexOfLargest } from "mien/emotions.ts";
import {
  calibrationBins,
  calibrationError,
  likeliest,
} from "mien/evaluation/metrics.ts";
import { traceLayers } from "mien/explorer/forward.ts";
import { findModels } from "mien/explorer/models.ts";
import { explainValue } from "mien/explorer/neuron.ts";
import { drawLots } from "mien/explorer/rooms/lots.ts";
import {
  changeFace,
  findTurningPoint,
  NO_CHANGE,
} from "mien/explorer/transform.ts";
import { detectFaces } from "mien/haar/detector.ts";
import { scalePixels } from "mien/network/input.ts";
import { loadRecognizer, loadTrained } from "mien/recognition/recognize.ts";
import {
  assertClose,
  BROWSER_TEST,
  moveSlider,
  processorTime,
  shownProbabilities,
  withExplorer,
} from "../helpers/explorer_page.ts";

// The page computes in the browser what lib computes here: the same kernels, other 32-bit sums.
const TOLERANCE = 1e-4;

/** The explorer's drawn faces: 70 of each seed. */
function drawn(count: number): { faces: Uint8Array[]; labels: number[] } {
  const faces: Uint8Array[] = [], labels: number[] = [];
  for (let seed = 2013; faces.length < count; seed++) {
    const set = drawFaces({ count: 70, seed });
    for (let i = 0; i < 70; i++) {
      faces.push(set.pixels.subarray(i * FACE_PIXELS, (i + 1) * FACE_PIXELS));
      labels.push(set.labels[i]);
    }
  }
  return { faces, labels };
}

const { faces, labels } = drawn(70);

Deno.test(
  "Inside: the layers' numbers are the network's, and add up",
  BROWSER_TEST,
  async () => {
    const network = await loadTrained();
    const face = labels.indexOf(EMOTIONS.indexOf("happy"));
    const values = traceLayers(network, scalePixels(faces[face]));
    await withExplorer(
      { hash: `inside?face=drawn-${face}&layer=1&map=2&y=10&x=11` },
      async (page) => {
        assertClose(await shownProbabilities(page), values.at(-1)!, TOLERANCE);
        const panel = page.locator("[data-value]");
        const shown = async () =>
          Number(await panel.getAttribute("data-value"));
        assertClose(
          [await shown()],
          [explainValue(network, values, 1, [10, 11, 2]).value],
          TOLERANCE,
        );
        for (const [layer, map, y, x] of [[6, 3, 20, 4], [8, 17, 0, 43]]) {
          await page.locator(".flow button").nth(layer).click();
          for (
            const [label, value] of [["Map", map], ["Row", y], ["Column", x]]
          ) {
            await page.getByLabel(String(label), { exact: true }).fill(
              String(value),
            );
            await page.keyboard.press("Tab");
          }
          const { value } = explainValue(network, values, layer, [y, x, map]);
          assertClose([await shown()], [value], TOLERANCE);
          const words = (await panel.locator("p").last().innerText())
            .replaceAll("−", "-").replaceAll("- ", "-");
          const [sum, result] = words.split("=");
          if (layer !== 8) continue; // A convolution: its parts are all there.
          const parts = sum.split("+").flatMap((part) =>
            part.match(/-?[\d.]+/g)!
          );
          const total = parts.map(Number).reduce((a, b) => a + b, 0);
          // Each part is rounded to four digits.
          assertClose([total], [Number(result)], 5e-5 * (parts.length + 1));
        }
        // The keyboard moves the pixel.
        await page.getByLabel("The chosen map").focus();
        await page.keyboard.press("ArrowDown");
        assert.equal(
          await page.getByLabel("Row", { exact: true }).inputValue(),
          "1",
        );
      },
    );
  },
);

Deno.test(
  "Playground: bars follow the sliders, a link restores everything, and a frame's cost allows 30 a second",
  BROWSER_TEST,
  async () => {
    const recognizer = await loadRecognizer();
    const face = labels.indexOf(EMOTIONS.indexOf("happy"));
    const change = { ...NO_CHANGE, turn: 20, blur: 1.2, cover: new Set([14]) };
    await withExplorer(
      { hash: `playground?face=drawn-${face}` },
      async (page) => {
        await page.locator("h2").waitFor();
        await moveSlider(page, "turn", 20);
        await moveSlider(page, "blur", 1.2);
        const picture = page.getByLabel("The face as the network sees it");
        await picture.focus();
        for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", " "]) {
          await page.keyboard.press(key);
        }
        await page.waitForTimeout(400);
        const [expected] = recognizer.classify([
          changeFace(faces[face], change),
        ]);
        assertClose(await shownProbabilities(page), expected, TOLERANCE);
        const link = page.url();
        assert.match(link, /turn=20/);
        await page.getByRole("button", { name: "Find it" }).click();
        const point = findTurningPoint(
          faces[face],
          change,
          (some) => recognizer.classify(some).map(indexOfLargest),
        )!;
        const found = await page.getByText("of the range").innerText();
        assert.ok(found.includes(`makes it ${EMOTIONS[point.answer]}`), found);
        assert.ok(
          found.includes(String(point.value)),
          `${found} ${point.value}`,
        );
        // The same link, opened later, shows the same.
        await page.goto("about:blank");
        await page.goto(link);
        assertClose(await shownProbabilities(page), expected, TOLERANCE);
        await measureFrames(page);
      },
    );
  },
);

/** Drags the slider at every frame; what a frame costs must leave room for 30 a second. */
async function measureFrames(page: Page) {
  const used = await processorTime(page);
  const before = await used();
  const frames = await page.evaluate(() =>
    new Promise<number>((done) => {
      const slider = document.querySelector<HTMLInputElement>(
        "[aria-label=turn]",
      )!;
      const bars = document.querySelector("[data-probabilities]")!;
      const began = performance.now();
      let frames = 0, last = "";
      const step = () => {
        const text = bars.getAttribute("data-probabilities")!;
        // The same picture twice means that none was drawn.
        if (text !== last) frames++;
        last = text;
        slider.value = String(Number(slider.value) % 45 + 1);
        slider.dispatchEvent(new Event("input"));
        if (performance.now() - began < 4000) requestAnimationFrame(step);
        else done(frames);
      };
      requestAnimationFrame(step);
    })
  );
  const cost = (await used() - before) / frames;
  console.log(
    `playground: ${frames} frames in 4 s, ${(1000 * cost).toFixed(1)} ms of ` +
      "processor time each",
  );
  assert.ok(cost < 1 / 30, `${1000 * cost} ms a frame`);
}

Deno.test(
  "Detector: boxes, windows and stages are lib's",
  BROWSER_TEST,
  async () => {
    const { image } = drawScene({ width: 480, height: 300, faces: 2, seed: 4 });
    await withExplorer({ hash: "detector?seed=4" }, async (page) => {
      const boxes = page.locator("#boxes");
      await boxes.filter({ hasText: "25 stages" }).waitFor();
      const count = async () => Number(await boxes.getAttribute("data-faces"));
      const ours = async (options: object) =>
        (await detectFaces(image, undefined, options)).length;
      assert.equal(await count(), await ours({ minNeighbors: 3 }));
      await moveSlider(page, "minNeighbors", 0);
      assert.equal(await count(), await ours({ minNeighbors: 0 }));
      await moveSlider(page, "scaleFactor", 1.3);
      assert.equal(
        await count(),
        await ours({ minNeighbors: 0, scaleFactor: 1.3 }),
      );
      assert.match(await page.locator("#verdict").innerText(), /passed all 25/);
      // There is no face in the corner: the window is rejected, and says in which stage.
      await page.locator("canvas").first().click({ position: { x: 5, y: 5 } });
      assert.match(await page.locator("#verdict").innerText(), /rejected/);
    });
  },
);

Deno.test(
  "Confusion: figures and faces are lib's, with threshold and temperature",
  BROWSER_TEST,
  async () => {
    const all = drawn(280);
    const recognizer = await loadRecognizer();
    const answers = recognizer.classify(all.faces);
    const flat = Float32Array.from(answers.flatMap((answer) => [...answer]));
    const best = likeliest(flat, 7), truth = Uint8Array.from(all.labels);
    await withExplorer({ hash: "confusion?label=2&answer=5" }, async (page) => {
      const figures = page.locator("#figures");
      await figures.filter({ hasText: "Accuracy" }).waitFor({
        timeout: 60_000,
      });
      const read = async (name: string) =>
        Number(await figures.getAttribute(`data-${name}`));
      const accuracy = (chosen: number[]) =>
        chosen.filter((i) => best[i] === truth[i]).length / chosen.length;
      const every = [...best.keys()];
      assertClose([await read("accuracy")], [accuracy(every)], 1e-9);
      const error = calibrationError(calibrationBins(flat, truth, 7));
      assertClose([await read("error")], [error], TOLERANCE);
      await moveSlider(page, "threshold", 0.6);
      const sure = every.filter((i) => flat[i * 7 + best[i]] >= 0.6);
      assertClose([await read("accuracy")], [accuracy(sure)], 1e-9);
      await moveSlider(page, "threshold", 0);
      await page.getByRole("button", { name: /^sad answered as sad/ }).click();
      const sad = every.filter((i) => truth[i] === 4 && best[i] === 4);
      await page.getByText(`sad, answered as sad: ${sad.length} faces`)
        .waitFor();
      await page.locator(".faces button").first().hover();
      await page.getByText(/, (epoch \d+|recalibrated): [a-z]+ \d+ %/)
        .waitFor();
      await moveSlider(page, "temperature", 2);
      assert.notEqual(await read("error"), error);
    });
  },
);

Deno.test(
  "Beat the model: twenty faces by keyboard, both results counted, saved only when asked",
  BROWSER_TEST,
  async () => {
    const all = drawn(280);
    const recognizer = await loadRecognizer();
    const lots = drawLots(5, 280);
    const right = (answer: (face: number) => number) =>
      lots.filter((face) => answer(face) === all.labels[face]).length;
    const model = right((face) =>
      indexOfLargest(recognizer.classify([all.faces[face]])[0])
    );
    await withExplorer({ hash: "beat?seed=5&data=drawn" }, async (page) => {
      await page.getByRole("button", { name: "Start" }).click();
      for (let face = 1; face <= 20; face++) {
        await page.getByText(`Face ${face} of 20`).waitFor({ timeout: 60_000 });
        await page.keyboard.press("4");
      }
      const result = page.locator("#result");
      await result.waitFor();
      assert.equal(await result.getAttribute("data-model"), String(model));
      assert.equal(
        await result.getAttribute("data-yours"),
        String(right(() => 3)),
      );
      assert.match(await result.innerText(), /95 % interval \d+ % to \d+ %/);
      assert.equal(await page.evaluate(() => localStorage.length), 0);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save my answers" }).click(),
      ]);
      const saved = JSON.parse(readFileSync(await download.path(), "utf8"));
      assert.equal(saved.rounds.length, 20);
      assert.equal(saved.rounds[0].yours, "happy");
    });
  },
);

Deno.test(
  "Time machine: each saved epoch answers as its model does",
  BROWSER_TEST,
  async () => {
    const [first] = findModels();
    const epochs = findModels().filter(({ run, epoch }) =>
      run === first.run && epoch !== undefined
    );
    await withExplorer({ hash: "time?face=drawn-3" }, async (page) => {
      const words = page.locator("#epoch");
      await words.filter({ hasText: "After epoch" }).waitFor({
        timeout: 60_000,
      });
      for (const place of [0, epochs.length - 1]) {
        await moveSlider(page, "epoch", place);
        assert.match(
          await words.innerText(),
          new RegExp(`After epoch ${epochs[place].epoch}:`),
        );
        const recognizer = await loadRecognizer(epochs[place].folder);
        const [expected] = recognizer.classify([faces[3]]);
        assertClose(await shownProbabilities(page), expected, TOLERANCE);
      }
      assert.match(await page.locator("#learned").innerText(), /answer/);
    });
  },
);

Deno.test(
  "a late write to the address does not undo the way to another room",
  BROWSER_TEST,
  async () => {
    // A slider's change is written to the address 150 ms later: the test decides when.
    const before = `
      globalThis.late = [];
      const start = globalThis.setTimeout;
      globalThis.setTimeout = (call, ms, ...rest) =>
        ms === 150 ? late.push(call) : start(call, ms, ...rest);`;
    await withExplorer({ hash: "playground", before }, async (page) => {
      await shownProbabilities(page);
      await moveSlider(page, "turn", 20);
      // Between a click on a link and the page's notice of it, as on a busy machine.
      await page.evaluate(() => {
        location.hash = "#detector";
        const { late } = globalThis as unknown as { late: (() => void)[] };
        if (late.length === 0) throw new Error("nothing is to be written");
        late.forEach((write) => write());
      });
      await page.getByRole("heading", { level: 2, name: "Detector" }).waitFor();
    });
  },
);

Deno.test(
  "a link to a missing face or model says so and shows a drawn face; every room opens from the navigation",
  BROWSER_TEST,
  async () => {
    await withExplorer({ hash: "inside?face=own&model=gone" }, async (page) => {
      await page.locator("#status.trouble").filter({ hasText: /own picture/ })
        .waitFor();
      await shownProbabilities(page);
      for (const name of await page.locator("nav a").allInnerTexts()) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("heading", { level: 2, name }).waitFor();
        const wide = await page.evaluate(() =>
          document.documentElement.scrollWidth - innerWidth
        );
        assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
      }
      await page.setViewportSize({ width: 360, height: 740 });
      for (const name of await page.locator("nav a").allInnerTexts()) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("heading", { level: 2, name }).waitFor();
        await page.waitForTimeout(300);
        const wide = await page.evaluate(() =>
          document.documentElement.scrollWidth - innerWidth
        );
        assert.ok(wide <= 0, `${name} is ${wide} pixels too wide on a phone`);
      }
    });
  },
);
