// Teaching the last layer in the page: it learns, is saved, and is the same network again, in the page
// and for every task.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync, zipSync } from "fflate";
import { drawFaces } from "mien/drawn/faces.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { readNetwork } from "mien/explorer/models.ts";
import { openModel } from "mien/explorer/own_model.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { encodePng, writePng } from "mien/image/image.ts";
import { scalePixels } from "mien/network/input.ts";
import { Network } from "mien/network/network.ts";
import { cropFace } from "mien/recognition/crop.ts";
import { recognize } from "mien/recognition/recognize.ts";
import { Recognizer } from "mien/recognition/recognizer.ts";
import type { TrainedNetwork } from "mien/network/trained.ts";
import {
  assertClose,
  BROWSER_TEST,
  shownProbabilities,
  withExplorer,
} from "../helpers/explorer_page.ts";
import { runTask } from "../helpers/run_task.ts";

async function answer(trained: TrainedNetwork, face: Uint8Array) {
  const options = { batch: 1, training: false };
  const network = await Network.create(trained.graph, options);
  network.parameters.set(trained.parameters);
  network.statistics.set(trained.statistics);
  scalePixels(face, network.input);
  network.predict(1);
  return network.outputs.slice();
}

/** A face's picture: 48 x 48, too small for the detector, so it is taken whole. */
function pictures(emotion: string, count: number) {
  const { pixels, labels } = drawFaces({ count: 140, seed: 6 });
  const label = EMOTIONS.indexOf(emotion as typeof EMOTIONS[number]);
  const rows = [...labels.keys()].filter((i) => labels[i] === label);
  return rows.slice(0, count).map((row) => {
    const data = pixels.subarray(row * FACE_PIXELS, (row + 1) * FACE_PIXELS);
    const image = { width: 48, height: 48, data: Uint8Array.from(data) };
    const picture = {
      name: `${emotion}-${row}.png`,
      mimeType: "image/png",
      buffer: Buffer.from(encodePng(image)) as never,
    };
    return { image, picture };
  });
}

Deno.test(
  "two classes are learned from pictures, saved, and reopened by the page and by the library",
  BROWSER_TEST,
  async () => {
    const happy = pictures("happy", 8), surprise = pictures("surprise", 8);
    const folder = await Deno.makeTempDir();
    try {
      await withExplorer({ hash: "teach" }, async (page) => {
        const teach = page.getByRole("button", {
          name: "Teach it",
          exact: true,
        });
        await teach.waitFor();
        assert.ok(await teach.isDisabled());
        await page.getByLabel("name of class 1").fill("joy");
        await page.getByLabel("name of class 2").fill("oh");
        await page.keyboard.press("Tab");
        await page.locator("input[multiple]").nth(0)
          .setInputFiles(happy.map(({ picture }) => picture));
        await page.getByText("8 faces").waitFor();
        await page.locator("input[multiple]").nth(1)
          .setInputFiles(surprise.map(({ picture }) => picture));
        await page.getByText("8 faces").nth(1).waitFor();
        await teach.click();
        const words = page.locator("#teaching");
        await words.filter({ hasText: "Learned from 16 faces" }).waitFor();
        console.log(await words.innerText());
        const shown = await shownProbabilities(page);
        assert.ok(shown[0] > 0.9, `${shown}`);
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: "Save the model" }).click(),
        ]);
        const zip = new Uint8Array(readFileSync(await download.path()));
        const { image } = happy[0];
        const face = cropFace(image, { x: 0, y: 0, width: 48, height: 48 });
        const own = openModel(zip, "my_model.zip");
        assert.deepEqual(own.names, ["joy", "oh"]);
        assertClose(await answer(own.trained, face), shown, 1e-4);
        // Unpacked, TensorFlow.js reads it as any model.
        for (const [name, bytes] of Object.entries(unzipSync(zip))) {
          if (name.endsWith("/")) continue;
          const path = join(folder, name);
          await Deno.mkdir(join(path, ".."), { recursive: true });
          await Deno.writeFile(path, bytes);
        }
        const read = await readNetwork(join(folder, "my_model"));
        assert.deepEqual(read.names, ["joy", "oh"]);
        assertClose(await answer(read, face), shown, 1e-4);
        await classifyScene(folder, own.trained);
        await page.getByLabel("Open a model that you saved here").setInputFiles(
          {
            name: "mine.zip",
            mimeType: "application/zip",
            buffer: Buffer.from(zip) as never,
          },
        );
        await words.filter({ hasText: "mine.zip: joy, oh." }).waitFor();
        await page.getByLabel("Open a model that you saved here").setInputFiles(
          {
            name: "broken.zip",
            mimeType: "application/zip",
            buffer: Buffer.from("no zip") as never,
          },
        );
        await page.locator("#status.trouble")
          .filter({ hasText: "broken.zip is not a zip" }).waitFor();
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** The task, with the saved model, gives a scene's face the probabilities that the page's weights give it. */
async function classifyScene(
  folder: string,
  trained: TrainedNetwork,
): Promise<void> {
  const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 5 });
  await writePng(join(folder, "scene.png"), image);
  const args = ["scene.png", "--model", "my_model", "--json"];
  const { status, stdout, stderr } = runTask("classify", args, folder);
  assert.equal(status, 0, stderr);
  const [{ faces }] = JSON.parse(stdout);
  const recognizer = await Recognizer.create(trained);
  const [seen] = await recognize(join(folder, "scene.png"), recognizer);
  assert.deepEqual(Object.keys(faces[0].probabilities).sort(), ["joy", "oh"]);
  const { joy, oh } = faces[0].probabilities;
  assertClose([joy, oh], [...seen.probabilities], 2e-4);
}

Deno.test("a damaged saved model is rejected by name", () => {
  assert.throws(() => openModel(zipSync({}), "a.zip"), /a.zip was not saved/);
  const graph = {
    weights: [],
    nodes: [],
    outputSize: 2,
    parameters: 2,
    statistics: 0,
  };
  const files = {
    "my_model/network.json": new TextEncoder().encode(
      JSON.stringify({ graph, names: ["a", "b"] }),
    ),
    "my_model/weights.bin": new Uint8Array(4),
  };
  assert.throws(() => openModel(zipSync(files), "b.zip"), /b.zip has 4 bytes/);
  const damaged = { ...files, "my_model/network.json": new Uint8Array([1]) };
  assert.throws(() => openModel(zipSync(damaged), "c.zip"), /c.zip/);
});
