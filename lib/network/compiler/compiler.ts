// What compiling for training and for prediction share: the memory's layout,
// packed weights, values' buffers, and the steps that compute one operation.

import type { NetworkGraph, Shape, Window } from "../graph.ts";
import {
  type Arena,
  type Border,
  bufferFor,
  NO_BORDER,
  padded,
  PixelBuffer,
  Segment,
} from "./buffers.ts";
import { fuse, type Operation, type Operations, windowOf } from "./fusion.ts";
import type { ConvKernel } from "./packing.ts";
import type { Kernels } from "../wasm/kernels.ts";

/** The lowest bound: no ReLU. */
export const UNBOUNDED = -3.4028234663852886e38;

export const ACTIVATIONS = { relu: 1, sigmoid: 2, swish: 3, softmax: 0 };

/** A table of numbers to be written into memory once it exists. */
interface Table {
  address: number;
  data: Int32Array | Float32Array;
}

/** Weights packed for one kernel: which parameters, and where to. */
export interface Packed {
  address: number;
  index: Int32Array;
  /** Where the index itself lies in memory. */
  table: number;
}

/** The taps of a window over a buffer: byte offsets and the floats at each. */
export interface Taps {
  address: number;
  count: number;
  floats: number;
}

/** How far a window reaches over the input's edges. */
export function reach(
  { size, strides, dilation, top, left }: Window,
  [height, width]: Shape,
  [rows, columns]: Shape,
): Border {
  const over = (axis: 0 | 1, steps: number, before: number, length: number) =>
    Math.max(
      0,
      (steps - 1) * strides[axis] + (size[axis] - 1) * dilation[axis] + 1 -
        before - length,
    );
  return {
    ...{ top, left },
    bottom: over(0, rows, top, height),
    right: over(1, columns, left, width),
  };
}

export function covers(have: Border, need: Border): boolean {
  return have.top >= need.top && have.left >= need.left &&
    have.bottom >= need.bottom && have.right >= need.right;
}

