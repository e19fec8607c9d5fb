// Exports a network as ONNX, which other runtimes read: each node of network/graph.ts becomes the
// equivalent operators, and weights are reordered from TensorFlow's order to ONNX's. Activations have
// ONNX's order: faces, channels, rows, columns. Nothing is folded; runtimes do that.

import {
  type NetworkNode,
  type Shape,
  valuesOf,
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

/** From 2020; all current runtimes support it. */
const OPSET = 13;

/**
 * A trained network as the bytes of an .onnx file.
 *
 * Its `input` is float32 [batch, channels, rows, columns], which is [batch, 1, 48, 48] for gray faces;
 * its `probabilities` are [batch, classes]. The metadata has, as JSON: `emotions`, the names of the
 * classes; `scale`, the input's values for black and white; `threshold`, the confidence below which an
 * answer is unsure.
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
  const { shape } = graph.nodes.find(({ op }) => op === "input")!;
  const [rows, columns, channels] = shape;
  return encodeOnnx({
    name: "network",
    description: "Emotions of faces, exported by mien",
    opset: OPSET,
    nodes: builder.nodes,
    weights: builder.weights,
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
      case "dropout": // Dropout and noise are for training only.
      case "noise":
        return inputs[0];
      case "conv":
      case "depthwise": {
        const channels = node.op === "conv" ? from[2] : 1;
        const kernel = this.#kernel(node.kernel, node.window.size, channels);
        const bias = node.bias === null ? [] : [this.#weight(node.bias)];
        return this.#add(name, "Conv", [...inputs, kernel, ...bias], {
          ...windowAttributes(node.window, from, shape),
          dilations: node.window.dilation,
          group: node.op === "depthwise" ? shape[2] : 1,
        });
      }
      case "norm": {
        const operands = [
          this.#vector(name, node.gamma, 1, [shape[2]]),
          this.#vector(name, node.beta, 0, [shape[2]]),
          this.#weight(node.mean),
          this.#weight(node.variance),
        ];
        return this.#add(name, "BatchNormalization", [...inputs, ...operands], {
          epsilon: { float: node.epsilon },
        });
      }
      case "layerNorm":
        return this.#layerNorm(node, inputs[0]);
      case "activation":
        return this.#activation(node, inputs[0]);
      case "prelu": {
        const [rows, columns] = node.shared ? [1, 1] : shape;
        const sides = [shape[2], rows, columns];
        const slopes = this.#kernel(node.alpha, [rows, columns], 1, sides);
        return this.#add(name, "PRelu", [...inputs, slopes]);
      }
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
      case "concatenate":
        return this.#add(name, "Concat", inputs, { axis: 1 });
      case "pad": {
        const { top, left } = node;
        const after = [shape[0] - from[0] - top, shape[1] - from[1] - left];
        const sides = this.#numbers(name, [0, 0, top, left, 0, 0, ...after]);
        return this.#add(name, "Pad", [...inputs, sides]);
      }
      case "flatten": { // in TensorFlow's order, like the weights that follow
        const turned = this.#add(name, "Transpose", inputs, {
          perm: [0, 2, 3, 1],
        });
        const vector = this.#numbers(name, [0, -1, 1, 1]);
        return this.#add(name, "Reshape", [turned, vector]);
      }
    }
  }

  /** Over the channels of each pixel; ONNX's own operator works on the last axes, and needs opset 17. */
  #layerNorm(
    { name, epsilon, gamma, beta, shape }: NetworkNode & { op: "layerNorm" },
    input: string,
  ): string {
    const add = (operator: string, ...operands: string[]) =>
      this.#add(name, operator, operands);
    const mean = (of: string) =>
      this.#add(name, "ReduceMean", [of], { axes: [1] });
    const sides = [shape[2], 1, 1];
    const tiny = this.#tensor(`${name}/epsilon`, [], Float32Array.of(epsilon));
    const centered = add("Sub", input, mean(input));
    const variance = mean(add("Mul", centered, centered));
    const deviation = add("Sqrt", add("Add", variance, tiny));
    const scale = this.#vector(name, gamma, 1, sides);
    const shift = this.#vector(name, beta, 0, sides);
    const normal = add("Div", centered, deviation);
    return add("Add", add("Mul", normal, scale), shift);
  }

  #activation(
    { name, kind, alpha = 0 }: NetworkNode & { op: "activation" },
    input: string,
  ): string {
    switch (kind) {
      case "relu":
        return this.#add(name, "Relu", [input]);
      case "leakyRelu":
        return this.#add(name, "LeakyRelu", [input], {
          alpha: { float: alpha },
        });
      case "elu":
        return this.#add(name, "Elu", [input]);
      case "tanh":
        return this.#add(name, "Tanh", [input]);
      case "sigmoid":
        return this.#add(name, "Sigmoid", [input]);
      case "swish": {
        const gate = this.#add(name, "Sigmoid", [input]);
        return this.#add(name, "Mul", [input, gate]);
      }
      case "softmax": {
        const flat = this.#add(name, "Flatten", [input]);
        return this.#add(name, "Softmax", [flat], { axis: 1 }, OUTPUT);
      }
    }
  }

  /** Adds one operator; its output is named after the layer and the operator. */
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

  #tensor(
    wanted: string,
    shape: readonly number[],
    values: OnnxTensor["values"],
  ): string {
    const name = this.#unique(wanted);
    this.weights.push({ name, shape, values });
    return name;
  }

  #numbers(layer: string, numbers: number[]): string {
    const values = BigInt64Array.from(numbers, BigInt);
    return this.#tensor(`${layer}/numbers`, [numbers.length], values);
  }

  /** A weight with its numbers in their own order. */
  #weight(index: number, shape?: readonly number[]): string {
    const weight = this.trained.graph.weights[index];
    const values = valuesOf(weight, this.trained);
    return this.#tensor(weight.name, shape ?? weight.shape, values);
  }

  /** One number per channel: a weight, or a constant if the layer has none. */
  #vector(
    layer: string,
    index: number | null,
    otherwise: number,
    shape: readonly number[],
  ): string {
    if (index !== null) return this.#weight(index, shape);
    const values = new Float32Array(shape[0]).fill(otherwise);
    return this.#tensor(`${layer}/all ${otherwise}`, shape, values);
  }

  /** A kernel, reordered from rows, columns, inputs, outputs to outputs, inputs, rows, columns. */
  #kernel(
    index: number,
    [rows, columns]: readonly [number, number],
    inputs: number,
    shape?: readonly number[],
  ): string {
    const weight = this.trained.graph.weights[index];
    const values = valuesOf(weight, this.trained);
    const area = rows * columns;
    const outputs = values.length / area / inputs;
    const turned = new Float32Array(values.length);
    for (let at = 0; at < values.length; at++) {
      const output = at % outputs;
      const input = Math.floor(at / outputs) % inputs;
      const place = Math.floor(at / outputs / inputs);
      turned[(output * inputs + input) * area + place] = values[at];
    }
    const own = [outputs, inputs, rows, columns];
    return this.#tensor(weight.name, shape ?? own, turned);
  }
}

/** A window's size, strides and padding (top, left, bottom, right). */
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
