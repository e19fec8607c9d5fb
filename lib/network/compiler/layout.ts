// What every program of a network has: the fused operations, where their values
// and tables lie in memory, and the segments of steps that compute them. It knows
// nothing of kernels: what runs is in operations/, in which order in
// prediction.ts, forward.ts and backward.ts.

import type { NetworkGraph, Shape, Window } from "../graph.ts";
import {
  type Arena,
  type Border,
  bufferFor,
  covers,
  NO_BORDER,
  padded,
  PixelBuffer,
  Segment,
  union,
} from "./buffers.ts";
import { fuse, type Operation, type Operations, windowOf } from "./fusion.ts";
import type { ConvKernel } from "./packing.ts";
import { place } from "./placement.ts";

/** A table of numbers to be written into memory once it exists. */
interface Table {
  address: number;
  data: Int32Array | Float32Array;
}

/** The taps of a window over a buffer: byte offsets and the floats at each. */
export interface Taps {
  address: number;
  count: number;
  floats: number;
}

/** Addresses of one float per channel: y = x * scale + shift. */
export interface Affine {
  scale: number;
  shift: number;
}

/** A use of a value: an operation and the number of the input. */
export interface Use {
  operation: Operation;
  input: number;
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
    top,
    left,
    bottom: over(0, rows, top, height),
    right: over(1, columns, left, width),
  };
}

const WRITES_STRIDED = [
  "norm",
  "add",
  "maxPool",
  "conv",
  "depthwise",
  "averagePool",
  "pad",
];
const READS_STRIDED = ["conv", "depthwise", "averagePool", "globalAverage"];

/** The memory of one program. */
export class Layout {
  readonly program: Operations;
  readonly segments: Segment[] = [];
  readonly input: PixelBuffer;
  /** Scale 1 and shift 0, for the largest number of channels. */
  readonly identity: Affine;
  readonly #values = new Map<number, PixelBuffer>();
  readonly #all = new Set<PixelBuffer>();
  readonly #tables: Table[] = [];
  readonly #tapTables = new Map<string, Taps>();

  constructor(
    readonly graph: NetworkGraph,
    readonly arena: Arena,
    options: { training: boolean; input?: PixelBuffer },
  ) {
    this.program = fuse(graph, options.training);
    const { shapes } = this.program;
    const [height, width, channels] = shapes[this.program.input];
    this.input = options.input ??
      this.own(new PixelBuffer(height, width, channels).keep());
    const most = padded(Math.max(...shapes.map((shape) => shape[2])));
    this.identity = {
      scale: this.table(new Float32Array(most).fill(1)),
      shift: this.table(new Float32Array(most)),
    };
  }

  /** Room for floats outside all segments. */
  floats(count: number): number {
    return this.arena.allocate(count * 4);
  }

  /** A constant table in memory. */
  table(data: Int32Array | Float32Array): number {
    const address = this.arena.allocate(data.byteLength);
    this.#tables.push({ address, data });
    return address;
  }

  /** A new segment, which runs after those before it. */
  segment(): Segment {
    const segment = new Segment();
    this.segments.push(segment);
    return segment;
  }

  /** A new buffer of this shape. */
  buffer(shape: Shape, border?: Border): PixelBuffer {
    return this.own(bufferFor(shape, border));
  }

  /** Registers a buffer to be laid out. */
  own(buffer: PixelBuffer): PixelBuffer {
    this.#all.add(buffer);
    return buffer;
  }

  /** Who uses a value, and as which input. */
  uses(value: number): Use[] {
    return this.program.operations.flatMap((operation) =>
      operation.inputs.flatMap((v, input) =>
        v === value ? [{ operation, input }] : []
      )
    );
  }

  /** The operation that computes a value; none computes the input. */
  maker(value: number): Operation | undefined {
    return this.program.operations.find((o) => o.output === value);
  }

  /** The border that a window operation needs around its input. */
  need(operation: Operation): Border {
    const { shapes } = this.program;
    const { op, inputs, output } = operation;
    if (op !== "conv" && op !== "depthwise") return NO_BORDER;
    return reach(windowOf(operation), shapes[inputs[0]], shapes[output]);
  }

  /** The buffer that a value's operation writes. */
  valueBuffer(value: number): PixelBuffer {
    let buffer = this.#values.get(value);
    if (buffer) return buffer;
    const shape = this.program.shapes[value];
    const consumers = this.uses(value).map(({ operation }) => operation);
    if (value === this.program.input) {
      const raw = consumers.every(({ op }) => op === "conv");
      buffer = raw ? this.input : this.buffer(shape);
    } else {
      const strided = WRITES_STRIDED.includes(this.maker(value)!.op) &&
        consumers.every(({ op }) => READS_STRIDED.includes(op));
      const border = consumers.map((o) => this.need(o)).reduce(
        union,
        NO_BORDER,
      );
      buffer = this.buffer(shape, strided ? border : NO_BORDER);
      if (this.maker(value)!.op === "pad") buffer.reserve();
    }
    this.#values.set(value, buffer);
    return buffer;
  }

  /** The buffer itself where its border is wide enough, else a wider copy. */
  withBorder(
    buffer: PixelBuffer,
    need: Border,
    segment: Segment,
    copy: (from: PixelBuffer, to: PixelBuffer) => void,
  ): PixelBuffer {
    buffer.use(segment);
    if (covers(buffer.border, need)) return buffer;
    const known = segment.copies.find(({ from, to }) =>
      from === buffer && covers(to.border, need) && covers(need, to.border)
    );
    if (known) return known.to;
    const { height, width, channels } = buffer;
    const to = this.own(new PixelBuffer(height, width, channels, need));
    to.use(segment);
    segment.copies.push({ from: buffer, to });
    copy(buffer, to);
    return to;
  }

  /** Where a window's taps lie in a buffer, in `runs` of taps side by side. */
  taps({ size, dilation }: Window, x: PixelBuffer, runs: boolean): Taps {
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

  /** An operation's kernel, for pixels with room for `room` channels. */
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

  /** Lays all buffers out for `batch` faces. */
  layOut(batch: number): void {
    this.segments.forEach((segment, i) => segment.plan(batch, i % 2 > 0));
    place(this.#all, this.segments, this.arena, batch);
  }

  /** Writes the tables, once the memory is as large as the layout. */
  writeTables(memory: WebAssembly.Memory): void {
    for (const { address, data } of this.#tables) {
      new Uint8Array(memory.buffer, address, data.byteLength).set(
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      );
    }
  }
}
