// The explorer's camera room in headless Chromium, with a fake camera fed from a clip: faces are boxed
// and labeled, fast enough; what has gone is never shown as if it were there.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { drawScene } from "mien/drawn/scene.ts";
import { encodePng } from "mien/image/image.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { program } from "../helpers/chromium.ts";
import {
  BROWSER_TEST,
  moveSlider,
  processorTime,
  withExplorer,
} from "../helpers/explorer_page.ts";
import { shared } from "../helpers/shared.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { buildUntrained } from "../helpers/untrained.ts";
import { saveModel } from "mien/model/saved_model.ts";

const real = program ? shared("videos/woman2.mp4") : null;

/** A clip for the fake camera: a real one where there is one, else drawn. */
async function makeClip(folder: string): Promise<string> {
  const clip = join(folder, real ? "clip.mjpeg" : "clip.y4m");
  if (real) {
    const { success } = await new Deno.Command("ffmpeg", {
      args: ["-v", "error", "-i", real, "-t", "8", "-q:v", "3", clip],
    }).output();
    assert(success, "ffmpeg makes the clip");
    return clip;
  }
  const [width, height] = [640, 360];
  const head = `YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420jpeg\n`;
  const file = await Deno.open(clip, { write: true, create: true });
  const writer = file.writable.getWriter();
  await writer.write(new TextEncoder().encode(head));
  const { image } = drawScene({ width, height, faces: 1, seed: 3 });
  for (let i = 0; i < 10; i++) {
    const frame = new Uint8Array(6 + width * height * 3 / 2).fill(128);
    frame.set(new TextEncoder().encode("FRAME\n"));
    frame.set(image.data, 6);
    await writer.write(frame);
  }
  await writer.close();
  return clip;
}

/** Opens the camera room with a network whose answers are bold. */
function withCamera(
  options: { browser?: string[]; before?: string },
  use: (page: Page) => Promise<void>,
): Promise<void> {
  return inFolder(async (model) => {
    await saveModel(buildUntrained(), model);
    await withExplorer({ hash: "camera", site: { model }, ...options }, use);
  });
}

/** A camera that the page makes itself: a canvas on which one face is drawn, for some time. */
function cameraOf(seconds: number, wait: number): string {
  const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 4 });
  const gray = Buffer.from(image.data).toString("base64");
  return `
    globalThis.given = [];
    navigator.mediaDevices.getUserMedia = async () => {
      await new Promise((done) => setTimeout(done, ${wait}));
      const gray = Uint8Array.from(atob("${gray}"), (c) => c.charCodeAt(0));
      const canvas = document.createElement("canvas");
      canvas.width = 320; canvas.height = 240;
      const context = canvas.getContext("2d");
      const image = context.createImageData(320, 240);
      gray.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
      let frames = 0;
      const timer = setInterval(() => {
        context.putImageData(image, 0, 0);
        if (++frames > ${seconds * 20}) clearInterval(timer);
      }, 50);
      const stream = canvas.captureStream();
      given.push(stream);
      return stream;
    };`;
}

async function choosePicture(page: Page, seed = 4) {
  const { image } = drawScene({ width: 480, height: 360, faces: 1, seed });
  await page.setInputFiles("#file", {
    name: "drawn.png",
    mimeType: "image/png",
    buffer: Buffer.from(encodePng(image)) as never,
  });
}

/** Nothing of before is on the screen. */
async function assertCleared(page: Page) {
  assert.equal(await page.locator("#faces").innerText(), "");
  assert.equal(await page.locator("#rate").innerText(), "");
  assert.ok(await page.locator("#picture").isHidden());
}

const trouble = (page: Page, words: RegExp) =>
  page.locator("#status.trouble").filter({ hasText: words }).waitFor();

