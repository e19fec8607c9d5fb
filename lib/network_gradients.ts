// The backward half of a training program: for each operation, in reverse, the
// gradients of its inputs and weights. Batch normalization needs sums over the
// whole batch first, so its input's gradient starts a new segment.

import {
  ACTIVATIONS,
  covers,
  type Packed,
  reach,
  UNBOUNDED,
} from "./network_compiler.ts";
import type { NetworkGraph, Window } from "./network_graph.ts";
import {
  type Arena,
  type Border,
  NO_BORDER,
  padded,
  PixelBuffer,
  type Segment,
} from "./network_memory.ts";
import { type Norm, type Operation, windowOf } from "./network_operations.ts";
import {
  filterGradients,
  paddedRows,
  tapWeights,
  turnedWeights,
  unpaddedRows,
} from "./network_packing.ts";
import { Forward } from "./network_training.ts";
import type { Kernels } from "./wasm/kernels/kernels.ts";

/** Gradients as kernels leave them, and where each parameter's lies. */
interface RawGradient extends Packed {
  bytes: number;
  /** Where the parameters start in the flat array. */
  offset: number;
}

/** A use of a value: an operation and the number of the input. */
interface Path {
  operation: Operation;
  input: number;
}

/** A complete training program: forward, then backward. */
export class Training extends Forward {
  readonly raw: RawGradient[] = [];
  readonly forwardSegments: Segment[];
  readonly backwardSegments: Segment[] = [];
  /** Where the loss's gradient for the logits goes. */
  readonly slope: PixelBuffer;
  readonly #gradients = new Map<number, PixelBuffer>();
  readonly #written = new Set<number>();
  /** The backward segment in which a value's gradient is complete. */
  readonly #ready = new Map<number, number>();
  /** The backward segment of each operation's inputs. */
  readonly #turn = new Map<Operation, number[]>();

  constructor(
    graph: NetworkGraph,
    kernels: Kernels,
    arena: Arena,
    input: PixelBuffer,
  ) {
    super(graph, kernels, arena, input);
    this.forwardSegments = [...this.segments];
    this.#schedule();
    const { operations, logits } = this.program;
    this.slope = this.#gradientOf(logits).keep();
    this.#written.add(logits);
    const levels = Math.max(...[...this.#turn.values()].flat());
    for (let level = 0; level <= levels; level++) {
      const segment = this.segment(`backward ${level}`);
      this.backwardSegments.push(segment);
      for (const operation of operations.toReversed()) {
        this.#emitAt(operation, level, segment);
      }
    }
  }

  #paths(value: number): Path[] {
    return this.program.operations.flatMap((operation) =>
      operation.inputs.flatMap((v, input) =>
        v === value ? [{ operation, input }] : []
      )
    );
  }

  /** As early as possible, then each as late as its input's gradient allows. */
  #schedule(): void {
    const { operations, input, logits } = this.program;
    const early = new Map<number, number>([[logits, 0]]);
    const after = ({ operation, input }: Path) =>
      early.get(operation.output)! + (operation.norms[input] ? 1 : 0);
    for (const { output } of operations.toReversed()) {
      if (output === logits) continue;
      early.set(output, Math.max(...this.#paths(output).map(after)));
    }
    for (const operation of operations) {
      const turns = operation.inputs.map((value, i) =>
        value === input
          ? after({ operation, input: i })
          : this.#ready.get(value)!
      );
      this.#turn.set(operation, turns);
      const latest = Math.min(
        ...turns.map((turn, i) => turn - (operation.norms[i] ? 1 : 0)),
      );
      this.#ready.set(operation.output, latest);
    }
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

  #gradientOf(value: number): PixelBuffer {
    let buffer = this.#gradients.get(value);
    if (buffer) return buffer;
    const paths = this.#paths(value);
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
  #contribute(
    value: number,
    segment: Segment,
    adds: boolean,
    emit: (target: PixelBuffer, adds: boolean) => void,
  ): void {
    const target = this.#gradientOf(value).use(segment);
    const first = !this.#written.has(value);
    this.#written.add(value);
    if (first || adds) return emit(target, !first);
    const { height, width, channels } = target;
    const own = this.own(new PixelBuffer(height, width, channels));
    own.use(segment);
    emit(own, false);
    this.copy(segment, own, target, true);
  }

  #emitAt(operation: Operation, level: number, segment: Segment): void {
    const { op, inputs, output, norms } = operation;
    const turns = this.#turn.get(operation)!;
    norms.forEach((norm, i) => {
      if (norm && this.#ready.get(output) === level) {
        this.#sums(operation, i, norm, segment);
      }
    });
    if ((op === "conv" || op === "depthwise") && turns[0] === level) {
      this.#weights(operation, segment);
    }
    inputs.forEach((value, i) => {
      if (turns[i] !== level || value === this.program.input) return;
      this.#input(operation, i, segment);
    });
  }

  /** Sums for a batch normalization's gradient, once its output's is complete. */
  #sums(
    operation: Operation,
    input: number,
    norm: Norm,
    segment: Segment,
  ): void {
    const dy = this.#gradientOf(operation.output).use(segment);
    const state = this.stateOf(norm);
    // Where pooling took a maximum, it alone has a gradient.
    const x = operation.op === "maxPool" && input === 0
      ? this.pools.get(operation)!.values.use(segment)
      : this.valueBuffer(operation.inputs[input]).use(segment);
    const least = operation.relu ? 0 : UNBOUNDED;
    segment.steps.push((face, faces) =>
      this.kernels.normalizeSums(
        ...[x.at(face), dy.at(face), faces * x.pixels, x.channels],
        ...[state.mean, state.scale, state.shift, least, state.slopes],
      )
    );
    segment.ends.push((count) => state.finishGradient(count));
  }

