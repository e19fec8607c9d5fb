// What the explorer's server gives out and refuses, and the folder that is written for other servers.
import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { drawFaces } from "mien/drawn/faces.ts";
import { readNetwork } from "mien/explorer/models.ts";
import { serveExplorer } from "mien/explorer/server.ts";
import { ExplorerError, Site, writeSite } from "mien/explorer/site.ts";
import { launchChromium, PATIENCE } from "../helpers/chromium.ts";
import {
  assertClose,
  BROWSER_TEST,
  processorTime,
  shownProbabilities,
  withExplorer,
} from "../helpers/explorer_page.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { declareMeaning } from "mien/model/emotions_of_model.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { defaultModel, loadRecognizer } from "mien/recognition/recognize.ts";
import { buildEveryLayer } from "../helpers/every_layer.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** Sends text as it is; gives what comes back until the other side closes. */
function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = "";
    socket.on("data", (bytes) => answer += bytes);
    socket.on("close", () => done(answer));
    socket.on("error", failed);
  });
}

Deno.test(
  "the server serves the page's files and nothing else",
  OPTIONS,
  async () => {
    const server = await serveExplorer();
    const [{ id }] = new Site().models();
    try {
      const ask = async (path: string, init: RequestInit = {}) => {
        const response = await fetch(new URL(path, server.url), init);
        const bytes = new Uint8Array(await response.arrayBuffer());
        return { status: response.status, headers: response.headers, bytes };
      };
      const page = await ask("/");
      assert.equal(page.status, 200);
      const policy = page.headers.get("content-security-policy")!;
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /connect-src 'self'/);
      assert.doesNotMatch(policy, /unsafe-inline/);
      for (
        const path of [
          "/page.js",
          "/style.css",
          "/wasm/haar.wasm",
          "/wasm/kernels.wasm",
          "/models.json",
          `/models/${id}/network.json`,
          "/drawn.bin",
          `/models/${id}/parameters.bin`,
          "/faces.json",
        ]
      ) {
        const { status, bytes, headers } = await ask(path);
        assert.equal(status, 200, path);
        const head = await ask(path, { method: "HEAD" });
        assert.equal(head.status, 200);
        assert.equal(head.bytes.length, 0);
        for (const name of ["content-length", "content-type"]) {
          assert.equal(head.headers.get(name), headers.get(name), path);
        }
        assert.equal(headers.get("content-length"), String(bytes.length));
      }
      for (
        const path of [
          "/deno.json",
          "/wasm/../explorer/server.ts",
          "/x",
          "/models/x/network.json",
          "/models/..%2f..%2fdeno.json",
          `/models/${id}/../../network.json`,
        ]
      ) {
        assert.equal((await ask(path)).status, 404, path);
      }
      assert.equal((await ask("/", { method: "POST", body: "x" })).status, 405);
      assert.equal(new URL(server.url).hostname, "127.0.0.1");
    } finally {
      await server.close();
    }
  },
);

