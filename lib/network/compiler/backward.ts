// Compiles the backward half of training: for each operation, in reverse, the
// gradients of its inputs and weights (operations/). Batch normalization needs sums
// over the whole batch first, so its input's gradient starts a new segment. Cheap
// values (normalized maps, depthwise convolutions) are recomputed instead of kept.

import type { Kernels } from "../wasm/kernels.ts";
import {
  type Border,
  NO_BORDER,
  PixelBuffer,
  type Segment,
} from "./buffers.ts";
import type { NormState } from "./batch_norm.ts";
import type { Packed, TrainingForward } from "./forward.ts";
import type { Norm, Operation } from "./fusion.ts";
import type { Affine, Layout, Use } from "./layout.ts";
import { EMITTERS } from "./operations/emitters.ts";
import type {
  BackwardProgram,
  ForwardProgram,
  PoolMemory,
} from "./operations/emitter.ts";
import { turnedNeed } from "./operations/window_gradient.ts";
import { copy } from "./steps/element_steps.ts";
import { normalizeSums } from "./steps/norm_steps.ts";
import type { PackedKernel } from "./steps/window_steps.ts";

/** Gradients as kernels leave them, and where each parameter's lies. */
interface RawGradient extends Packed {
  bytes: number;
  /** Where the parameters start in the flat array. */
  offset: number;
}

/** When the gradient of each value is complete, and of each input computed. */
interface Schedule {
  /** The backward segment in which a value's gradient is complete. */
  ready: Map<number, number>;
  /** The backward segment of each operation's inputs. */
  turns: Map<Operation, number[]>;
}

/** As early as possible, then each as late as its input's gradient allows. */
function schedule(layout: Layout): Schedule {
  const { operations, input, logits } = layout.program;
  const early = new Map<number, number>([[logits, 0]]);
  const ready = new Map<number, number>();
  const turns = new Map<Operation, number[]>();
  const after = ({ operation, input }: Use) =>
    early.get(operation.output)! + (operation.norms[input] ? 1 : 0);
  for (const { output } of operations.toReversed()) {
    if (output === logits) continue;
    early.set(output, Math.max(...layout.uses(output).map(after)));
  }
  for (const operation of operations) {
    const own = operation.inputs.map((value, i) =>
      value === input ? after({ operation, input: i }) : ready.get(value)!
    );
    turns.set(operation, own);
    const latest = Math.min(
      ...own.map((turn, i) => turn - (operation.norms[i] ? 1 : 0)),
    );
    ready.set(operation.output, latest);
  }
  return { ready, turns };
}

/** Values of the forward pass in backward segments: cheap ones are recomputed. */
class Recomputation implements ForwardProgram {
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly #again = new Map<Segment, Map<number, PixelBuffer>>();

  constructor(readonly forward: TrainingForward) {
    this.layout = forward.layout;
    this.kernels = forward.kernels;
  }

  value(value: number, need: Border, segment: Segment): PixelBuffer {
    const { layout, forward } = this;
    const kept = layout.valueBuffer(value);
    const maker = layout.maker(value);
    if (maker?.op !== "norm" && maker?.op !== "depthwise") {
      return forward.bordered(kept, need, segment);
    }
    const known = this.#again.get(segment) ?? new Map();
    this.#again.set(segment, known);
    let again = known.get(value);
    if (!again) {
      const { height, width, channels, border } = kept;
      again = layout.own(new PixelBuffer(height, width, channels, border));
      known.set(value, again);
      EMITTERS[maker.op].forward(this, maker, segment, again);
    }
    return forward.bordered(again, need, segment);
  }

  kernel(operation: Operation, room: number): PackedKernel {
    return this.forward.kernel(operation, room);
  }

  pack(index: Int32Array): number {
    return this.forward.pack(index);
  }

  affine(norm: Norm | null | undefined): Affine {
    return this.forward.affine(norm);
  }

  poolMemory(): null {
    return null;
  }

  dropoutSeed(value: number): number {
    return this.forward.dropoutSeed(value);
  }
}

