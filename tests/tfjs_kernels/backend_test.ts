// The wasm backend starts without output, from any folder, repeatedly, and in workers.

import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";

Deno.test("useWasmBackend makes the wasm backend current, however often it is called", async () => {
  await useWasmBackend();
  const backend = tf.backend();
  await tf.setBackend("cpu");
  await useWasmBackend();
  assert.equal(tf.getBackend(), "wasm");
  assert.equal(tf.backend(), backend);
});

Deno.test("the backend starts in a worker", async () => {
  const worker = new Worker(
    new URL("../helpers/backend_worker.ts", import.meta.url),
    {
      type: "module",
    },
  );
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
  worker.terminate();
  assert.deepEqual(answer, ["wasm", 9, 9, 9, 9]);
});

Deno.test("a convolutional network trains from another folder without printing anything", async () => {
  const code = `
    import * as tf from "@tensorflow/tfjs";
    import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
    await useWasmBackend();
    const model = tf.sequential({ layers: [
      tf.layers.conv2d({ inputShape: [6, 6, 1], filters: 2, kernelSize: 3 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 1 }),
    ] });
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    const { history } = await model.fit(tf.ones([4, 6, 6, 1]), tf.ones([4, 1]),
      { epochs: 2, verbose: 0 });
    console.log(history.loss.length);`;
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", config, code],
    cwd: tmpdir(),
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stderr), "");
  assert.equal(text.decode(stdout).trim(), "2");
});
