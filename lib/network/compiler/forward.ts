// Compiles a network for training: forward with the batch's own statistics, then
// backward. A segment runs from one batch normalization to the next, a few faces
// at a time. What is cheap to compute again (normalized values, depthwise
// convolutions) is computed again in backward instead of kept.
// The gradients of single operations: backward.ts.

import { NormState } from "./batch_norm.ts";
import { Compiler, type Packed } from "./compiler.ts";
import type { NetworkGraph } from "../graph.ts";
import {
  type Arena,
  type Border,
  NO_BORDER,
  padded,
  PixelBuffer,
  type Segment,
} from "./buffers.ts";
import { type Norm, type Operation, windowOf } from "./fusion.ts";
import { forwardWeights, paddedRows } from "./packing.ts";
import type { Kernels } from "../wasm/kernels.ts";

/** What max pooling remembers for its gradient. */
export interface PoolMemory {
  places: PixelBuffer;
  values: PixelBuffer;
}

/** The forward half of a training program. */
export class Forward extends Compiler {
  readonly logits: PixelBuffer;
  readonly packed: Packed[] = [];
  readonly norms: NormState[] = [];
  /** What dropout draws from; changed by the caller for every batch. */
  seed = 0;
  protected readonly pools = new Map<Operation, PoolMemory>();
  readonly #levels = new Map<number, number>();
  readonly #states = new Map<Norm, NormState>();
  readonly #again = new Map<string, PixelBuffer>();
  readonly #home = new Map<number, Segment>();

  constructor(
    graph: NetworkGraph,
    kernels: Kernels,
    arena: Arena,
    inputBuffer: PixelBuffer,
  ) {
    super(graph, kernels, arena, true, inputBuffer);
    const { operations, input, logits } = this.program;
    const segments: Segment[] = [];
    const at = (level: number) =>
      segments[level] ??= this.segment(`forward ${level}`);
    this.#levels.set(input, 0);
    this.#home.set(input, at(0));
    this.spreadInput(at(0));
    for (const operation of operations) {
      const { inputs, output, norms } = operation;
      const before = inputs.map((value) => this.#levels.get(value)!);
      const level = Math.max(...before) + (norms.some((norm) => norm) ? 1 : 0);
      this.#levels.set(output, level);
      this.#home.set(output, at(level));
      this.#emit(operation, at(level), this.valueBuffer(output));
      this.#measure(output, at(level));
    }
    this.logits = this.valueBuffer(logits).keep();
  }

  /** Sums for the batch normalizations that use this value. */
  #measure(value: number, segment: Segment): void {
    const norms = this.consumers(value).flatMap((o) =>
      o.norms.filter((norm, i) => norm && o.inputs[i] === value) as Norm[]
    );
    if (norms.length === 0) return;
    const x = this.valueBuffer(value).use(segment);
    const { channels, pixels } = x;
    const pivot = this.floats(channels);
    const sums = this.arena.allocate(channels * 16);
    const states = norms.map((norm) =>
      new NormState(this.graph, norm, this.arena, channels, pixels)
    );
    states.forEach((state, i) => this.#states.set(norms[i], state));
    this.norms.push(...states);
    // One measurement serves all: the first one's pivot counts.
    states[0].measures(pivot, sums);
    segment.steps.push((face, faces) =>
      this.kernels.moments(x.at(face), faces * pixels, channels, pivot, sums)
    );
    segment.ends.push((count) => {
      for (const state of states) {
        state.finish(count, pivot, sums);
      }
    });
  }

  stateOf(norm: Norm): NormState {
    return this.#states.get(norm)!;
  }

  /** Packs parameters for a kernel; done anew before each batch. */
  pack(index: Int32Array): number {
    const address = this.floats(index.length);
    this.packed.push({ address, index, table: this.table(index) });
    return address;
  }

  biasOf({ node }: Operation): number {
    const bias = "bias" in node ? node.bias : null;
    if (bias === null) return 0;
    const { offset } = this.graph.weights[bias];
    return this.pack(paddedRows(offset, 1, node.shape[2]));
  }

  /** A value in a segment: what was kept, or computed again where that is cheap. */
  valueIn(
    value: number,
    need: Border,
    segment: Segment,
  ): PixelBuffer {
    const primary = this.valueBuffer(value);
    const home = this.#home.get(value);
    const maker = this.program.operations.find((o) => o.output === value);
    const cheap = maker && (maker.op === "norm" || maker.op === "depthwise");
    const forward = segment.label.startsWith("forward");
    if (segment === home || forward || !cheap) {
      return this.withBorder(primary, need, segment, `value ${value}`);
    }
    const key = `${value} ${segment.label}`;
    let again = this.#again.get(key);
    if (!again) {
      const { height, width, channels, border } = primary;
      again = this.own(new PixelBuffer(height, width, channels, border));
      this.#again.set(key, again);
      this.#emit(maker, segment, again);
    }
    return this.withBorder(again, need, segment, `value ${value}`);
  }

  readonly #weights = new Map<Operation, { weights: number; bias: number }>();

  #weightsOf(operation: Operation, room: number, taps: number) {
    let packed = this.#weights.get(operation);
    if (!packed) {
      const kernel = this.kernelOf(operation, room);
      const index = operation.op === "conv"
        ? forwardWeights(kernel)
        : paddedRows(kernel.offset, taps, kernel.inputs);
      packed = { weights: this.pack(index), bias: this.biasOf(operation) };
      this.#weights.set(operation, packed);
    }
    return packed;
  }

