// Where a network's numbers are stored: buffers in one WebAssembly memory, laid out once.
// A buffer that one segment of the program alone uses holds a few faces at a
// time and stays in the processor's cache; others hold the whole batch.

import type { Shape } from "../graph.ts";

/** Zero pixels around a buffer's own. */
export interface Border {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

export const NO_BORDER: Border = { top: 0, left: 0, bottom: 0, right: 0 };

/** Whether a border is at least as wide as another on each side. */
export function covers(have: Border, need: Border): boolean {
  return have.top >= need.top && have.left >= need.left &&
    have.bottom >= need.bottom && have.right >= need.right;
}

/** The narrowest border that covers both. */
export function union(a: Border, b: Border): Border {
  return {
    top: Math.max(a.top, b.top),
    left: Math.max(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
  };
}

/** The most that a segment's buffers take together: half of a typical L2 cache. */
const SEGMENT_BYTES = 640 * 1024;

/** Channels as laid out: the next multiple of 8. */
export function padded(channels: number): number {
  return Math.ceil(channels / 8) * 8;
}

/** A buffer of pixels, `channels` floats each, for a few faces or all. */
export class PixelBuffer {
  readonly rowBytes: number;
  readonly faceBytes: number;
  readonly pixelBytes: number;
  readonly #origin: number;
  readonly #segments = new Set<Segment>();
  #address = 0;
  /** From face to face; 0 in buffers of a few faces, which start over each time. */
  #step = 0;
  #kept = false;
  #reserved = false;

  constructor(
    readonly height: number,
    readonly width: number,
    readonly channels: number,
    readonly border: Border = NO_BORDER,
    pixelBytes = channels * 4,
  ) {
    this.pixelBytes = pixelBytes;
    this.rowBytes = (width + border.left + border.right) * pixelBytes;
    const rows = height + border.top + border.bottom;
    this.faceBytes = Math.ceil(rows * this.rowBytes / 64) * 64;
    this.#origin = border.top * this.rowBytes + border.left * pixelBytes;
    if (this.dense) this.faceBytes = rows * this.rowBytes;
  }

  /** Whether pixel follows pixel and face follows face, without gaps. */
  get dense(): boolean {
    const { top, left, bottom, right } = this.border;
    return top + left + bottom + right === 0;
  }

  get pixels(): number {
    return this.height * this.width;
  }

  /** Floats per face, if dense. */
  get floats(): number {
    return this.pixels * this.channels;
  }

  /** Marks use in a segment; two segments' buffers hold the whole batch. */
  use(segment: Segment): this {
    this.#segments.add(segment);
    segment.buffers.add(this);
    return this;
  }

  /** Keeps all faces, for buffers that are read from outside. */
  keep(): this {
    this.#kept = true;
    return this.reserve();
  }

  /** Reserves memory for this buffer alone, as for zeros that must stay. */
  reserve(): this {
    this.#reserved = true;
    return this;
  }

  /** Whether other buffers may lie here before and after; a border's zeros must stay. */
  get shares(): boolean {
    return this.dense && !this.#reserved;
  }

  /** Whether it holds the whole batch, not its segment's chunk. */
  get whole(): boolean {
    return this.#kept || this.#segments.size !== 1;
  }

  /** Bytes of the batch, or of the chunk. */
  bytes(batch: number): number {
    const faces = this.whole ? batch : [...this.#segments][0].chunk;
    return this.faceBytes * faces;
  }

  place(address: number): void {
    this.#address = address;
    this.#step = this.whole ? this.faceBytes : 0;
  }

  /** The first own pixel of a face. */
  at(face: number): number {
    return this.#address + this.#origin + face * this.#step;
  }

  /** The same with the border. */
  start(face: number): number {
    return this.at(face) - this.#origin;
  }
}

/** A call of a kernel for `faces` faces from `face` on. */
export type Step = (face: number, faces: number) => void;

/** Steps that run over a few faces at a time, then the next few, then an end. */
export class Segment {
  readonly buffers = new Set<PixelBuffer>();
  readonly steps: Step[] = [];
  /** The buffers that each step reads or writes. */
  readonly uses: PixelBuffer[][] = [];
  /** Copies with a border, of buffers that have none or a narrower one. */
  readonly copies: { from: PixelBuffer; to: PixelBuffer }[] = [];
  /** Runs once after all faces, with their number. */
  readonly ends: ((faces: number) => void)[] = [];
  /** Faces at a time. */
  chunk = 1;
  #backwards = false;

  /** Adds a step and marks the buffers that it uses. */
  add(step: Step, ...buffers: PixelBuffer[]): void {
    for (const buffer of buffers) buffer.use(this);
    this.steps.push(step);
    this.uses.push(buffers);
  }

  /**
   * Decides how many faces run at a time. Every second segment runs `backwards`: it
   * starts with the faces that the one before has left in the cache.
   */
  plan(batch: number, backwards: boolean): void {
    this.#backwards = backwards;
    let bytes = 0;
    for (const buffer of this.buffers) bytes += buffer.faceBytes;
    const most = Math.floor(SEGMENT_BYTES / Math.max(1, bytes));
    this.chunk = Math.max(1, Math.min(batch, most));
  }

  /** Runs all steps for `count` faces. */
  run(count: number): void {
    const chunks = Math.ceil(count / this.chunk);
    for (let i = 0; i < chunks; i++) {
      const face = this.chunk * (this.#backwards ? chunks - 1 - i : i);
      const faces = Math.min(this.chunk, count - face);
      for (const step of this.steps) step(face, faces);
    }
    for (const end of this.ends) end(count);
  }
}

/** Memory that is allocated from the bottom up and never freed. */
export class Arena {
  #top = 64;

  get bytes(): number {
    return this.#top;
  }

  allocate(bytes: number): number {
    const address = this.#top;
    this.#top += Math.ceil(bytes / 64) * 64;
    return address;
  }
}

/** The buffer of a value of this shape, with a border if given. */
export function bufferFor(
  [height, width, channels]: Shape,
  border: Border = NO_BORDER,
): PixelBuffer {
  return new PixelBuffer(height, width, padded(channels), border);
}

/** The flat arrays that a training program reads and writes. */
export interface FlatArrays {
  parameters: Float32Array;
  gradients: Float32Array;
  statistics: Float32Array;
}
