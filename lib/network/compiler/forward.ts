// Compiles the forward half of training, with the batch's own statistics. A
// segment runs from one batch normalization to the next, a few faces at a time.
// The backward half is backward.ts.

import type { NetworkGraph } from "../graph.ts";
import type { Kernels } from "../wasm/kernels.ts";
import { NormState } from "./batch_norm.ts";
import {
  type Arena,
  type Border,
  NO_BORDER,
  PixelBuffer,
  type Segment,
} from "./buffers.ts";
import type { Norm, Operation } from "./fusion.ts";
import { type Affine, Layout } from "./layout.ts";
import { EMITTERS } from "./operations/emitters.ts";
import type { ForwardProgram, PoolMemory } from "./operations/emitter.ts";
import { forwardWeights, paddedRows } from "./packing.ts";
import { copy, spread } from "./steps/element_steps.ts";
import { moments } from "./steps/norm_steps.ts";
import type { PackedKernel } from "./steps/window_steps.ts";

/** Weights packed for one kernel: which parameters, and where to. */
export interface Packed {
  address: number;
  index: Int32Array;
  /** Where the index itself lies in memory. */
  table: number;
}

/** The forward half of a training program. */
export class TrainingForward implements ForwardProgram {
  readonly layout: Layout;
  readonly logits: PixelBuffer;
  readonly segments: Segment[] = [];
  readonly packed: Packed[] = [];
  readonly norms: NormState[] = [];
  /** What dropout and noise draw from; changed by the caller for every batch. */
  seed = 0;
  /** The segment that computes each value. */
  readonly #levels = new Map<number, number>();
  readonly #pools = new Map<Operation, PoolMemory>();
  readonly #states = new Map<Norm, NormState>();
  readonly #kernels = new Map<Operation, PackedKernel>();

  constructor(
    graph: NetworkGraph,
    readonly kernels: Kernels,
    arena: Arena,
    inputBuffer: PixelBuffer,
  ) {
    const layout = new Layout(graph, arena, {
      training: true,
      input: inputBuffer,
    });
    this.layout = layout;
    const { operations, input, logits } = layout.program;
    const at = (level: number) => this.segments[level] ??= layout.segment();
    const levels = this.#levels.set(input, 0);
    const first = layout.valueBuffer(input);
    if (first !== layout.input) {
      const from = layout.input;
      at(0).add(spread(kernels, { from, to: first }), first);
    }
    for (const operation of operations) {
      const { op, inputs, output, norms } = operation;
      const before = inputs.map((value) => levels.get(value)!);
      const level = Math.max(...before) + (norms.some((norm) => norm) ? 1 : 0);
      levels.set(output, level);
      const y = layout.valueBuffer(output);
      EMITTERS[op].forward(this, operation, at(level), y);
      this.#measure(output, at(level));
    }
    this.logits = layout.valueBuffer(logits).keep();
  }

  /** Sums for the batch normalizations that use this value. */
  #measure(value: number, segment: Segment): void {
    const { layout } = this;
    const norms = layout.uses(value).flatMap(({ operation, input }) =>
      operation.norms[input] ?? []
    );
    if (norms.length === 0) return;
    const x = layout.valueBuffer(value);
    const { channels, pixels } = x;
    const pivot = layout.floats(channels);
    const sums = layout.arena.allocate(channels * 16);
    const states = norms.map((norm) =>
      new NormState(layout.graph, norm, layout.arena, channels, pixels)
    );
    states.forEach((state, i) => this.#states.set(norms[i], state));
    this.norms.push(...states);
    // One measurement serves all of them, with the first one's pivot.
    states[0].measures(pivot, sums);
    segment.add(moments(this.kernels, { x, pivot, sums }), x);
    segment.ends.push((count) => {
      for (const state of states) state.finish(count, pivot, sums);
    });
  }

  normState(norm: Norm): NormState {
    return this.#states.get(norm)!;
  }

  /** Packs parameters for a kernel; repeated before each batch. */
  pack(index: Int32Array): number {
    const { layout } = this;
    const address = layout.floats(index.length);
    this.packed.push({ address, index, table: layout.table(index) });
    return address;
  }

  value(value: number, need: Border, segment: Segment): PixelBuffer {
    return this.bordered(this.layout.valueBuffer(value), need, segment);
  }

  /** A buffer, or a copy of it, with this border. */
  bordered(buffer: PixelBuffer, need: Border, segment: Segment): PixelBuffer {
    const { layout, kernels } = this;
    return layout.withBorder(
      buffer,
      need,
      segment,
      (from, to) =>
        segment.add(copy(kernels, { from, to, adds: false }), from, to),
    );
  }

  kernel(operation: Operation, room: number): PackedKernel {
    let packed = this.#kernels.get(operation);
    if (!packed) {
      const { op, node } = operation;
      const kernel = this.layout.kernelOf(operation, room);
      const taps = kernel.window.size[0] * kernel.window.size[1];
      const weights = this.pack(
        op === "conv"
          ? forwardWeights(kernel)
          : paddedRows(kernel.offset, taps, kernel.inputs),
      );
      const index = "bias" in node ? node.bias : null;
      const bias = index === null ? 0 : this.pack(
        paddedRows(this.layout.graph.weights[index].offset, 1, node.shape[2]),
      );
      packed = { weights, bias };
      this.#kernels.set(operation, packed);
    }
    return packed;
  }

  affine(norm: Norm | null | undefined): Affine {
    return norm ? this.normState(norm) : this.layout.identity;
  }

  poolMemory(operation: Operation): PoolMemory {
    let memory = this.#pools.get(operation);
    if (!memory) {
      const { layout } = this;
      const { height, width, channels } = layout.valueBuffer(operation.output);
      const places = layout.own(
        new PixelBuffer(height, width, channels, NO_BORDER, channels),
      );
      const values = layout.own(new PixelBuffer(height, width, channels));
      const segment = this.segments[this.#levels.get(operation.inputs[0])!];
      memory = { places, values, segment };
      this.#pools.set(operation, memory);
    }
    return memory;
  }

  dropoutSeed(value: number): number {
    return Math.imul(this.seed + 1, 0x9e3779b1) ^ value;
  }
}