export function union(a: Border, b: Border): Border {
  return {
    top: Math.max(a.top, b.top),
    left: Math.max(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
  };
}

const WRITES_STRIDED = ["norm", "maxPool", "conv", "depthwise", "averagePool"];
const READS_STRIDED = ["conv", "depthwise", "averagePool", "globalAverage"];

/** Lays a network out and collects the steps that compute it. */
export class Compiler {
  readonly program: Operations;
  readonly segments: Segment[] = [];
  readonly input: PixelBuffer;
  readonly ones: number;
  readonly zeros: number;
  protected readonly buffers = new Map<number, PixelBuffer>();
  protected readonly all = new Set<PixelBuffer>();
  protected readonly tables: Table[] = [];
  readonly #copies = new Map<string, PixelBuffer>();
  readonly #tapTables = new Map<string, Taps>();

  constructor(
    readonly graph: NetworkGraph,
    readonly kernels: Kernels,
    readonly arena: Arena,
    training: boolean,
    input?: PixelBuffer,
  ) {
    this.program = fuse(graph, training);
    const { shapes } = this.program;
    const [height, width, channels] = shapes[this.program.input];
    this.input = input ??
      this.own(new PixelBuffer(height, width, channels).keep());
    const most = padded(Math.max(...shapes.map((shape) => shape[2])));
    this.ones = this.table(new Float32Array(most).fill(1));
    this.zeros = this.table(new Float32Array(most));
  }

  /** Room for floats of its own, outside all segments. */
  floats(count: number): number {
    return this.arena.allocate(count * 4);
  }

  table(data: Int32Array | Float32Array): number {
    const address = this.arena.allocate(data.byteLength);
    this.tables.push({ address, data });
    return address;
  }

  segment(label: string): Segment {
    const segment = new Segment(label);
    this.segments.push(segment);
    return segment;
  }

  buffer(shape: Shape, border?: Border): PixelBuffer {
    return this.own(bufferFor(shape, border));
  }

  own(buffer: PixelBuffer): PixelBuffer {
    this.all.add(buffer);
    return buffer;
  }

  consumers(value: number): Operation[] {
    return this.program.operations.filter((operation) =>
      operation.inputs.includes(value)
    );
  }

  /** The border that a window operation wants around its input. */
  need(operation: Operation): Border {
    const { shapes } = this.program;
    const { op, inputs, output } = operation;
    if (op !== "conv" && op !== "depthwise") return NO_BORDER;
    return reach(windowOf(operation), shapes[inputs[0]], shapes[output]);
  }

  /** The buffer that a value's operation writes. */
  valueBuffer(value: number): PixelBuffer {
    let buffer = this.buffers.get(value);
    if (buffer) return buffer;
    const shape = this.program.shapes[value];
    const consumers = this.consumers(value);
    if (value === this.program.input) {
      const raw = consumers.every(({ op }) => op === "conv");
      buffer = raw ? this.input : this.buffer(shape);
    } else {
      const maker = this.program.operations.find((o) => o.output === value)!;
      const strided = WRITES_STRIDED.includes(maker.op) &&
        consumers.every(({ op }) => READS_STRIDED.includes(op));
      const border = consumers.map((o) => this.need(o)).reduce(
        union,
        NO_BORDER,
      );
      buffer = this.buffer(shape, strided ? border : NO_BORDER);
    }
    this.buffers.set(value, buffer);
    return buffer;
  }

  /** The buffer itself where its border is wide enough, else a wider copy. */
  withBorder(
    buffer: PixelBuffer,
    need: Border,
    segment: Segment,
    name: string,
  ): PixelBuffer {
    buffer.use(segment);
    if (covers(buffer.border, need)) return buffer;
    const key = `${name} ${segment.label} ${Object.values(need)}`;
    let copy = this.#copies.get(key);
    if (copy) return copy;
    const { height, width, channels } = buffer;
    copy = this.own(new PixelBuffer(height, width, channels, need));
    copy.use(segment);
    this.#copies.set(key, copy);
    this.copy(segment, buffer, copy, false);
    return copy;
  }

  copy(
    segment: Segment,
    from: PixelBuffer,
    to: PixelBuffer,
    adds: boolean,
  ): void {
    from.use(segment);
    to.use(segment);
    const bytes = from.width * from.pixelBytes;
    segment.steps.push((face, faces) =>
      this.kernels.copyRows(
        ...[from.at(face), from.faceBytes, from.rowBytes],
        ...[to.at(face), to.faceBytes, to.rowBytes],
        ...[faces, from.height, bytes, Number(adds)],
      )
    );
  }

  /** The network's input as a value: with room for eight channels if needed. */
  spreadInput(segment: Segment): void {
    const { input } = this.program;
    const buffer = this.valueBuffer(input);
    if (buffer === this.input) return;
    buffer.use(segment);
    segment.steps.push((face, faces) =>
      this.kernels.spread(
        ...[this.input.at(face), this.input.channels],
        ...[buffer.at(face), buffer.channels, faces * buffer.pixels],
      )
    );
  }

  taps({ size, dilation }: Window, x: PixelBuffer, runs: boolean): Taps {
    // Taps side by side are one run of floats.
    const joins = runs && dilation[1] === 1;
    const columns = joins ? 1 : size[1];
    const offsets = new Int32Array(size[0] * columns);
    for (let i = 0; i < offsets.length; i++) {
      offsets[i] = Math.floor(i / columns) * dilation[0] * x.rowBytes +
        i % columns * dilation[1] * x.pixelBytes;
    }
    const floats = joins ? size[1] * x.channels : x.channels;
    const key = `${offsets} ${floats}`;
    let taps = this.#tapTables.get(key);
    if (!taps) {
      const address = this.table(offsets);
      taps = { address, count: offsets.length, floats };
      this.#tapTables.set(key, taps);
    }
    return taps;
  }

  kernelOf(operation: Operation, room: number): ConvKernel {
    const { node, inputs } = operation;
    if (!("kernel" in node)) throw new TypeError(`${node.op} has no kernel`);
    return {
      offset: this.graph.weights[node.kernel].offset,
      window: node.window,
      inputs: this.program.shapes[inputs[0]][2],
      outputs: node.shape[2],
      room,
    };
  }

  /** A convolution, from `x` to `y`, both with the borders they need. */
  conv(
    segment: Segment,
    window: Window,
    x: PixelBuffer,
    weights: number,
    bias: number,
    y: PixelBuffer,
    mode: number,
  ): void {
    x.use(segment);
    y.use(segment);
    const { size, strides, top, left } = window;
    const taps = this.taps(window, x, true);
    const origin = top * x.rowBytes + left * x.pixelBytes;
    const panels = y.channels / 8;
    const flat = x.dense && y.dense && size[0] * size[1] === 1 &&
      strides[0] * strides[1] === 1;
    segment.steps.push((face, faces) =>
      this.kernels.conv(
        ...[x.at(face) - origin, x.faceBytes],
        ...[x.rowBytes * strides[0], x.pixelBytes * strides[1]],
        ...[taps.address, taps.count, taps.floats, weights, bias],
        ...[y.at(face), y.faceBytes, y.rowBytes, y.pixelBytes],
        ...(flat ? [1, 1, faces * y.pixels] : [faces, y.height, y.width]),
        ...[panels, mode],
      )
    );
  }

  depthwise(
    segment: Segment,
    window: Window,
    x: PixelBuffer,
    weights: number,
    bias: number,
    y: PixelBuffer,
    mode: number,
  ): void {
    x.use(segment);
    y.use(segment);
    const { strides, top, left } = window;
    const taps = this.taps(window, x, false);
    const origin = top * x.rowBytes + left * x.pixelBytes;
    segment.steps.push((face, faces) =>
      this.kernels.depthwise(
        ...[x.at(face) - origin, x.faceBytes],
        ...[x.rowBytes * strides[0], x.pixelBytes * strides[1]],
        ...[taps.address, taps.count, weights, bias],
        ...[y.at(face), y.faceBytes, y.rowBytes, y.pixelBytes],
        ...[faces, y.height, y.width, y.channels, mode],
      )
    );
  }

  /** y = max(x * scale + shift, 0 with ReLU). */
  normalize(
    segment: Segment,
    x: PixelBuffer,
    scale: number,
    shift: number,
    relu: boolean,
    y: PixelBuffer,
  ): void {
    x.use(segment);
    y.use(segment);
    const least = relu ? 0 : UNBOUNDED;
    segment.steps.push((face, faces) =>
      this.kernels.normalize(
        ...[x.at(face), scale, shift, least],
        ...[y.at(face), y.faceBytes, y.rowBytes],
        ...[faces, x.height, x.width, x.channels],
      )
    );
  }

  /** Operations that are the same in training and in prediction. */
  simple(segment: Segment, operation: Operation, inputs: PixelBuffer[]): void {
    const { node, output } = operation;
    const { kernels } = this;
    const [x, other] = inputs;
    const y = this.valueBuffer(output).use(segment);
    for (const input of inputs) input.use(segment);
    switch (node.op) {
      case "averagePool": {
        const { size, strides, top, left } = node.window;
        segment.steps.push((face, faces) =>
          kernels.averagePool(
            ...[x.at(face), x.faceBytes, x.rowBytes],
            ...[x.height, x.width, x.channels, ...size, ...strides, top, left],
            ...[y.at(face), y.faceBytes, y.rowBytes],
            ...[faces, y.height, y.width],
          )
        );
        break;
      }
      case "globalAverage":
        segment.steps.push((face, faces) =>
          kernels.globalAverage(
            ...[x.at(face), x.faceBytes, x.rowBytes, y.at(face)],
            ...[faces, x.height, x.width, x.channels],
          )
        );
        break;
      case "activation": {
        const kind = ACTIVATIONS[node.kind];
        segment.steps.push((face, faces) =>
          kernels.activate(kind, x.at(face), y.at(face), faces * x.floats)
        );
        break;
      }
      case "add":
        segment.steps.push((face, faces) =>
          kernels.add(x.at(face), other.at(face), y.at(face), faces * x.floats)
        );
        break;
      case "multiply":
        segment.steps.push((face, faces) =>
          x.pixels === other.pixels
            ? kernels.multiply(
              ...[x.at(face), other.at(face), y.at(face), faces * x.floats],
            )
            : kernels.multiplyChannels(
              ...[x.at(face), other.at(face), y.at(face)],
              ...[faces, x.pixels, x.channels],
            )
        );
        break;
      default:
        throw new TypeError(`${node.op} is no simple operation`);
    }
  }

  /** Lays all buffers out for `batch` faces. */
  layOut(batch: number): void {
    for (const segment of this.segments) segment.plan(batch);
    for (const buffer of this.all) buffer.place(this.arena, batch);
  }

  /** Writes the tables, once the memory is as large as the layout. */
  writeTables(memory: WebAssembly.Memory): void {
    for (const { address, data } of this.tables) {
      new Uint8Array(memory.buffer, address, data.byteLength).set(
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
    }
  }
}
