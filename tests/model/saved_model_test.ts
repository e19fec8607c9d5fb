// Saved models and states: exact, complete or absent, with clear errors.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { loadState, saveState } from "mien/training/run/state_file.ts";
import { CheckpointError } from "mien/model/model_file.ts";
import {
  FileError,
  naming,
  partialName,
  removePartials,
  writeWhole,
} from "mien/write_whole.ts";
import { inFolder } from "../helpers/in_folder.ts";

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
  error instanceof CheckpointError && error.file === file &&
  error.message.startsWith(`${file}: `) && reason.test(error.message);

Deno.test("a saved model is loaded with exactly the same weights", () =>
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

Deno.test("plain tf.loadLayersModel loads a saved model over HTTP, as in a browser", () =>
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

Deno.test("the error for a missing, broken or foreign model names file and reason", () =>
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
      is(weights, /10 bytes of weights instead of/),
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

Deno.test("a saved state is loaded bit for bit", () =>
  inFolder((folder) => {
    const file = path.join(folder, "state.bin");
    saveState(file, state);
    assert.deepEqual(loadState(file), state);
    assert.deepEqual(fs.readdirSync(folder), ["state.bin"]);
  }));

Deno.test("a state with any byte changed or missing is rejected", () =>
  inFolder((folder) => {
    const file = path.join(folder, "state.bin");
    saveState(file, state);
    const whole = Uint8Array.from(fs.readFileSync(file));
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice();
      changed[at] ^= 1 << (at % 8);
      fs.writeFileSync(file, changed);
      assert.throws(() => loadState(file), is(file, /not a state|damaged/));
    }
    for (let length = 0; length < whole.length; length++) {
      fs.writeFileSync(file, whole.subarray(0, length));
      assert.throws(() => loadState(file), is(file, /not a state|damaged/));
    }
  }));

Deno.test("a state of the first format version can still be read", () =>
  inFolder((folder) => {
    const file = path.join(folder, "state.bin");
    const body = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    const head = {
      mark: "mien-state-1",
      arrays: [{ name: "a", length: 1 }, { name: "b", length: 2 }],
      sha256: createHash("sha256").update(body).digest("hex"),
      notes: { epoch: 1 },
    };
    const write = (first: unknown) =>
      fs.writeFileSync(
        file,
        new Uint8Array([
          ...new TextEncoder().encode(JSON.stringify(first) + "\n"),
          ...body,
        ]),
      );
    write(head);
    const { notes, arrays } = loadState(file);
    assert.deepEqual(notes, { epoch: 1 });
    assert.deepEqual(arrays, {
      a: Float32Array.of(1),
      b: Float32Array.of(2, 3),
    });
    const wrong = [
      { ...head, arrays: [{ name: "a", length: 4 }] },
      { ...head, arrays: 5 },
      { ...head, arrays: [null] },
      { ...head, notes: null },
      { ...head, sha256: "0" },
      null,
    ];
    for (const first of wrong) {
      write(first);
      assert.throws(() => loadState(file), is(file, /not a state|damaged/));
    }
  }));

Deno.test("replacing a model leaves other files in its folder alone", () =>
  inFolder(async (folder) => {
    const place = path.join(folder, "model");
    for (const beside of ["model.old", "model.partial", "model"]) {
      fs.mkdirSync(path.join(folder, beside));
      fs.writeFileSync(path.join(folder, beside, "mine.txt"), beside);
    }
    const [first, second] = [tinyModel(), tinyModel()];
    await saveModel(first, place);
    await saveModel(second, place);
    const loaded = await loadModel(place);
    assert.deepEqual(
      loaded.getWeights().map((weight) => weight.dataSync()),
      second.getWeights().map((weight) => weight.dataSync()),
    );
    for (const beside of ["model.old", "model.partial", "model"]) {
      const mine = path.join(folder, beside, "mine.txt");
      assert.equal(fs.readFileSync(mine, "utf8"), beside);
    }
    assert.equal(fs.readdirSync(folder).length, 3);
  }));

Deno.test({
  name: "the error for a full disk says so",
  ignore: !fs.existsSync("/dev/full"),
  fn: () =>
    assert.throws(
      () => naming("a.bin", () => fs.writeFileSync("/dev/full", "x")),
      /^FileError: a\.bin: the disk is full; free some space/,
    ),
});

Deno.test("a model that cannot be saved leaves the old one in place", () =>
  inFolder(async (folder) => {
    const plain = path.join(folder, "plain");
    fs.writeFileSync(plain, "mine");
    const model = path.join(plain, "model");
    await assert.rejects(
      saveModel(tinyModel(), model),
      is(model, /a file is where a folder is needed/),
    );
    assert.equal(fs.readFileSync(plain, "utf8"), "mine");
  }));

Deno.test("a link in place of the temporary file is not followed", () =>
  inFolder((folder) => {
    const file = path.join(folder, "a.txt"), mine = path.join(folder, "mine");
    fs.writeFileSync(mine, "mine");
    fs.symlinkSync(mine, partialName(file));
    writeWhole(file, "new");
    assert.equal(fs.readFileSync(mine, "utf8"), "mine");
    assert.equal(fs.readFileSync(file, "utf8"), "new");
    assert.ok(!fs.lstatSync(file).isSymbolicLink());
  }));

Deno.test("only what a killed process left of its writing is removed", () =>
  inFolder((folder) => {
    const names = [
      "a.csv",
      "a.csv.17.partial",
      "a.csv.partial",
      "b.17.partial",
    ];
    for (const name of names) fs.writeFileSync(path.join(folder, name), "");
    removePartials(path.join(folder, "a.csv"));
    assert.deepEqual(
      fs.readdirSync(folder).sort(),
      names.filter((name) => name !== "a.csv.17.partial"),
    );
  }));

Deno.test("a write that fails leaves no partial file", () =>
  inFolder((folder) => {
    const file = path.join(folder, "no", "such", "folder.txt");
    assert.throws(() => writeWhole(file, "x"), /txt: does not exist$/);
    fs.mkdirSync(path.join(folder, "taken", "inside"), { recursive: true });
    const taken = path.join(folder, "taken");
    assert.throws(() => writeWhole(taken, "x"), FileError);
    assert.deepEqual(fs.readdirSync(folder), ["taken"]);
  }));
