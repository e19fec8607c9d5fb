// Saved models and states: exact, whole or not at all, and clear about what is wrong.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { loadState, saveState } from "mien/training/state_file.ts";
import { FileError, writeWhole } from "mien/write_whole.ts";

/** Runs with a folder of its own, which is gone afterwards. */
async function inFolder(act: (folder: string) => unknown): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mien-"));
  try {
    await act(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const tinyModel = () =>
  tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 2, kernelSize: 3 }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 7, activation: "softmax" }),
    ],
  });

const is = (file: string, reason: RegExp) => (error: unknown) =>
  error instanceof FileError && error.file === file &&
  error.message.startsWith(`${file}: `) && reason.test(error.message);

Deno.test("a saved model comes back with every weight exact", () =>
  inFolder(async (folder) => {
    const model = tinyModel();
    const place = path.join(folder, "tiny.01-0.5000");
    await saveModel(model, place);
    assert.deepEqual(fs.readdirSync(folder), ["tiny.01-0.5000"]);
    assert.deepEqual(fs.readdirSync(place).sort(), [
      "model.json",
      "weights.bin",
    ]);
    for (const name of [place, path.join(place, "model.json")]) {
      const loaded = await loadModel(name);
      model.getWeights().forEach((weight, index) =>
        assert.deepEqual(
          loaded.getWeights()[index].dataSync(),
          weight.dataSync(),
        )
      );
    }
  }));

Deno.test("stock tf.loadLayersModel reads a saved model over HTTP, as a browser does", () =>
  inFolder(async (folder) => {
    const model = tinyModel();
    await saveModel(model, folder);
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) =>
        new Response(
          Uint8Array.from(
            fs.readFileSync(path.join(folder, new URL(request.url).pathname)),
          ),
        ),
    );
    try {
      const url = `http://127.0.0.1:${server.addr.port}/model.json`;
      const loaded = await tf.loadLayersModel(url);
      const faces = tf.randomNormal([3, 6, 6, 1], 0, 1, "float32", 7);
      const [ours, theirs] = [model, loaded].map((each) =>
        (each.predict(faces) as tf.Tensor).dataSync()
      );
      assert.deepEqual(theirs, ours);
    } finally {
      await server.shutdown();
    }
  }));

Deno.test("a missing, broken or foreign model is named with its reason", () =>
  inFolder(async (folder) => {
    const file = path.join(folder, "model.json");
    await assert.rejects(loadModel(folder), is(file, /does not exist/));
    fs.writeFileSync(file, "{");
    await assert.rejects(loadModel(folder), is(file, /is not JSON/));
    fs.writeFileSync(file, "{}");
    await assert.rejects(loadModel(folder), is(file, /not a LayersModel/));
    fs.rmSync(file);
    await saveModel(tinyModel(), path.join(folder, "m"));
    const weights = path.join(folder, "m", "weights.bin");
    fs.truncateSync(weights, 10);
    await assert.rejects(
      loadModel(path.join(folder, "m")),
      is(path.join(folder, "m", "model.json"), /cannot be made into a model/),
    );
    fs.rmSync(weights);
    await assert.rejects(
      loadModel(path.join(folder, "m")),
      is(weights, /does not exist/),
    );
  }));

const state = {
  notes: { epoch: 3, best: null, history: [{ loss: 0.1 }] },
  arrays: {
    first: Float32Array.of(1, -0, Math.PI, 1e-40),
    empty: new Float32Array(),
    second: Float32Array.of(Infinity),
  },
};

Deno.test("a state comes back bit for bit", () =>
  inFolder((folder) => {
    const file = path.join(folder, "state.bin");
    saveState(file, state);
    assert.deepEqual(loadState(file), state);
    assert.deepEqual(fs.readdirSync(folder), ["state.bin"]);
  }));

Deno.test("a damaged state is refused, wherever the damage is", () =>
  inFolder((folder) => {
    const file = path.join(folder, "state.bin");
    saveState(file, state);
    const whole = Uint8Array.from(fs.readFileSync(file));
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at] ^= 1 << at % 8;
      fs.writeFileSync(file, damaged);
      assert.throws(
        () => loadState(file),
        is(file, /is damaged|is not the state/),
      );
    }
    for (let length = 0; length < whole.length; length += 7) {
      fs.writeFileSync(file, whole.subarray(0, length));
      assert.throws(
        () => loadState(file),
        is(file, /is damaged|is not the state/),
      );
    }
    fs.writeFileSync(file, '{"mark":"mien-state-1","arrays":[]}\n');
    assert.throws(() => loadState(file), is(file, /older version/));
  }));

Deno.test({
  name: "a full disk is said, and what was saved before stays",
  ignore: !fs.existsSync("/dev/full"),
  fn: () =>
    inFolder(async (folder) => {
      const file = path.join(folder, "state.bin");
      saveState(file, state);
      // Whatever is written to /dev/full ends with "no space left on device".
      const fill = () => fs.symlinkSync("/dev/full", `${file}.partial`);
      fill();
      assert.throws(
        () => saveState(file, { notes: {}, arrays: {} }),
        is(file, /disk is full/),
      );
      assert.deepEqual(loadState(file), state);
      fs.writeFileSync(path.join(folder, "plain"), "");
      const model = path.join(folder, "plain", "model");
      await assert.rejects(
        saveModel(tinyModel(), model),
        is(model, /a file is in the way/),
      );
    }),
});

Deno.test("writing leaves no part of a file behind when it fails", () =>
  inFolder((folder) => {
    const file = path.join(folder, "no", "such", "folder.txt");
    assert.throws(() => writeWhole(file, "x"), is(file, /does not exist/));
    fs.mkdirSync(path.join(folder, "taken", "inside"), { recursive: true });
    const taken = path.join(folder, "taken");
    assert.throws(() => writeWhole(taken, "x"), FileError);
    assert.deepEqual(fs.readdirSync(folder), ["taken"]);
  }));
