// The interface of an operation's emitter, and of the program that it emits steps
// into, which prediction and training implement differently.

import type { Kernels } from "../../wasm/kernels.ts";
import type { NormState } from "../batch_norm.ts";
import type { Border, PixelBuffer, Segment } from "../buffers.ts";
import type { Norm, Operation } from "../fusion.ts";
import type { Affine, Layout } from "../layout.ts";
import type { PackedKernel } from "../steps/window_steps.ts";
import type { WinogradKernel } from "../steps/winograd_steps.ts";

/** What max pooling remembers for its gradient. */
export interface PoolMemory {
  /** The place of each maximum within its window, a byte each. */
  places: PixelBuffer;
  /** The input there, before scale and shift. */
  values: PixelBuffer;
  /** The segment that computes the input. */
  segment: Segment;
}

/** A program that computes values. */
export interface ForwardProgram {
  readonly layout: Layout;
  readonly kernels: Kernels;
  /** A value as an operation of the segment reads it, with this border at least. */
  value(value: number, need: Border, segment: Segment): PixelBuffer;
  /** The packed kernel and bias of a convolution, for inputs with this room. */
  kernel(operation: Operation, room: number): PackedKernel;
  /**
   * The kernel of a convolution as Winograd's products read it: weights for each of
   * six positions. Training has none: its gradient needs the sums as they are.
   */
  winogradKernel?(operation: Operation, room: number): WinogradKernel;
  /** Parameters as an operation reads them; `index`: which, -1 for zero. */
  pack(index: Int32Array): number;
  /** Scale and shift of a batch normalization that is not folded into a convolution. */
  affine(norm: Norm | null | undefined, channels: number): Affine;
  /** What max pooling remembers for its gradient; `null`: nothing. */
  poolMemory(operation: Operation): PoolMemory | null;
  /** What dropout or noise of this value draws from in the batch at hand. */
  dropoutSeed(value: number): number;
}

/** A program that computes gradients. */
export interface BackwardProgram {
  readonly layout: Layout;
  readonly kernels: Kernels;
  /** A value of the forward pass, kept or recomputed. */
  value(value: number, need: Border, segment: Segment): PixelBuffer;
  /** The buffer of a value's gradient. */
  gradient(value: number): PixelBuffer;
  /**
   * Has `emit` write, or add to, the gradient of a value. Where something has been
   * written already and `adds` is false, it gets a buffer of its own, which is then
   * added.
   */
  contribute(
    value: number,
    segment: Segment,
    adds: boolean,
    emit: (target: PixelBuffer, adds: boolean) => void,
  ): void;
  /** Room for gradients as a kernel leaves them; `index`: where each lies. */
  weightGradient(bytes: number, offset: number, index: Int32Array): number;
  /** Packs parameters for a kernel. */
  pack(index: Int32Array): number;
  normState(norm: Norm): NormState;
  poolMemory(operation: Operation): PoolMemory;
  dropoutSeed(value: number): number;
}

/** The steps of one kind of operation. */
export interface Emitter {
  /** Computes the operation's value into `y`. */
  forward(
    program: ForwardProgram,
    operation: Operation,
    segment: Segment,
    y: PixelBuffer,
  ): void;
  /** Computes the gradient of input number `input`. */
  inputGradient(
    program: BackwardProgram,
    operation: Operation,
    input: number,
    segment: Segment,
  ): void;
  /** Computes the gradients of the operation's weights. */
  weightGradients?(
    program: BackwardProgram,
    operation: Operation,
    segment: Segment,
  ): void;
  /** What a fused batch normalization's sums run over, if not its whole input. */
  normInput?(
    program: BackwardProgram,
    operation: Operation,
    input: number,
  ): PixelBuffer;
}
