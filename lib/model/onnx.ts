// A network as ONNX, the format that other runtimes read: each node of network/graph.ts becomes the
// operators of the same meaning, and weights are turned from TensorFlow's order into ONNX'.
// Maps are in ONNX' own order: faces, channels, rows, columns. Nothing is folded; runtimes do that.

import {
  NetworkError,
  type NetworkNode,
  type NetworkWeight,
  type Shape,
  type Window,
} from "../network/graph.ts";
import { OWN_SCALE } from "../network/input.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import {
  encodeOnnx,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from "./onnx_file.ts";

/** Of 2020: all of today's runtimes know it. */
const OPSET = 13;

/**
 * A trained network as the bytes of an .onnx file.
 *
 * Its `input` is float32 [batch, channels, rows, columns], [batch, 1, 48, 48] for gray faces, with
 * black and white as in the metadata's `scale`; its `probabilities` are [batch, classes]. The
 * metadata holds, as JSON: `emotions`, the names of the classes; `scale`, what black and white
 * become; `threshold`, the confidence below which an answer is unsure.
 *
 * @throws {NetworkError} naming a layer that has no translation
 *
 * @example
 * ```ts
 * import { toOnnx } from "mien/model/onnx.ts";
 * import { loadTrained } from "mien/recognition/recognize.ts";
 * import { writeWhole } from "mien/write_whole.ts";
 *
 * writeWhole("faces.onnx", toOnnx(await loadTrained()));
 * ```
 */
export function toOnnx(trained: TrainedNetwork): Uint8Array {
  const { graph, emotions, scale = OWN_SCALE, threshold } = trained;
  const builder = new OnnxBuilder(trained);
  const values = graph.nodes.map(() => "");
  graph.nodes.forEach((node, i) => {
    const inputs = node.inputs.map((input) => values[input]);
    values[i] = builder.translate(node, inputs);
  });
  const { nodes, weights } = builder;
  const { shape } = graph.nodes.find(({ op }) => op === "input")!;
  const [rows, columns, channels] = shape;
  return encodeOnnx({
    name: "network",
    description: "Emotions of faces, exported by mien",
    opset: OPSET,
    ...{ nodes, weights },
    input: { name: INPUT, shape: ["batch", channels, rows, columns] },
    output: { name: OUTPUT, shape: ["batch", graph.outputSize] },
    metadata: {
      ...(emotions && { emotions: JSON.stringify(emotions) }),
      scale: JSON.stringify(scale),
      ...(threshold && { threshold: JSON.stringify(threshold) }),
    },
  });
}

const INPUT = "input";
const OUTPUT = "probabilities";