Deno.test(
  "a malformed host gets a 400, another name a 403, and an unfinished request is closed",
  OPTIONS,
  async () => {
    const server = await serveExplorer({ patience: 700 });
    try {
      for (const host of ["[::bad", "a b", "x/y", "a@b", ""]) {
        const answer = await sendRaw(
          server.url,
          `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        );
        assert.match(answer, /^HTTP\/1.1 400 /, host);
      }
      const other =
        "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
      assert.match(await sendRaw(server.url, other), /^HTTP\/1.1 403 /);
      for (
        const half of ["GET / HT", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"]
      ) {
        const began = performance.now();
        await sendRaw(server.url, half);
        assert.ok(performance.now() - began < 10_000);
      }
      assert.equal((await fetch(server.url)).status, 200);
      await assert.rejects(
        serveExplorer({ port: Number(new URL(server.url).port) }),
        ExplorerError,
      );
    } finally {
      await server.close();
    }
  },
);

Deno.test(
  "the first faces are those of the drawn data set, and a network is the saved model",
  OPTIONS,
  async () => {
    const site = new Site();
    const { content } = (await site.read("drawn.bin"))!;
    const { labels, pixels } = drawFaces({ count: 70, seed: 2013 });
    assert.deepEqual(content, Uint8Array.from([...labels, ...pixels]));
    const [first] = site.models();
    const network = await readNetwork(first.folder);
    const { content: bytes } =
      (await site.read(`models/${first.id}/parameters.bin`))!;
    assert.deepEqual(new Float32Array(bytes.buffer), network.parameters);
    assert.equal(network.names.length, network.graph.outputSize);
  },
);

Deno.test(
  "a network of all compiled layers is shown; another is rejected with the layer's name and a way out",
  OPTIONS,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await saveModel(buildEveryLayer(), folder);
      const { graph } = await readNetwork(folder);
      assert.deepEqual(JSON.parse(JSON.stringify(graph)), graph);
      const other = tf.sequential({
        layers: [
          tf.layers.upSampling2d({ inputShape: [48, 48, 1], name: "enlarge" }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 2, activation: "softmax" }),
        ],
      });
      await saveModel(other, join(folder, "other"));
      await assert.rejects(readNetwork(join(folder, "other")), {
        name: "NetworkError",
        message:
          /layer enlarge \(UpSampling2D\).* the explorer shows networks of .*LeakyReLU.*deno task evaluate, classify or video/,
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "a model of another scale answers in the page as it does in lib",
  BROWSER_TEST,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const model = await loadModel(defaultModel());
      declareMeaning(model, { emotions: EMOTIONS.join(), scale: "0..1" });
      await saveModel(model, folder);
      const { pixels } = drawFaces({ count: 70, seed: 2013 });
      const face = pixels.subarray(0, FACE_PIXELS);
      const [expected] = (await loadRecognizer(folder)).classify([face]);
      const options = { hash: "inside?face=drawn-0", site: { model: folder } };
      await withExplorer(options, async (page) => {
        assertClose(await shownProbabilities(page), expected, 1e-4);
      });
      const [usual] = (await loadRecognizer()).classify([face]);
      assert.throws(() => assertClose(usual, expected, 0.01));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "the exported page is small, complete, contains no user data, and overwrites nothing else",
  OPTIONS,
  async () => {
    const folder = await Deno.makeTempDir();
    const before = Deno.env.get("FER2013");
    Deno.env.set("FER2013", join(folder, "mine.csv"));
    try {
      const out = join(folder, "out");
      const bytes = await writeSite(out);
      // What the issue of size asks for: all of it under 1.5 MB.
      assert.ok(bytes < 1.5e6, `${bytes} bytes`);
      const files = readdirSync(out, { recursive: true, encoding: "utf8" })
        .filter((name) => statSync(join(out, name)).isFile());
      const sum = files.reduce(
        (all, name) => all + statSync(join(out, name)).size,
        0,
      );
      assert.equal(sum, bytes);
      assert.equal(await Deno.readTextFile(join(out, "faces.json")), "[]");
      for (
        const { id } of JSON.parse(
          await Deno.readTextFile(join(out, "models.json")),
        )
      ) {
        for (
          const part of ["network.json", "parameters.bin", "topology.json"]
        ) {
          assert.ok(existsSync(join(out, "models", id, part)), `${id} ${part}`);
        }
      }
      await writeSite(out); // Its own folder is written again.
      await Deno.writeTextFile(join(folder, "letter.txt"), "mine");
      await assert.rejects(writeSite(folder), /is not empty/);
    } finally {
      if (before === undefined) Deno.env.delete("FER2013");
      else Deno.env.set("FER2013", before);
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "the exported page works in a folder of a plain web server, within 1.5 MB",
  BROWSER_TEST,
  async () => {
    const folder = await Deno.makeTempDir();
    await writeSite(join(folder, "pages", "explorer"));
    let bytes = 0;
    const types: Record<string, string> = {
      html: "text/html",
      js: "text/javascript",
      css: "text/css",
    };
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        const content = await Deno.readFile(join(folder, pathname)).catch(() =>
          null
        );
        bytes += content?.length ?? 0;
        const type = types[pathname.split(".").at(-1)!] ??
          "application/octet-stream";
        return new Response(content, {
          status: content ? 200 : 404,
          headers: { "content-type": type },
        });
      },
    );
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      const wrong: string[] = [];
      page.on("pageerror", (error) => wrong.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") wrong.push(message.text());
      });
      const used = await processorTime(page);
      await page.goto(
        `http://127.0.0.1:${server.addr.port}/pages/explorer/index.html`,
      );
      const shown = await shownProbabilities(page);
      const seconds = await used();
      console.log(
        `first picture: ${seconds.toFixed(2)} s of processor time, ` +
          `${(bytes / 1e6).toFixed(2)} MB`,
      );
      // It is under half a second on a machine with nothing else to do; where caches are shared with
      // other work, even processor time grows several times.
      assert.ok(seconds < 3, `${seconds} s`);
      const face = drawFaces({ count: 70, seed: 2013 }).pixels.subarray(
        0,
        FACE_PIXELS,
      );
      const [expected] = (await loadRecognizer()).classify([face]);
      assertClose(shown, expected, 1e-4);
      await page.getByRole("link", { name: "Time machine" }).click();
      await page.getByText("After epoch 1:").waitFor();
      assert.ok(bytes < 1.5e6);
      assert.deepEqual(wrong, []);
    } finally {
      await browser.close();
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
