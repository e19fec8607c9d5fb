// The webcam page in headless Chromium, with a fake camera fed from a clip:
// faces are boxed and labelled, fast enough, without errors, and nothing
// leaves the page. Skipped, with a message, where there is no Chromium.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { drawScene } from "mien/drawn/scene.ts";
import { encodePng } from "mien/image/image.ts";
import { serveWebcam } from "mien/webcam/server.ts";
import { launchChromium, program } from "../helpers/chromium.ts";
import { shared } from "../helpers/shared.ts";
import { untrained } from "../helpers/untrained.ts";

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

/** Opens the page; gives it, its errors and its requests to a function. */
async function withPage(
  extra: string[],
  use: (page: Page, url: string, seen: string[]) => Promise<void>,
  before?: string,
) {
  const server = await serveWebcam({ trained: untrained() });
  let browser: Browser | undefined;
  try {
    browser = await launchChromium(extra);
    const page = await browser.newPage();
    const errors: string[] = [], seen: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (r) => seen.push(`${r.method()} ${r.url()}`));
    if (before) await page.addInitScript(before);
    await page.goto(server.url);
    await use(page, server.url, seen);
    assert.deepEqual(errors, []);
  } finally {
    await browser?.close();
    await server.close();
  }
}

const options = {
  ignore: !program,
  sanitizeOps: false,
  sanitizeResources: false,
};

Deno.test(
  "the camera's face is boxed and labelled, 15 times a second or more, and no frame leaves the page",
  options,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const clip = await makeClip(folder);
      const fake = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        `--use-file-for-fake-video-capture=${clip}`,
      ];
      await withPage(fake, async (page, url, seen) => {
        const label = page.locator("#faces");
        await label.filter({ hasText: /^#\d+ [a-z]+ \d+%/ }).waitFor();
        // The box: pixels of an emotion's colour in a picture that has none.
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
        assert(colored > 500, `${colored} pixels of the box's colour`);
        const words = new Set<string>();
        let fastest = 0;
        for (
          let i = 0;
          i < 60 && !((!real || words.size > 3) && fastest >= 15);
          i++
        ) {
          words.add(await label.innerText());
          const rate = await page.locator("#rate").getAttribute("data-rate");
          fastest = Math.max(fastest, Number(rate ?? 0));
          await page.waitForTimeout(200);
        }
        if (real) assert(words.size > 3, "labels change");
        assert(fastest >= 15, `${fastest} frames a second`);
        console.log(`webcam page: ${fastest} frames per second`);
        for (const request of seen) {
          assert(
            request.startsWith(`GET ${url}`) || request.startsWith("GET data:"),
            request,
          );
        }
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "without permission the page says so, and takes a file instead",
  options,
  async () => {
    await withPage([], async (page) => {
      await page.locator("#status.trouble").filter({
        hasText: /not allowed|no camera/,
      })
        .waitFor();
      const { image, boxes } = drawScene({
        width: 480,
        height: 360,
        faces: 1,
        seed: 4,
      });
      await page.setInputFiles("#file", {
        name: "drawn.png",
        mimeType: "image/png",
        buffer: Buffer.from(encodePng(image)) as never,
      });
      await page.locator("#faces").filter({ hasText: /^#1 [a-z]+ \d+%/ })
        .waitFor();
      assert.equal(boxes.length, 1);
      await page.locator("#status").waitFor({ state: "hidden" });
      await page.setInputFiles("#file", {
        name: "notes.txt",
        mimeType: "text/plain",
        buffer: Buffer.from("hello") as never,
      });
      await page.locator("#status").filter({
        hasText: /notes.txt cannot be shown/,
      })
        .waitFor();
    });
  },
);

Deno.test(
  "without a camera, and without SIMD, the page says so",
  options,
  async () => {
    const noCamera = "navigator.mediaDevices.getUserMedia = () => " +
      "Promise.reject(new DOMException('none', 'NotFoundError'))";
    await withPage([], async (page) => {
      await page.locator("#status").filter({ hasText: "There is no camera" })
        .waitFor();
      assert(await page.locator("#file").isEnabled());
    }, noCamera);
    await withPage([], async (page) => {
      await page.locator("#status").filter({ hasText: "no WebAssembly SIMD" })
        .waitFor();
    }, "WebAssembly.validate = () => false");
  },
);

Deno.test("the server gives out the page's files and nothing else", async () => {
  const server = await serveWebcam({ trained: untrained() });
  try {
    const ask = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(new URL(path, server.url), init);
      await response.body?.cancel();
      return response;
    };
    const page = await ask("/");
    assert.equal(page.status, 200);
    const policy = page.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /connect-src 'self'/);
    assert.equal((await ask("/wasm/haar.wasm")).status, 200);
    for (const path of ["/deno.json", "/wasm/../webcam/server.ts", "/x"]) {
      assert.equal((await ask(path)).status, 404, path);
    }
    assert.equal((await ask("/", { method: "POST", body: "x" })).status, 405);
    assert.equal(new URL(server.url).hostname, "127.0.0.1");
  } finally {
    await server.close();
  }
});