Deno.test(
  "the face in the camera is boxed, labeled and smoothed, at a cost that allows 15 frames a second",
  BROWSER_TEST,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const clip = await makeClip(folder);
      const browser = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        `--use-file-for-fake-video-capture=${clip}`,
      ];
      await withCamera({ browser }, async (page) => {
        const label = page.locator("#faces");
        await label.filter({ hasText: /^#\d+ [a-z]+ \d+ %/ }).waitFor();
        // The box: pixels of an emotion's color in a picture that has none.
        const colored = await page.evaluate(() => {
          const canvas = document.querySelector("canvas")!;
          const { data } = canvas.getContext("2d")!
            .getImageData(0, 0, canvas.width, canvas.height);
          const colors = [
            [213, 94, 0],
            [0, 158, 115],
            [204, 121, 167],
            [240, 228, 66],
            [0, 114, 178],
            [230, 159, 0],
            [86, 180, 233],
          ];
          return Math.max(...colors.map(([r, g, b]) => {
            let count = 0;
            for (let i = 0; i < data.length; i += 4) {
              if (
                data[i] === r && data[i + 1] === g && data[i + 2] === b
              ) count++;
            }
            return count;
          }));
        });
        assert(colored > 500, `${colored} pixels of the box's color`);
        const used = await processorTime(page);
        const words = new Set<string>();
        const before = await used(), began = performance.now();
        for (let i = 0; i < 60 && (real ? words.size <= 3 : i < 10); i++) {
          words.add(await label.innerText());
          await page.waitForTimeout(200);
        }
        const rate = Number(
          await page.locator("#rate[data-rate]").getAttribute("data-rate"),
        );
        const frames = rate * (performance.now() - began) / 1000;
        if (real) assert(words.size > 3, "labels change");
        const cost = (await used() - before) / frames;
        console.log(
          `camera: ${rate} frames per second, ${(1000 * cost).toFixed(1)} ms ` +
            "of processor time each",
        );
        assert(cost < 1 / 15, `${1000 * cost} ms a frame`);
        const smoothing = page.locator("#smoothing");
        await smoothing.filter({ hasText: "Half of a change" }).waitFor();
        await moveSlider(page, "time constant", 1);
        // Half of a step is through after ln 2 time constants.
        await smoothing.filter({ hasText: "after 0.69 s" }).waitFor();
        await moveSlider(page, "time constant", 0);
        await smoothing.filter({ hasText: "no delay" }).waitFor();
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "without permission, the page says so and accepts a picture instead",
  BROWSER_TEST,
  async () => {
    await withCamera({}, async (page) => {
      await trouble(page, /denied|No camera/);
      await assertCleared(page);
      await choosePicture(page);
      await page.locator("#faces").filter({ hasText: /^#1 [a-z]+ \d+ %/ })
        .waitFor();
      await page.locator("#status").waitFor({ state: "hidden" });
      await page.setInputFiles("#file", {
        name: "notes.txt",
        mimeType: "text/plain",
        buffer: Buffer.from("hello") as never,
      });
      await trouble(page, /notes.txt cannot be shown/);
      await assertCleared(page);
    });
  },
);

Deno.test(
  "without a camera, and without SIMD, the page says so",
  BROWSER_TEST,
  async () => {
    const before = "navigator.mediaDevices.getUserMedia = () => " +
      "Promise.reject(new DOMException('none', 'NotFoundError'))";
    await withCamera({ before }, async (page) => {
      await trouble(page, /No camera was found/);
      assert(await page.locator("#file").isEnabled());
    });
    const noSimd = "WebAssembly.validate = () => false";
    await withCamera(
      { before: noSimd },
      (page) => trouble(page, /not support WebAssembly SIMD/),
    );
  },
);

Deno.test(
  "the last picture disappears when a camera is unplugged or sends no new one",
  BROWSER_TEST,
  async () => {
    await withCamera({ before: cameraOf(60, 0) }, async (page) => {
      await page.locator("#faces[data-count]").waitFor();
      await page.evaluate(() => {
        const { given } = globalThis as unknown as { given: MediaStream[] };
        given[0].getVideoTracks()[0].dispatchEvent(new Event("ended"));
      });
      await trouble(page, /unplugged/);
      await assertCleared(page);
    });
    await withCamera({ before: cameraOf(1, 0) }, async (page) => {
      await trouble(page, /not sending new pictures/);
      await assertCleared(page);
    });
  },
);

Deno.test(
  "a picture chosen while the page waits for the camera stays, and the camera is released",
  BROWSER_TEST,
  async () => {
    await withCamera({ before: cameraOf(60, 2500) }, async (page) => {
      await page.locator("#status").filter({ hasText: "Please allow" })
        .waitFor();
      await choosePicture(page);
      const faces = page.locator("#faces").filter({ hasText: /^#1 / });
      await faces.waitFor();
      const words = await faces.innerText();
      await page.waitForFunction(() =>
        (globalThis as unknown as { given: MediaStream[] }).given.length === 1
      );
      await page.waitForTimeout(500);
      assert.equal(await faces.innerText(), words);
      assert.equal(await page.locator("#picture").getAttribute("width"), "480");
      const state = await page.evaluate(() =>
        (globalThis as unknown as { given: MediaStream[] }).given[0]
          .getTracks()[0].readyState
      );
      assert.equal(state, "ended");
    });
  },
);

/** How many pixels of the shown picture have the color of an unsure face's box. */
function countGray(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector("canvas")!;
    const { data } = canvas.getContext("2d")!
      .getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      count += +(data[i] === 190 && data[i + 1] === 190 && data[i + 2] === 190);
    }
    return count;
  });
}

Deno.test(
  "below the threshold, every room shows a face as unsure, and the user's threshold is kept",
  BROWSER_TEST,
  async () => {
    const { threshold } = await loadTrained();
    await withExplorer({ hash: "camera" }, async (page) => {
      await trouble(page, /denied|No camera/);
      const slider = page.getByLabel("unsure below", { exact: true });
      // The default model's own threshold comes first.
      assert.equal(Number(await slider.inputValue()), threshold);
      await choosePicture(page, 10);
      const faces = page.locator("#faces");
      await moveSlider(page, "unsure below", 0);
      await faces.filter({ hasText: /^#1 [a-z]+ \d+ %$/ }).waitFor();
      const before = await countGray(page);
      await moveSlider(page, "unsure below", 0.99);
      await faces.filter({ hasText: /^#1 unsure, perhaps [a-z]+ \d+ %$/ })
        .waitFor();
      const gray = await countGray(page) - before;
      assert.ok(gray > 500, `${gray} more pixels of the gray box and label`);
      for (const room of ["Playground", "Inside"]) {
        await page.getByRole("link", { name: room, exact: true }).click();
        await page.getByRole("heading", { level: 2, name: room }).waitFor();
        assert.equal(await slider.inputValue(), "0.99");
        const answer = page.locator(".answer[data-answer]");
        await answer.filter({ hasText: /unsure, perhaps/ }).waitFor();
        await moveSlider(page, "unsure below", 0);
        assert.doesNotMatch(await answer.innerText(), /unsure/);
        await moveSlider(page, "unsure below", 0.99);
      }
      await page.waitForURL(/#inside\?.*threshold=0\.99/);
    });
  },
);

/** One second of silence, as a WAV file. */
function makeSound(): Uint8Array {
  const bytes = new Uint8Array(44 + 8000).fill(128);
  const view = new DataView(bytes.buffer);
  const write = (at: number, text: string) =>
    bytes.set(new TextEncoder().encode(text), at);
  write(0, "RIFF");
  view.setUint32(4, 36 + 8000, true);
  write(8, "WAVEfmt ");
  [16, 1 | 1 << 16, 8000, 8000, 1 | 8 << 16].forEach((value, i) =>
    view.setUint32(16 + 4 * i, value, true)
  );
  write(36, "data");
  view.setUint32(40, 8000, true);
  return bytes;
}

Deno.test(
  "a clip without pictures is rejected, and a browser that adds noise to pixels gets no answers",
  BROWSER_TEST,
  async () => {
    await withCamera({}, async (page) => {
      await trouble(page, /denied|No camera/);
      await page.setInputFiles("#file", {
        name: "talk.wav",
        mimeType: "audio/wav",
        buffer: Buffer.from(makeSound()) as never,
      });
      await trouble(page, /talk.wav has no picture/);
      await assertCleared(page);
    });
    const noise = `
      const read = CanvasRenderingContext2D.prototype.getImageData;
      CanvasRenderingContext2D.prototype.getImageData = function (...given) {
        const image = read.apply(this, given);
        image.data.forEach((_, i, all) => all[i] = Math.random() * 256);
        return image;
      };`;
    await withCamera({ before: noise }, async (page) => {
      await trouble(page, /with noise/);
      await choosePicture(page);
      await trouble(page, /with noise/);
      await assertCleared(page);
    });
  },
);