class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly weights: OnnxTensor[] = [];
  readonly #names = new Set<string>();

  constructor(readonly trained: TrainedNetwork) {}

  /** Adds the operators of a node and returns the name of their result. */
  translate(node: NetworkNode, inputs: readonly string[]): string {
    const { name, shape } = node;
    const from = this.trained.graph.nodes[node.inputs[0]]?.shape;
    switch (node.op) {
      case "input":
        return INPUT;
      case "dropout": // only in training
        return inputs[0];
      case "conv":
      case "depthwise": {
        const kernel = this.#kernel(node.kernel, node.op, from, node.window);
        const bias = node.bias === null ? [] : [this.#weight(node.bias)];
        return this.#add(name, "Conv", [...inputs, kernel, ...bias], {
          ...windowAttributes(node.window, from, shape),
          dilations: node.window.dilation,
          group: node.op === "depthwise" ? shape[2] : 1,
        });
      }
      case "norm": {
        const constant = (kind: string, value: number) =>
          this.#tensor(
            `${name}/${kind}`,
            [shape[2]],
            new Float32Array(shape[2]).fill(value),
          );
        const gamma = node.gamma === null
          ? constant("gamma", 1)
          : this.#weight(node.gamma);
        const beta = node.beta === null
          ? constant("beta", 0)
          : this.#weight(node.beta);
        const statistics = [node.mean, node.variance].map((index) =>
          this.#weight(index)
        );
        const operands = [...inputs, gamma, beta, ...statistics];
        return this.#add(name, "BatchNormalization", operands, {
          epsilon: { float: node.epsilon },
        });
      }
      case "activation":
        return this.#activation(name, node.kind, inputs[0]);
      case "maxPool":
      case "averagePool": {
        const operator = node.op === "maxPool" ? "MaxPool" : "AveragePool";
        const attributes = windowAttributes(node.window, from, shape);
        return this.#add(name, operator, inputs, attributes);
      }
      case "globalAverage":
        return this.#add(name, "GlobalAveragePool", inputs);
      case "add":
        return this.#add(name, "Add", inputs);
      case "multiply":
        return this.#add(name, "Mul", inputs);
    }
    const { op } = node as NetworkNode;
    throw new NetworkError(`layer ${name}: ${op} has no translation to ONNX`);
  }

  #activation(name: string, kind: string, input: string): string {
    switch (kind) {
      case "relu":
        return this.#add(name, "Relu", [input]);
      case "sigmoid":
        return this.#add(name, "Sigmoid", [input]);
      case "swish":
        return this.#add(name, "Mul", [
          input,
          this.#add(name, "Sigmoid", [input]),
        ]);
      case "softmax": {
        const flat = this.#add(name, "Flatten", [input]);
        return this.#add(name, "Softmax", [flat], { axis: 1 }, OUTPUT);
      }
    }
    throw new NetworkError(
      `layer ${name}: activation ${kind} has no translation to ONNX`,
    );
  }

  /** Adds one operator; its result has the layer's name and the operator's. */
  #add(
    layer: string,
    operator: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    output?: string,
  ): string {
    const name = this.#unique(`${layer}/${operator}`);
    const node = { name, operator, inputs, output: output ?? name, attributes };
    this.nodes.push(node);
    return node.output;
  }

  #unique(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#names.has(name); i++) name = `${wanted}_${i}`;
    this.#names.add(name);
    return name;
  }

  #tensor(wanted: string, shape: number[], values: Float32Array): string {
    const name = this.#unique(wanted);
    this.weights.push({ name, shape, values });
    return name;
  }

  #values({ kind, offset, shape }: NetworkWeight): Float32Array {
    const { parameters, statistics } = this.trained;
    const flat = kind === "parameter" ? parameters : statistics;
    return flat.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
  }

  /** A weight as it is. */
  #weight(index: number): string {
    const weight = this.trained.graph.weights[index];
    return this.#tensor(weight.name, weight.shape, this.#values(weight));
  }

  /**
   * A kernel: rows, columns, inputs, outputs become outputs, inputs, rows, columns. A depthwise one
   * has one input to each of its outputs.
   */
  #kernel(
    index: number,
    op: "conv" | "depthwise",
    [, , channels]: Shape,
    { size: [rows, columns] }: Window,
  ): string {
    const weight = this.trained.graph.weights[index];
    const values = this.#values(weight);
    const inputs = op === "conv" ? channels : 1;
    const outputs = values.length / (rows * columns * inputs);
    const turned = new Float32Array(values.length);
    const area = rows * columns;
    for (let at = 0; at < values.length; at++) {
      const output = at % outputs;
      const input = Math.floor(at / outputs) % inputs;
      const place = Math.floor(at / outputs / inputs);
      turned[(output * inputs + input) * area + place] = values[at];
    }
    return this.#tensor(weight.name, [outputs, inputs, rows, columns], turned);
  }
}

/** A window's size, steps and padding: top, left, bottom, right. */
function windowAttributes(
  { size, strides, dilation, top, left }: Window,
  from: Shape,
  to: Shape,
): Record<string, OnnxAttribute> {
  const after = [top, left].map((before, axis) => {
    const reach = (size[axis] - 1) * dilation[axis] + 1;
    const covered = (to[axis] - 1) * strides[axis] + reach;
    return Math.max(0, covered - before - from[axis]);
  });
  return { kernel_shape: size, strides, pads: [top, left, ...after] };
}
