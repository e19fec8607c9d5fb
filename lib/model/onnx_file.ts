// Writes ONNX files: the messages of onnx.proto (github.com/onnx/onnx, proto3) that a network needs, with
// the numbers of their fields. pbf encodes them; code generated for all of ONNX would be far longer.
// onnx.ts translates networks.

import { PbfWriter } from "pbf";

/** An attribute: a whole number, several, or a `float`. */
export type OnnxAttribute = number | readonly number[] | { float: number };

/** One operation. */
export interface OnnxNode {
  name: string;
  /** The operator, such as `Conv`. */
  operator: string;
  inputs: readonly string[];
  output: string;
  attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** Weights, or whole numbers that are an operator's input. */
export interface OnnxTensor {
  name: string;
  shape: readonly number[];
  /** In row-major order. */
  values: Float32Array | BigInt64Array;
}

/** An input or output; a size given as text is variable and has this name. */
export interface OnnxValue {
  name: string;
  shape: readonly (number | string)[];
}

/** A whole file. */
export interface OnnxModel {
  name: string;
  description: string;
  opset: number;
  nodes: readonly OnnxNode[];
  weights: readonly OnnxTensor[];
  input: OnnxValue;
  output: OnnxValue;
  /** Names and values for readers of the file. */
  metadata: Readonly<Record<string, string>>;
}

/** The version of the format; 7 came with opset 13. */
const IR_VERSION = 7;
/** Values of TensorProto.DataType. */
const FLOAT = 1, INT64 = 7;

/**
 * A model as the bytes of an .onnx file. The same model gives the same bytes.
 *
 * @example
 * ```ts
 * import { encodeOnnx } from "mien/model/onnx_file.ts";
 *
 * encodeOnnx({
 *   name: "twice",
 *   description: "",
 *   opset: 13,
 *   nodes: [
 *     { name: "sum", operator: "Add", inputs: ["x", "x"], output: "y" },
 *   ],
 *   weights: [],
 *   metadata: {},
 *   input: { name: "x", shape: ["batch", 2] },
 *   output: { name: "y", shape: ["batch", 2] },
 * });
 * ```
 */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const file = new PbfWriter();
  file.writeVarintField(1, IR_VERSION);
  file.writeStringField(2, "mien");
  file.writeMessage(7, writeGraph, model);
  file.writeMessage(8, ({ opset }, message) => {
    message.writeStringField(1, ""); // ONNX's own operators
    message.writeVarintField(2, opset);
  }, model);
  for (const entry of Object.entries(model.metadata)) {
    file.writeMessage(14, ([key, value], message) => {
      message.writeStringField(1, key);
      message.writeStringField(2, value);
    }, entry);
  }
  return file.finish();
}

function writeGraph(model: OnnxModel, graph: PbfWriter): void {
  for (const node of model.nodes) graph.writeMessage(1, writeNode, node);
  graph.writeStringField(2, model.name);
  for (const tensor of model.weights) {
    graph.writeMessage(5, writeTensor, tensor);
  }
  graph.writeStringField(10, model.description);
  graph.writeMessage(11, writeValue, model.input);
  graph.writeMessage(12, writeValue, model.output);
}

function writeNode(node: OnnxNode, message: PbfWriter): void {
  for (const input of node.inputs) message.writeStringField(1, input);
  message.writeStringField(2, node.output);
  message.writeStringField(3, node.name);
  message.writeStringField(4, node.operator);
  for (const attribute of Object.entries(node.attributes ?? {})) {
    message.writeMessage(5, writeAttribute, attribute);
  }
}

/** The type in field 20 says which of the fields 2, 3 and 8 has the value. */
function writeAttribute(
  [name, value]: [string, OnnxAttribute],
  message: PbfWriter,
): void {
  message.writeStringField(1, name);
  if (typeof value === "number") {
    message.writeVarintField(3, value);
    message.writeVarintField(20, 2);
  } else if ("float" in value) {
    message.writeFloatField(2, value.float);
    message.writeVarintField(20, 1);
  } else {
    for (const number of value) message.writeVarintField(8, number);
    message.writeVarintField(20, 7);
  }
}

function writeTensor(tensor: OnnxTensor, message: PbfWriter): void {
  for (const size of tensor.shape) message.writeVarintField(1, size);
  const { values } = tensor;
  message.writeVarintField(2, values instanceof Float32Array ? FLOAT : INT64);
  message.writeStringField(8, tensor.name);
  const raw = new DataView(new ArrayBuffer(values.byteLength));
  if (values instanceof Float32Array) {
    values.forEach((value, i) => raw.setFloat32(4 * i, value, true));
  } else values.forEach((value, i) => raw.setBigInt64(8 * i, value, true));
  message.writeBytesField(9, new Uint8Array(raw.buffer));
}

function writeValue({ name, shape }: OnnxValue, message: PbfWriter): void {
  message.writeStringField(1, name);
  message.writeMessage(2, (_, type) => {
    type.writeMessage(1, (_, tensor) => {
      tensor.writeVarintField(1, FLOAT);
      tensor.writeMessage(2, (sizes, message) => {
        for (const size of sizes) message.writeMessage(1, writeSize, size);
      }, shape);
    }, null);
  }, null);
}

function writeSize(size: number | string, message: PbfWriter): void {
  if (typeof size === "number") message.writeVarintField(1, size);
  else message.writeStringField(2, size);
}