  #emit(operation: Operation, segment: Segment, y: PixelBuffer): void {
    const { op, node, inputs, norms, relu } = operation;
    const need = this.need(operation);
    const x = this.valueIn(inputs[0], need, segment).use(segment);
    y.use(segment);
    switch (op) {
      case "conv":
      case "depthwise": {
        const window = windowOf(operation);
        const taps = window.size[0] * window.size[1];
        const { weights, bias } = this.#weightsOf(operation, x.channels, taps);
        this[op](segment, window, x, weights, bias, y, 0);
        break;
      }
      case "norm": {
        const { scale, shift } = this.stateOf(norms[0]!);
        this.normalize(segment, x, scale, shift, relu, y);
        break;
      }
      case "maxPool":
        this.#maxPool(operation, segment, x, y);
        break;
      case "dropout": {
        const rate = node.op === "dropout" ? node.rate : 0;
        this.drop(segment, operation.output, rate, x, y);
        break;
      }
      default:
        this.simple(
          segment,
          operation,
          inputs.map((value) => this.valueIn(value, NO_BORDER, segment)),
        );
    }
  }

  /** Dropout of a value; the same for its gradient. */
  drop(
    segment: Segment,
    value: number,
    rate: number,
    x: PixelBuffer,
    y: PixelBuffer,
  ): void {
    segment.steps.push((face, faces) => {
      const seed = Math.imul(this.seed + 1, 0x9e3779b1) ^ value;
      this.kernels.drop(
        ...[x.at(face), y.at(face), faces * x.floats, face * x.floats],
        ...[seed, rate],
      );
    });
  }

  #maxPool(
    operation: Operation,
    segment: Segment,
    x: PixelBuffer,
    y: PixelBuffer,
  ): void {
    const { inputs, norms } = operation;
    const { size, strides, top, left } = windowOf(operation);
    const { height, width, channels } = y;
    const places = this.own(
      new PixelBuffer(height, width, channels, NO_BORDER, channels),
    ).use(segment);
    const values = this.own(new PixelBuffer(height, width, channels))
      .use(segment);
    this.pools.set(operation, { places, values });
    const other = inputs.length > 1
      ? this.valueIn(inputs[1], NO_BORDER, segment).use(segment)
      : null;
    const affine = (norm: Norm | null | undefined) => {
      if (!norm) return [this.ones, this.zeros];
      const { scale, shift } = this.stateOf(norm);
      return [scale, shift];
    };
    segment.steps.push((face, faces) =>
      this.kernels.maxPool(
        ...[x.at(face), x.height, x.width, x.channels, ...affine(norms[0])],
        ...[other?.at(face) ?? 0, ...affine(norms[1])],
        ...[...size, ...strides, top, left],
        ...[y.at(face), y.faceBytes, y.rowBytes],
        ...[places.at(face), values.at(face), faces, height, width],
      )
    );
  }

  /** The level, counted in batch normalizations, at which a value is computed. */
  levelOf(value: number): number {
    return this.#levels.get(value)!;
  }

  /** Channels with their padding. */
  roomOf(value: number): number {
    return padded(this.program.shapes[value][2]);
  }
}
