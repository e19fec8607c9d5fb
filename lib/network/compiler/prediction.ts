// Compiles a network for prediction: batch normalization folded into the
// convolution before it, one segment, everything for one face in the cache.

import type { NetworkGraph } from "../graph.ts";
import type { Kernels } from "../wasm/kernels.ts";
import {
  type Arena,
  type Border,
  padded,
  type PixelBuffer,
  type Segment,
} from "./buffers.ts";
import type { Norm, Operation } from "./fusion.ts";
import { type Affine, Layout } from "./layout.ts";
import { EMITTERS } from "./operations/emitters.ts";
import type { ForwardProgram } from "./operations/emitter.ts";
import { columnWeights, forwardWeights, paddedRows } from "./packing.ts";
import { copy, spread } from "./steps/element_steps.ts";
import type { PackedKernel } from "./steps/window_steps.ts";
import { TRANSFORM, type WinogradKernel } from "./steps/winograd_steps.ts";

/** Packed weights that a batch normalization scales, by output channel. */
interface Folded {
  address: number;
  /** What each place is the sum of: parameters times a factor; -1 is none. */
  terms: { index: Int32Array; factor: number }[];
  norm: Norm | null;
  /** The output channel of a place in the packed weights. */
  channel: (place: number) => number;
}

/** Shifts, or scales, of a batch normalization that is not folded into a convolution. */
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

/** A program that predicts. */
export class Prediction implements ForwardProgram {
  readonly layout: Layout;
  readonly logits: PixelBuffer;
  readonly #folded: Folded[] = [];
  readonly #scales: Shift[] = [];
  readonly #shifts: Shift[] = [];

  constructor(graph: NetworkGraph, readonly kernels: Kernels, arena: Arena) {
    const layout = this.layout = new Layout(graph, arena, { training: false });
    const segment = layout.segment();
    const { operations, input, logits } = layout.program;
    const first = layout.valueBuffer(input);
    if (first !== layout.input) {
      const from = layout.input;
      segment.add(spread(kernels, { from, to: first }), first);
    }
    for (const operation of operations) {
      const y = layout.valueBuffer(operation.output);
      EMITTERS[operation.op].forward(this, operation, segment, y);
    }
    this.logits = layout.valueBuffer(logits).keep();
  }

  value(value: number, need: Border, segment: Segment): PixelBuffer {
    const { layout, kernels } = this;
    return layout.withBorder(
      layout.valueBuffer(value),
      need,
      segment,
      (from, to) =>
        segment.add(copy(kernels, { from, to, adds: false }), from, to),
    );
  }

  kernel(operation: Operation, room: number): PackedKernel {
    const norm = operation.norms[0] ?? null;
    const kernel = this.layout.kernelOf(operation, room);
    const taps = kernel.window.size[0] * kernel.window.size[1];
    const rows = room * taps;
    const weights = operation.op === "conv"
      ? this.#fold(
        [{ index: forwardWeights(kernel), factor: 1 }],
        norm,
        (place) => Math.floor(place / (rows * 8)) * 8 + place % 8,
      )
      : this.#fold(
        [{ index: paddedRows(kernel.offset, taps, kernel.inputs), factor: 1 }],
        norm,
        (place) => place % room,
      );
    return { weights, bias: this.#bias(operation) };
  }

  winogradKernel(operation: Operation, room: number): WinogradKernel {
    const kernel = this.layout.kernelOf(operation, room);
    const columns = [0, 1, 2].map((column) => columnWeights(kernel, column));
    const panel = 3 * room * 8;
    const weights = TRANSFORM.map((factors) =>
      this.#fold(
        factors.map((factor, column) => ({ index: columns[column], factor })),
        operation.norms[0] ?? null,
        (place) => Math.floor(place / panel) * 8 + place % 8,
      )
    );
    return { weights, bias: this.#bias(operation) };
  }

  pack(index: Int32Array): number {
    return this.#fold([{ index, factor: 1 }], null, (place) => place);
  }

  affine(norm: Norm | null | undefined, channels: number): Affine {
    const { layout } = this;
    if (!norm) return layout.identity;
    const scale = layout.floats(channels), shift = layout.floats(channels);
    this.#scales.push({ address: scale, norm, channels, bias: null });
    this.#shifts.push({ address: shift, norm, channels, bias: null });
    return { scale, shift };
  }

  poolMemory(): null {
    return null;
  }

  dropoutSeed(): number {
    throw new TypeError("prediction has no dropout");
  }

  #fold(
    terms: Folded["terms"],
    norm: Norm | null,
    channel: (place: number) => number,
  ): number {
    const address = this.layout.floats(terms[0].index.length);
    this.#folded.push({ address, terms, norm, channel });
    return address;
  }

  #bias({ node, norms }: Operation): number {
    const bias = "bias" in node ? node.bias : null;
    const norm = norms[0] ?? null;
    if (bias === null && norm === null) return 0;
    const [, , channels] = node.shape;
    const address = this.layout.floats(padded(channels));
    this.#shifts.push({ address, norm, channels, bias });
    return address;
  }

  /** Packs and folds the weights; must run whenever they have changed. */
  refresh(
    memory: WebAssembly.Memory,
    parameters: Float32Array,
    statistics: Float32Array,
  ): void {
    const { graph } = this.layout;
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
    for (const { address, terms, norm, channel } of this.#folded) {
      const pairs = norm && normOf(norm);
      const [{ index: { length } }] = terms;
      const to = new Float32Array(memory.buffer, address, length);
      for (let i = 0; i < length; i++) {
        if (terms[0].index[i] < 0) continue;
        let sum = 0;
        for (const { index, factor } of terms) {
          sum += factor * parameters[index[i]];
        }
        to[i] = sum * (pairs ? pairs[channel(i)][0] : 1);
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
