// The backward half of a training program: for each operation, in reverse, the
// gradients of its inputs and weights (of convolutions:
// conv_backward.ts). Batch normalization needs sums over the whole
// batch first, so its input's gradient starts a new segment.

import { ACTIVATIONS, UNBOUNDED } from "./compiler.ts";
import type { NetworkGraph } from "../graph.ts";
import {
  type Arena,
  NO_BORDER,
  type PixelBuffer,
  type Segment,
} from "./buffers.ts";
import { type Norm, type Operation, windowOf } from "./fusion.ts";
import { type Path, WindowGradients } from "./conv_backward.ts";
import type { Kernels } from "../wasm/kernels.ts";

/** A complete training program: forward, then backward. */
export class Training extends WindowGradients {
  readonly forwardSegments: Segment[];
  readonly backwardSegments: Segment[] = [];
  /** Where the loss's gradient for the logits goes. */
  readonly slope: PixelBuffer;
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
    this.slope = this.gradientOf(logits).keep();
    this.written.add(logits);
    const levels = Math.max(...[...this.#turn.values()].flat());
    for (let level = 0; level <= levels; level++) {
      const segment = this.segment(`backward ${level}`);
      this.backwardSegments.push(segment);
      for (const operation of operations.toReversed()) {
        this.#emitAt(operation, level, segment);
      }
    }
  }

  /** As early as possible, then each as late as its input's gradient allows. */
  #schedule(): void {
    const { operations, input, logits } = this.program;
    const early = new Map<number, number>([[logits, 0]]);
    const after = ({ operation, input }: Path) =>
      early.get(operation.output)! + (operation.norms[input] ? 1 : 0);
    for (const { output } of operations.toReversed()) {
      if (output === logits) continue;
      early.set(output, Math.max(...this.paths(output).map(after)));
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

  #emitAt(operation: Operation, level: number, segment: Segment): void {
    const { op, inputs, output, norms } = operation;
    const turns = this.#turn.get(operation)!;
    norms.forEach((norm, i) => {
      if (norm && this.#ready.get(output) === level) {
        this.#sums(operation, i, norm, segment);
      }
    });
    if ((op === "conv" || op === "depthwise") && turns[0] === level) {
      this.emitWeights(operation, segment);
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
    const dy = this.gradientOf(operation.output).use(segment);
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

  /** The gradient of one input of an operation. */
  #input(operation: Operation, input: number, segment: Segment): void {
    const { op, node, inputs, output, norms } = operation;
    const value = inputs[input];
    const dy = this.gradientOf(output).use(segment);
    const { kernels } = this;
    if (norms[input] && !(op === "maxPool" && input === 0)) {
      this.#normInput(operation, input, segment, dy);
      return;
    }
    switch (op) {
      case "conv":
      case "depthwise":
        this.emitWindowInput(operation, segment, dy);
        return;
      case "maxPool":
        if (input === 0) this.#maxPoolInput(operation, segment, dy);
        else this.#pass(value, segment, dy);
        return;
      case "add":
        this.#pass(value, segment, dy);
        return;
      case "dropout":
        this.contribute(value, segment, false, (dx) => {
          const rate = node.op === "dropout" ? node.rate : 0;
          this.drop(segment, output, rate, dy, dx);
        });
        return;
      case "averagePool": {
        if (node.op !== "averagePool") return;
        const { size, strides, top, left } = node.window;
        this.contribute(value, segment, true, (dx, adds) => {
          if (!adds) this.clear(segment, dx);
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
        this.contribute(
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
        this.contribute(
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
    this.contribute(
      value,
      segment,
      true,
      (dx, adds) => this.copy(segment, dy, dx, adds),
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
    this.contribute(
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
    this.contribute(
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
    this.contribute(
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
}
