// Broken, foreign and hostile models: each is rejected in one line that names the file and what is
// wrong, before TensorFlow.js could wait forever or accept it.
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { CheckpointError } from "mien/model/model_file.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";

/** The sum of two convolutions: a network whose layers are connected by name. */
function buildBranches(): tf.LayersModel {
  const input = tf.input({ shape: [6, 6, 1], name: "faces" });
  const conv = (name: string) =>
    tf.layers.conv2d({ filters: 2, kernelSize: 3, name })
      .apply(input) as tf.SymbolicTensor;
  const sum = tf.layers.add({ name: "sum" }).apply([conv("a"), conv("b")]);
  const norm = tf.layers.batchNormalization({ name: "norm" }).apply(sum);
  const flat = tf.layers.flatten({ name: "flat" }).apply(norm);
  const end = tf.layers.dense({ units: 7, activation: "softmax", name: "end" })
    .apply(flat) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: end, name: "branches" });
}

// deno-lint-ignore no-explicit-any
type Any = any;

/** Saves a network, changes its description, and loads it. */
async function loadChanged(
  change: (json: Any, layers: Record<string, Any>, folder: string) => unknown,
  model = buildBranches(),
): Promise<tf.LayersModel> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mien-broken-"));
  try {
    await saveModel(model, folder);
    const file = path.join(folder, "model.json");
    const json = JSON.parse(fs.readFileSync(file, "utf8"));
    const list = json.modelTopology.config.layers as Any[];
    const layers = Object.fromEntries(
      list.map((one) => [one.config.name, one]),
    );
    const other = change(json, layers, folder) ?? json;
    fs.writeFileSync(
      file,
      typeof other === "string" ? other : JSON.stringify(other),
    );
    return await loadModel(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function refuses(
  reason: RegExp,
  change: Parameters<typeof loadChanged>[0],
): Promise<void> {
  await assert.rejects(loadChanged(change), (error) => {
    assert.ok(error instanceof CheckpointError, `${error}`);
    assert.match(error.message, /mien-broken-.*(model\.json|weights\.bin): /);
    assert.match(error.reason, reason);
    assert.ok(error.message.length < 600 && !error.message.includes("\n"));
    return true;
  });
}

Deno.test("connections that can never be made are rejected, not waited for", async () => {
  await refuses(
    /norm takes the output of som, but there is no layer/,
    (_, l) => {
      l.norm.inbound_nodes[0][0][0] = "som";
    },
  );
  await refuses(/norm takes output 3 of sum, which has none/, (_, l) => {
    l.norm.inbound_nodes[0][0][1] = 3;
  });
  await refuses(/layer sum needs its own output/, (_, l) => {
    l.sum.inbound_nodes[0][0][0] = "norm";
  });
  await refuses(/output_layers takes the output of nobody/, (json) => {
    json.modelTopology.config.output_layers[0][0] = "nobody";
  });
  await refuses(/two layers are named a/, (_, l) => {
    l.b.name = l.b.config.name = "a";
  });
  await refuses(/inbound_nodes \(sum\) contains/, (_, l) => {
    l.sum.inbound_nodes = [[5]];
  });
  await refuses(/input_layers is \[\]/, (json) => {
    json.modelTopology.config.input_layers = [];
  });
});

Deno.test("the error for a wrong description names the field", async () => {
  for (const other of ["5", "[]", "null", '"x"']) {
    await refuses(/not a LayersModel: it is/, () => other);
  }
  await refuses(/not a LayersModel: it lacks/, () => ({ modelTopology: 5 }));
  await refuses(/has no layers/, (json) => {
    json.modelTopology.config.layers = [];
  });
  for (const nonsense of [5, [], null]) {
    await refuses(/config.layers\[1\] is/, (json) => {
      json.modelTopology.config.layers[1] = nonsense;
    });
    await refuses(/config.layers is/, (json) => {
      json.modelTopology.config = { layers: { nonsense } };
    });
  }
  await refuses(/class_name is "Forest", not Model/, (json) => {
    json.modelTopology.class_name = "Forest";
  });
  await refuses(
    /\(a\) has the class "Magic", which TensorFlow\.js/,
    (_, l) => {
      l.a.class_name = "Magic";
    },
  );
  await refuses(/units \(end\) is 1000000000/, (_, l) => {
    l.end.config.units = 1e9;
  });
  await refuses(/\(end\) has 9 units, but its weights are for 7/, (_, l) => {
    l.end.config.units = 9;
  });
  await refuses(/is a graph model.*tfjs_layers_model/, () => ({
    format: "graph-model",
    modelTopology: { node: [{ name: "x".repeat(20000) }] },
    weightsManifest: [],
  }));
});

Deno.test("the error for a broken manifest or wrong number of bytes names the place", async () => {
  await refuses(/paths\[0\] is .*must be in the model's folder/, (json) => {
    json.weightsManifest[0].paths = ["../weights.bin"];
  });
  for (
    const out of ["/etc/passwd", "C:\\x", "a/../../x", "http://x/y", 5, ""]
  ) {
    await refuses(/must be in the model's folder/, (json) => {
      json.weightsManifest[0].paths = [out];
    });
  }
  await refuses(/bytes of weights instead of/, (_, __, folder) => {
    fs.appendFileSync(path.join(folder, "weights.bin"), "more");
  });
  await refuses(/does not exist/, (_, __, folder) => {
    fs.rmSync(path.join(folder, "weights.bin"));
  });
  await refuses(/weightsManifest\[0\] must have/, (json) => {
    json.weightsManifest = [null];
  });
  await refuses(/weights\[0\] \(a\/kernel\): shape is/, (json) => {
    json.weightsManifest[0].weights[0].shape = [-1, 1e300];
  });
  await refuses(/dtype is "string"/, (json) => {
    json.weightsManifest[0].weights[0].dtype = "string";
  });
});

