// Gradients of convolutions and depthwise convolutions, and the buffers that all
// gradients go to: part of a training program (backward.ts).

import { covers, type Packed, reach } from "./compiler.ts";
import type { Window } from "../graph.ts";
import {
  type Border,
  NO_BORDER,
  padded,
  PixelBuffer,
  type Segment,
} from "./buffers.ts";
import { type Operation, windowOf } from "./fusion.ts";
import {
  filterGradients,
  paddedRows,
  tapWeights,
  turnedWeights,
  unpaddedRows,
} from "./packing.ts";
import { Forward } from "./forward.ts";

/** Gradients as kernels leave them, and where each parameter's lies. */
interface RawGradient extends Packed {
  bytes: number;
  /** Where the parameters start in the flat array. */
  offset: number;
}

/** A use of a value: an operation and the number of the input. */
export interface Path {
  operation: Operation;
  input: number;
}

/** The forward half and the gradients of window operations. */
export class WindowGradients extends Forward {
  readonly raw: RawGradient[] = [];
  /** Values whose gradient some step has written. */
  protected readonly written = new Set<number>();
  readonly #gradients = new Map<number, PixelBuffer>();

  protected paths(value: number): Path[] {
    return this.program.operations.flatMap((operation) =>
      operation.inputs.flatMap((v, input) =>
        v === value ? [{ operation, input }] : []
      )
    );
  }

  /** The border that the input's gradient wants around the output's. */
  #turnedNeed(operation: Operation): Border {
    const { op, inputs, output } = operation;
    if (op !== "conv" && op !== "depthwise") return NO_BORDER;
    const window = windowOf(operation);
    if (window.strides[0] * window.strides[1] !== 1) return NO_BORDER;
    if (inputs[0] === this.program.input) return NO_BORDER;
    const { shapes } = this.program;
    return reach(this.#turned(window), shapes[output], shapes[inputs[0]]);
  }