/** The backward half of a training program. */
export class TrainingBackward implements BackwardProgram {
  readonly layout: Layout;
  readonly kernels: Kernels;
  readonly segments: Segment[] = [];
  /** Where the loss's gradient for the logits goes. */
  readonly slope: PixelBuffer;
  readonly raw: RawGradient[] = [];
  readonly #values: Recomputation;
  readonly #gradients = new Map<number, PixelBuffer>();
  /** Values whose gradient some step has written. */
  readonly #written = new Set<number>();

  constructor(readonly forward: TrainingForward) {
    const layout = this.layout = forward.layout;
    this.kernels = forward.kernels;
    this.#values = new Recomputation(forward);
    const { operations, logits } = layout.program;
    this.slope = this.gradient(logits).keep();
    this.#written.add(logits);
    const plan = schedule(layout);
    const levels = Math.max(...[...plan.turns.values()].flat());
    for (let level = 0; level <= levels; level++) {
      const segment = layout.segment();
      this.segments.push(segment);
      for (const operation of operations.toReversed()) {
        this.#emitAt(operation, level, segment, plan);
      }
    }
  }

  #emitAt(
    operation: Operation,
    level: number,
    segment: Segment,
    { ready, turns }: Schedule,
  ): void {
    const { op, inputs, output, norms } = operation;
    const own = turns.get(operation)!;
    const emitter = EMITTERS[op];
    norms.forEach((norm, i) => {
      if (norm && ready.get(output) === level) {
        this.#sums(operation, i, norm, segment);
      }
    });
    if (own[0] === level) emitter.weightGradients?.(this, operation, segment);
    inputs.forEach((value, i) => {
      if (own[i] !== level || value === this.layout.program.input) return;
      emitter.inputGradient(this, operation, i, segment);
    });
  }

  /** Sums for a batch normalization's gradient, once its output's is complete. */
  #sums(
    operation: Operation,
    input: number,
    norm: Norm,
    segment: Segment,
  ): void {
    const { op, inputs, output, relu } = operation;
    const dy = this.gradient(output);
    const state = this.normState(norm);
    const x = EMITTERS[op].normInput?.(this, operation, input) ??
      this.layout.valueBuffer(inputs[input]);
    const { mean, slopes } = state;
    const call = { x, dy, mean, affine: state, relu, slopes };
    segment.add(normalizeSums(this.kernels, call), x, dy);
    segment.ends.push((count) => state.finishGradient(count));
  }

  value(value: number, need: Border, segment: Segment): PixelBuffer {
    return this.#values.value(value, need, segment);
  }

  gradient(value: number): PixelBuffer {
    let buffer = this.#gradients.get(value);
    if (buffer) return buffer;
    const { layout } = this;
    const uses = layout.uses(value);
    const strided = uses.length === 1 &&
      ["norm", "conv", "depthwise"].includes(uses[0].operation.op);
    const need = turnedNeed(layout, layout.maker(value)!);
    buffer = layout.buffer(
      layout.program.shapes[value],
      strided ? need : NO_BORDER,
    );
    this.#gradients.set(value, buffer);
    return buffer;
  }

  contribute(
    value: number,
    segment: Segment,
    adds: boolean,
    emit: (target: PixelBuffer, adds: boolean) => void,
  ): void {
    const target = this.gradient(value);
    const first = !this.#written.has(value);
    this.#written.add(value);
    if (first || adds) return emit(target, !first);
    const { height, width, channels } = target;
    const own = this.layout.own(new PixelBuffer(height, width, channels));
    emit(own, false);
    const call = { from: own, to: target, adds: true };
    segment.add(copy(this.kernels, call), own, target);
  }

  weightGradient(bytes: number, offset: number, index: Int32Array): number {
    const { layout } = this;
    const address = layout.arena.allocate(bytes);
    const table = layout.table(index);
    this.raw.push({ address, bytes, offset, index, table });
    return address;
  }

  pack(index: Int32Array): number {
    return this.forward.pack(index);
  }

  normState(norm: Norm): NormState {
    return this.forward.normState(norm);
  }

  poolMemory(operation: Operation): PoolMemory {
    return this.forward.poolMemory(operation);
  }

  dropoutSeed(value: number): number {
    return this.forward.dropoutSeed(value);
  }
}
