// Compiles a network for prediction: batch normalization folded into the
// convolution before it, one segment, everything for one face in the cache.

import { Compiler } from "./compiler.ts";
import type { NetworkGraph } from "../graph.ts";
import { type Arena, padded, type PixelBuffer } from "./buffers.ts";
import { type Norm, type Operation, windowOf } from "./fusion.ts";
import { forwardWeights, paddedRows } from "./packing.ts";
import type { Kernels } from "../wasm/kernels.ts";

/** Packed weights that a batch normalization scales, by output channel. */
interface Folded {
  address: number;
  index: Int32Array;
  norm: Norm | null;
  /** The output channel of a place in the packed weights. */
  channel: (place: number) => number;
}

/** Shifts, or scales, of a batch normalization that stands by itself. */
interface Shift {
  address: number;
  norm: Norm | null;
  channels: number;
  bias: number | null;
}

/** Scale and shift that a batch normalization's moving statistics give. */
function scaleAndShift(
  graph: NetworkGraph,
  norm: Norm,
  channel: number,
  parameters: Float32Array,
  statistics: Float32Array,
): [number, number] {
  const { weights } = graph;
  const mean = statistics[weights[norm.mean].offset + channel];
  const variance = statistics[weights[norm.variance].offset + channel];
  const gamma = norm.gamma === null
    ? 1
    : parameters[weights[norm.gamma].offset + channel];
  const beta = norm.beta === null
    ? 0
    : parameters[weights[norm.beta].offset + channel];
  const scale = gamma / Math.sqrt(variance + norm.epsilon);
  return [scale, beta - mean * scale];
}

export class Prediction extends Compiler {
  readonly logits: PixelBuffer;
  readonly #folded: Folded[] = [];
  readonly #scales: Shift[] = [];
  readonly #shifts: Shift[] = [];

  constructor(graph: NetworkGraph, kernels: Kernels, arena: Arena) {
    super(graph, kernels, arena, false);
    const segment = this.segment("prediction");
    this.spreadInput(segment);
    for (const operation of this.program.operations) {
      this.#emit(operation, segment);
    }
    this.logits = this.valueBuffer(this.program.logits).keep();
  }

  #emit(operation: Operation, segment: ReturnType<Compiler["segment"]>): void {
    const { op, inputs, output, norms, relu } = operation;
    const y = this.valueBuffer(output);
    const x = this.withBorder(
      ...[this.valueBuffer(inputs[0]), this.need(operation), segment] as const,
      `value ${inputs[0]}`,
    );
    switch (op) {
      case "conv": {
        const kernel = this.kernelOf(operation, x.channels);
        const rows = x.channels * kernel.window.size[0] * kernel.window.size[1];
        const weights = this.#fold(
          forwardWeights(kernel),
          norms[0] ?? null,
          (place) => Math.floor(place / (rows * 8)) * 8 + place % 8,
        );
        const bias = this.#bias(operation);
        this.conv(
          ...[segment, kernel.window, x, weights, bias, y, Number(relu)],
        );
        break;
      }
      case "depthwise": {
        const kernel = this.kernelOf(operation, x.channels);
        const taps = kernel.window.size[0] * kernel.window.size[1];
        const weights = this.#fold(
          paddedRows(kernel.offset, taps, kernel.inputs),
          norms[0] ?? null,
          (place) => place % x.channels,
        );
        const bias = this.#bias(operation);
        this.depthwise(
          ...[segment, kernel.window, x, weights, bias, y, Number(relu)],
        );
        break;
      }
      case "norm":
        this.normalize(
          ...[segment, x, ...this.#normOf(norms[0], x.channels), relu, y],
        );
        break;
      case "maxPool":
        this.#maxPool(operation, segment, x, y);
        break;
      default:
        this.simple(
          segment,
          operation,
          inputs.map((input) => this.valueBuffer(input)),
        );
    }
  }

  #maxPool(
    operation: Operation,
    segment: ReturnType<Compiler["segment"]>,
    x: PixelBuffer,
    y: PixelBuffer,
  ): void {
    const { inputs, norms } = operation;
    const { size, strides, top, left } = windowOf(operation);
    const other = inputs.length > 1
      ? this.valueBuffer(inputs[1]).use(segment)
      : null;
    y.use(segment);
    const [scale, shift] = this.#normOf(norms[0], x.channels);
    const [otherScale, otherShift] = this.#normOf(norms[1], x.channels);
    segment.steps.push((face, faces) =>
      this.kernels.maxPool(
        ...[x.at(face), x.height, x.width, x.channels, scale, shift],
        ...[other?.at(face) ?? 0, otherScale, otherShift],
        ...[...size, ...strides, top, left],
        ...[y.at(face), y.faceBytes, y.rowBytes, 0, 0],
        ...[faces, y.height, y.width],
      )
    );
  }

  /** Scale and shift of a batch normalization by itself, or 1 and 0. */
  #normOf(norm: Norm | null | undefined, channels: number): [number, number] {
    if (!norm) return [this.ones, this.zeros];
    const scale = this.floats(channels), shift = this.floats(channels);
    this.#scales.push({ address: scale, norm, channels, bias: null });
    this.#shifts.push({ address: shift, norm, channels, bias: null });
    return [scale, shift];
  }

  #fold(
    index: Int32Array,
    norm: Norm | null,
    channel: (place: number) => number,
  ): number {
    const address = this.floats(index.length);
    this.#folded.push({ address, index, norm, channel });
    return address;
  }

  #bias({ node, norms }: Operation): number {
    const bias = "bias" in node ? node.bias : null;
    const norm = norms[0] ?? null;
    if (bias === null && norm === null) return 0;
    const channels = padded(node.shape[2]);
    const address = this.floats(channels);
    this.#shifts.push({ address, norm, channels: node.shape[2], bias });
    return address;
  }

  /** Packs and folds the weights; needed whenever they changed. */
  refresh(
    memory: WebAssembly.Memory,
    parameters: Float32Array,
    statistics: Float32Array,
  ): void {
    const { graph } = this;
    const known = new Map<Norm, [number, number][]>();
    const normOf = (norm: Norm) => {
      let pairs = known.get(norm);
      if (!pairs) {
        const [channels] = graph.weights[norm.mean].shape;
        pairs = Array.from(
          { length: channels },
          (_, c) => scaleAndShift(graph, norm, c, parameters, statistics),
        );
        known.set(norm, pairs);
      }
      return pairs;
    };
    for (const { address, index, norm, channel } of this.#folded) {
      const pairs = norm && normOf(norm);
      const to = new Float32Array(memory.buffer, address, index.length);
      for (let i = 0; i < index.length; i++) {
        if (index[i] < 0) continue;
        const scale = pairs ? pairs[channel(i)][0] : 1;
        to[i] = parameters[index[i]] * scale;
      }
    }
    for (const { address, norm, channels } of this.#scales) {
      const to = new Float32Array(memory.buffer, address, channels);
      normOf(norm!).forEach(([scale], c) => to[c] = scale);
    }
    for (const { address, norm, channels, bias } of this.#shifts) {
      const to = new Float32Array(memory.buffer, address, channels);
      const pairs = norm && normOf(norm);
      for (let c = 0; c < to.length; c++) {
        const [scale, shift] = pairs?.[c] ?? [1, 0];
        const own = bias === null
          ? 0
          : parameters[graph.weights[bias].offset + c] ?? 0;
        to[c] = shift + own * scale;
      }
    }
  }
}
