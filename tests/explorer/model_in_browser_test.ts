// The default model in a page that has nothing but tfjs as it is published: it
// loads by its address and answers what the fast network answers.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type * as tfjs from "@tensorflow/tfjs";
import { defaultModel } from "mien/recognition/recognize.ts";
import { loadModel } from "mien/model/saved_model.ts";
import { drawFaces } from "mien/drawn/faces.ts";
import { predictFaces } from "mien/evaluation/evaluate.ts";
import { selectSplit } from "mien/data/faces.ts";
import { inProject } from "mien/project.ts";
import { launchChromium, program } from "../helpers/chromium.ts";

/** Serves the page, the library and one folder. */
function serve(folder: string): Deno.HttpServer<Deno.NetAddr> {
  const library = inProject("node_modules/@tensorflow/tfjs/dist/tf.min.js");
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/") {
        const type = { "content-type": "text/html" };
        return new Response("<script src=/tf.js></script>", { headers: type });
      }
      const file = pathname === "/tf.js" ? library : join(folder, pathname);
      return existsSync(file)
        ? new Response(Uint8Array.from(readFileSync(file)))
        : new Response(null, { status: 404 });
    },
  );
}

Deno.test("the default model loads and answers in stock tfjs in a browser", {
  ignore: !program,
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  const drawn = drawFaces({ seed: 4, count: 140 });
  const faces = selectSplit(drawn, "PublicTest");
  const ours = await predictFaces(await loadModel(defaultModel()), faces);
  const server = serve(defaultModel());
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    const theirs = await page.evaluate(async (pixels: number[]) => {
      const { tf } = globalThis as unknown as { tf: typeof tfjs };
      await tf.setBackend("cpu"); // Headless, there may be no WebGL.
      const model = await tf.loadLayersModel("/model.json");
      const x = tf.tensor4d(pixels, [pixels.length / 2304, 48, 48, 1]);
      const answers = model.predict(x.div(127.5).sub(1)) as tfjs.Tensor;
      return [...await answers.data()];
    }, [...faces.pixels]);
    assert.equal(theirs.length, 7 * faces.length);
    // 32-bit sums in another order, through some twenty layers.
    theirs.forEach((p, i) => assert.ok(Math.abs(p - ours[i]) < 1e-4, `${i}`));
  } finally {
    await browser.close();
    await server.shutdown();
  }
});