  /** The window that leads from output gradients to input gradients. */
  #turned(window: Window): Window {
    const { size, dilation, top, left } = window;
    return {
      ...window,
      top: (size[0] - 1) * dilation[0] - top,
      left: (size[1] - 1) * dilation[1] - left,
    };
  }

  protected gradientOf(value: number): PixelBuffer {
    let buffer = this.#gradients.get(value);
    if (buffer) return buffer;
    const paths = this.paths(value);
    const maker = this.program.operations.find((o) => o.output === value)!;
    const strided = paths.length === 1 &&
      ["norm", "conv", "depthwise"].includes(paths[0].operation.op);
    const need = this.#turnedNeed(maker);
    buffer = this.buffer(
      this.program.shapes[value],
      strided ? need : NO_BORDER,
    );
    this.#gradients.set(value, buffer);
    return buffer;
  }

  /**
   * Has `emit` write, or add to, the gradient of a value. What cannot add writes
   * to a buffer of its own, which is then added.
   */
  protected contribute(
    value: number,
    segment: Segment,
    adds: boolean,
    emit: (target: PixelBuffer, adds: boolean) => void,
  ): void {
    const target = this.gradientOf(value).use(segment);
    const first = !this.written.has(value);
    this.written.add(value);
    if (first || adds) return emit(target, !first);
    const { height, width, channels } = target;
    const own = this.own(new PixelBuffer(height, width, channels));
    own.use(segment);
    emit(own, false);
    this.copy(segment, own, target, true);
  }

  #rawGradient(bytes: number, offset: number, index: Int32Array): number {
    const address = this.arena.allocate(bytes);
    this.raw.push({ address, bytes, offset, index, table: this.table(index) });
    return address;
  }

  /** Gradients of a convolution's kernel and bias. */
  protected emitWeights(operation: Operation, segment: Segment): void {
    const { op, node, inputs, output } = operation;
    const window = windowOf(operation);
    const dy = this.gradientOf(output).use(segment);
    const x = this.valueIn(inputs[0], this.need(operation), segment);
    x.use(segment);
    const kernel = this.kernelOf(operation, x.channels);
    const { strides, top, left, size } = window;
    const count = size[0] * size[1];
    const origin = top * x.rowBytes + left * x.pixelBytes;
    const from = (face: number) => [
      ...[x.at(face) - origin, x.faceBytes],
      ...[x.rowBytes * strides[0], x.pixelBytes * strides[1]],
    ];
    const slope = (face: number) => [
      ...[dy.at(face), dy.faceBytes, dy.rowBytes, dy.pixelBytes],
    ];
    if (op === "conv") {
      const bytes = count * x.channels * dy.channels * 4;
      const index = filterGradients(kernel);
      const out = this.#rawGradient(bytes, kernel.offset, index);
      const taps = this.taps(window, x, true);
      const flat = x.dense && dy.dense && count * strides[0] * strides[1] === 1;
      segment.steps.push((face, faces) =>
        this.kernels.convFilter(
          ...[...from(face), taps.address, taps.count, taps.floats],
          ...[...slope(face), out],
          ...(flat ? [1, 1, faces * dy.pixels] : [faces, dy.height, dy.width]),
          dy.channels / 8,
        )
      );
    } else {
      const bytes = count * x.channels * 4;
      const index = unpaddedRows(count, kernel.inputs);
      const out = this.#rawGradient(bytes, kernel.offset, index);
      const taps = this.taps(window, x, false);
      segment.steps.push((face, faces) =>
        this.kernels.depthwiseFilter(
          ...[...from(face), taps.address, taps.count],
          ...[...slope(face), out, faces, dy.height, dy.width, dy.channels],
        )
      );
    }
    const bias = "bias" in node ? node.bias : null;
    if (bias === null) return;
    // The bias is the weight of an input that is always one.
    const { offset } = this.graph.weights[bias];
    const index = unpaddedRows(1, node.shape[2]);
    const out = this.#rawGradient(dy.channels * 4, offset, index);
    const tap = this.table(new Int32Array(1));
    segment.steps.push((face, faces) =>
      this.kernels.convFilter(
        ...[this.ones, 0, 0, 0, tap, 1, 1],
        ...[...slope(face), out, faces, dy.height, dy.width, dy.channels / 8],
      )
    );
  }

  protected clear(segment: Segment, buffer: PixelBuffer): void {
    segment.steps.push((face, faces) =>
      this.kernels.zero(buffer.start(face), faces * buffer.faceBytes)
    );
  }

  /** Input gradients of convolutions and depthwise convolutions. */
  protected emitWindowInput(
    operation: Operation,
    segment: Segment,
    dy: PixelBuffer,
  ): void {
    const { op, inputs } = operation;
    const window = windowOf(operation);
    const { size, strides } = window;
    const kernel = this.kernelOf(operation, padded(operation.node.shape[2]));
    if (op !== "conv" && op !== "depthwise") return;
    if (strides[0] * strides[1] === 1) {
      const need = this.#turnedNeed(operation);
      const from = covers(dy.border, need)
        ? dy
        : this.withBorder(dy, need, segment, `gradient ${operation.output}`);
      const weights = this.pack(
        op === "conv"
          ? turnedWeights(kernel)
          : paddedRows(kernel.offset, size[0] * size[1], kernel.inputs, true),
      );
      const turned = this.#turned(window);
      this.contribute(inputs[0], segment, true, (dx, adds) => {
        this[op](segment, turned, from, weights, 0, dx, adds ? 2 : 0);
      });
      return;
    }
    if (op === "conv" && size[0] * size[1] === 1) {
      this.contribute(inputs[0], segment, true, (dx, adds) => {
        if (!adds) this.clear(segment, dx);
        this.#scatter(operation, segment, dy, dx);
      });
      return;
    }
    // Onto a zeroed input with its border, of which the inside counts.
    const { shapes } = this.program;
    const wide = this.buffer(shapes[inputs[0]], this.need(operation));
    wide.use(segment);
    this.clear(segment, wide);
    this.#scatter(operation, segment, dy, wide);
    this.contribute(
      inputs[0],
      segment,
      true,
      (dx, adds) => this.copy(segment, wide, dx, adds),
    );
  }

  /** Adds each output gradient, times the weights, to the inputs it came from. */
  #scatter(
    operation: Operation,
    segment: Segment,
    dy: PixelBuffer,
    dx: PixelBuffer,
  ): void {
    const window = windowOf(operation);
    const { size, strides, dilation, top, left } = window;
    const kernel = this.kernelOf(operation, dy.channels);
    const origin = top * dx.rowBytes + left * dx.pixelBytes;
    const steps = [dx.rowBytes * strides[0], dx.pixelBytes * strides[1]];
    if (operation.op === "depthwise") {
      const taps = this.taps(window, dx, false);
      const count = size[0] * size[1];
      const weights = this.pack(
        paddedRows(kernel.offset, count, kernel.inputs),
      );
      segment.steps.push((face, faces) =>
        this.kernels.depthwiseInput(
          ...[dx.at(face) - origin, dx.faceBytes, ...steps],
          ...[taps.address, taps.count, weights],
          ...[dy.at(face), dy.faceBytes, dy.rowBytes, dy.pixelBytes],
          ...[faces, dy.height, dy.width, dy.channels],
        )
      );
      return;
    }
    const here = this.table(new Int32Array(1));
    tapWeights(kernel).forEach((index, tap) => {
      const weights = this.pack(index);
      const offset = Math.floor(tap / size[1]) * dilation[0] * dx.rowBytes +
        tap % size[1] * dilation[1] * dx.pixelBytes - origin;
      segment.steps.push((face, faces) =>
        this.kernels.conv(
          ...[dy.at(face), dy.faceBytes, dy.rowBytes, dy.pixelBytes],
          ...[here, 1, dy.channels, weights, 0],
          ...[dx.at(face) + offset, dx.faceBytes, ...steps],
          ...[faces, dy.height, dy.width, dx.channels / 8, 2],
        )
      );
    });
  }
}
