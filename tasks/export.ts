// deno task export: writes a trained network in a format that other programs read.
// The translation is in lib/model/onnx.ts.

import { existsSync } from "node:fs";
import { isForTfjs } from "mien/engine/engine.ts";
import { toOnnx } from "mien/model/onnx.ts";
import { NetworkError } from "mien/network/graph.ts";
import { defaultModel, loadTrained } from "mien/recognition/recognize.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask, UsageError, userPath } from "./command_line.ts";

const HELP = `Usage: deno task export --onnx FILE [options]

Writes a trained network as an ONNX file, which onnxruntime, OpenCV, PyTorch's
tools and others read, in Python, C++, JavaScript and more.

  --onnx FILE    the file to write, such as faces.onnx
  --model DIR    export this trained model (default: the default model)
  --emotions A,B the names of its classes, in its order, if it has none
  --scale 0..1   the values it expects for black and white, if not -1..1
  --overwrite    replace FILE if it exists
  --help         show this text

The network's "input" is float32 [batch, 1, 48, 48]: gray faces, black and white
scaled as the metadata's "scale" says (-1 and 1). Its "probabilities" are
[batch, classes], in the order of the metadata's "emotions". docs/onnx.md has
examples.`;

await runTask({
  help: HELP,
  options: {
    onnx: { type: "string" },
    model: { type: "string" },
    emotions: { type: "string" },
    scale: { type: "string" },
    overwrite: { type: "boolean" },
  },
}, async ({ onnx, model, emotions, scale, overwrite }) => {
  if (!onnx) throw new UsageError("--onnx FILE is missing");
  const file = userPath(onnx);
  if (existsSync(file) && !overwrite) {
    throw new UsageError(`${onnx} already exists: --overwrite replaces it`);
  }
  const folder = model === undefined ? undefined : userPath(model);
  const trained = await loadTrained(folder, { emotions, scale });
  if (isForTfjs(trained.graph)) {
    throw new NetworkError(
      `${folder ?? defaultModel()} cannot be exported: ${trained.graph.reason}`,
    );
  }
  const bytes = toOnnx(trained);
  writeWhole(file, bytes);
  const kilobytes = Math.round(bytes.length / 1000);
  console.log(`${onnx}: written, ${kilobytes} kB, ONNX opset 13`);
});