Deno.test("a model whose weights are not numbers is rejected", async () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    await refuses(/the weight a\/kernel has (NaN|-?Infinity) at index 0/, (
      _,
      __,
      folder,
    ) => {
      const file = path.join(folder, "weights.bin");
      const bytes = Uint8Array.from(fs.readFileSync(file));
      new DataView(bytes.buffer).setFloat32(0, value, true);
      fs.writeFileSync(file, bytes);
    });
  }
});

Deno.test({
  name: "a device in place of the weights is not read",
  ignore: !fs.existsSync("/dev/zero"),
  fn: () =>
    refuses(/not a regular file/, (_, __, folder) => {
      const file = path.join(folder, "weights.bin");
      fs.rmSync(file);
      fs.symlinkSync("/dev/zero", file);
    }),
});

/** A description as Keras 3 writes it. */
function toKeras3(json: Any): Any {
  const { modelTopology } = json;
  for (const layer of modelTopology.config.layers) {
    layer.module = "keras.layers";
    const { batch_input_shape: shape, ...config } = layer.config;
    layer.config = { ...config };
    if (shape) layer.config.batch_shape = shape;
    layer.config.dtype = {
      class_name: "DTypePolicy",
      config: { name: "float32" },
    };
    layer.inbound_nodes = layer.inbound_nodes?.map((node: Any[]) => {
      const tensors = node.map(([name, at, tensor]) => ({
        class_name: "__keras_tensor__",
        config: { shape: [null], keras_history: [name, at, tensor] },
      }));
      return { args: tensors.length > 1 ? [tensors] : tensors, kwargs: {} };
    });
  }
  modelTopology.class_name = "Functional";
  modelTopology.config.input_layers = ["faces", 0, 0];
  return {
    ...json,
    modelTopology: { keras_version: "3.5", model_config: modelTopology },
  };
}

Deno.test("a model saved by Keras 3 gives the same answers as its Keras 2 form", async () => {
  const model = buildBranches();
  const read = await loadChanged(toKeras3, model);
  const faces = tf.randomUniform([4, 6, 6, 1], -1, 1, "float32", 5);
  const [ours, theirs] = [model, read].map((one) =>
    (one.predict(faces) as tf.Tensor).dataSync()
  );
  assert.deepEqual(theirs, ours);
});