  #rawGradient(bytes: number, offset: number, index: Int32Array): number {
    const address = this.arena.allocate(bytes);
    this.raw.push({ address, bytes, offset, index, table: this.table(index) });
    return address;
  }

  /** Gradients of a convolution's kernel and bias. */
  #weights(operation: Operation, segment: Segment): void {
    const { op, node, inputs, output } = operation;
    const window = windowOf(operation);
    const dy = this.#gradientOf(output).use(segment);
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

  /** The gradient of one input of an operation. */
  #input(operation: Operation, input: number, segment: Segment): void {
    const { op, node, inputs, output, norms } = operation;
    const value = inputs[input];
    const dy = this.#gradientOf(output).use(segment);
    const { kernels } = this;
    if (norms[input] && !(op === "maxPool" && input === 0)) {
      this.#normInput(operation, input, segment, dy);
      return;
    }
    switch (op) {
      case "conv":
      case "depthwise":
        this.#windowInput(operation, segment, dy);
        return;
      case "maxPool":
        if (input === 0) this.#maxPoolInput(operation, segment, dy);
        else this.#pass(value, segment, dy);
        return;
      case "add":
        this.#pass(value, segment, dy);
        return;
      case "dropout":
        this.#contribute(value, segment, false, (dx) => {
          const rate = node.op === "dropout" ? node.rate : 0;
          this.drop(segment, output, rate, dy, dx);
        });
        return;
      case "averagePool": {
        if (node.op !== "averagePool") return;
        const { size, strides, top, left } = node.window;
        this.#contribute(value, segment, true, (dx, adds) => {
          if (!adds) this.#clear(segment, dx);
          segment.steps.push((face, faces) =>
            kernels.averagePoolGradient(
              ...[dy.at(face), dx.height, dx.width, dx.channels],
              ...[...size, ...strides, top, left],
              ...[dx.at(face), faces, dy.height, dy.width],
            )
          );
        });
        return;
      }
      case "globalAverage":
        this.#contribute(
          value,
          segment,
          true,
          (dx, adds) =>
            segment.steps.push((face, faces) =>
              kernels.globalAverageGradient(
                ...[dy.at(face), dx.at(face)],
                ...[faces, dx.pixels, dx.channels, Number(adds)],
              )
            ),
        );
        return;
      case "activation": {
        const kind = node.op === "activation" ? ACTIVATIONS[node.kind] : 0;
        const x = this.valueIn(value, NO_BORDER, segment).use(segment);
        this.#contribute(
          value,
          segment,
          false,
          (dx) =>
            segment.steps.push((face, faces) =>
              kernels.activateGradient(
                ...[kind, x.at(face), dy.at(face), dx.at(face)],
                faces * x.floats,
              )
            ),
        );
        return;
      }
      case "multiply":
        this.#multiplyInput(operation, input, segment, dy);
        return;
      default:
        throw new TypeError(`${op} has no gradient`);
    }
  }

  /** A gradient that is its output's, unchanged. */
  #pass(value: number, segment: Segment, dy: PixelBuffer): void {
    this.#contribute(
      value,
      segment,
      true,
      (dx, adds) => this.copy(segment, dy, dx, adds),
    );
  }

  #clear(segment: Segment, buffer: PixelBuffer): void {
    segment.steps.push((face, faces) =>
      this.kernels.zero(buffer.start(face), faces * buffer.faceBytes)
    );
  }

  #normInput(
    { inputs, norms, relu }: Operation,
    input: number,
    segment: Segment,
    dy: PixelBuffer,
  ): void {
    const x = this.valueBuffer(inputs[input]).use(segment);
    const { coefficients } = this.stateOf(norms[input]!);
    const least = relu ? 0 : UNBOUNDED;
    this.#contribute(
      inputs[input],
      segment,
      false,
      (dx) =>
        segment.steps.push((face, faces) =>
          this.kernels.normalizeGradient(
            ...[x.at(face), dy.at(face), coefficients, least],
            ...[dx.at(face), dx.faceBytes, dx.rowBytes],
            ...[faces, x.height, x.width, x.channels],
          )
        ),
    );
  }

  #maxPoolInput(
    operation: Operation,
    segment: Segment,
    dy: PixelBuffer,
  ): void {
    const [value] = operation.inputs;
    const [norm] = operation.norms;
    const { size, strides, top, left } = windowOf(operation);
    const places = this.pools.get(operation)!.places.use(segment);
    const x = norm ? this.valueBuffer(value).use(segment) : null;
    const coefficients = norm ? this.stateOf(norm).coefficients : 0;
    this.#contribute(
      value,
      segment,
      false,
      (dx) =>
        segment.steps.push((face, faces) =>
          this.kernels.maxPoolGradient(
            ...[x?.at(face) ?? 0, dx.height, dx.width, dx.channels],
            ...[coefficients, ...size, ...strides, top, left],
            ...[dy.at(face), places.at(face), dx.at(face)],
            ...[faces, dy.height, dy.width],
          )
        ),
    );
  }

  #multiplyInput(
    { inputs }: Operation,
    input: number,
    segment: Segment,
    dy: PixelBuffer,
  ): void {
    const other = this.valueIn(inputs[1 - input], NO_BORDER, segment);
    other.use(segment);
    const channelsOnly = other.pixels !== dy.pixels;
    const { kernels } = this;
    this.#contribute(
      inputs[input],
      segment,
      false,
      (dx) =>
        segment.steps.push((face, faces) => {
          const addresses = [other.at(face), dy.at(face), dx.at(face)];
          if (dx.pixels !== dy.pixels) {
            kernels.multiplyChannelsGradient(
              ...[...addresses, faces, dy.pixels, dy.channels],
            );
          } else if (channelsOnly) {
            kernels.multiplyChannels(
              ...[dy.at(face), other.at(face), dx.at(face)],
              ...[faces, dy.pixels, dy.channels],
            );
          } else kernels.multiply(...addresses, faces * dy.floats);
        }),
    );
  }

  /** Input gradients of convolutions and depthwise convolutions. */
  #windowInput(
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
      this.#contribute(inputs[0], segment, true, (dx, adds) => {
        this[op](segment, turned, from, weights, 0, dx, adds ? 2 : 0);
      });
      return;
    }
    if (op === "conv" && size[0] * size[1] === 1) {
      this.#contribute(inputs[0], segment, true, (dx, adds) => {
        if (!adds) this.#clear(segment, dx);
        this.#scatter(operation, segment, dy, dx);
      });
      return;
    }
    // Onto a zeroed input with its border, of which the inside counts.
    const { shapes } = this.program;
    const wide = this.buffer(shapes[inputs[0]], this.need(operation));
    wide.use(segment);
    this.#clear(segment, wide);
    this.#scatter(operation, segment, dy, wide);
    this.#contribute(
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
