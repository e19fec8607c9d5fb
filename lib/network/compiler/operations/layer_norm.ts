// Layer normalization: each pixel's channels to mean 0 and variance 1, then a
// scale and a shift per channel, both learned.

import { NO_BORDER, type PixelBuffer, type Segment } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import { paddedRows, unpaddedRows } from "../packing.ts";
import type { BackwardProgram, Emitter, ForwardProgram } from "./emitter.ts";

function normOf({ node }: Operation) {
  if (node.op === "layerNorm") return { ...node, channels: node.shape[2] };
  throw new TypeError(`${node.op} is not a layer normalization`);
}

/** A packed weight, or `none` if the layer has none. */
function packed(
  program: ForwardProgram | BackwardProgram,
  weight: number | null,
  none: number,
): number {
  if (weight === null) return none;
  const { offset, shape } = program.layout.graph.weights[weight];
  return program.pack(paddedRows(offset, 1, shape[0]));
}

/** Where a weight's gradient is added up. */
function gradientOf(
  program: BackwardProgram,
  weight: number | null,
  { channels: room }: PixelBuffer,
): number {
  if (weight === null) return program.layout.floats(room);
  const { offset, shape } = program.layout.graph.weights[weight];
  const index = unpaddedRows(1, shape[0]);
  return program.weightGradient(room * 4, offset, index);
}

export const layerNormEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const { kernels, layout: { identity } } = program;
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const { channels, epsilon, ...weights } = normOf(operation);
    const gamma = packed(program, weights.gamma, identity.scale);
    const beta = packed(program, weights.beta, identity.shift);
    segment.add(
      (face, faces) =>
        kernels.layerNorm(
          x.at(face),
          gamma,
          beta,
          y.at(face),
          faces * x.pixels,
          channels,
          x.channels,
          epsilon,
        ),
      x,
      y,
    );
  },

  inputGradient(program, operation, _input, segment) {
    program.contribute(
      operation.inputs[0],
      segment,
      false,
      (dx) => emitGradients(program, operation, segment, dx),
    );
  },

  // They are computed with the input's gradient, which the network's own input lacks.
  weightGradients(program, operation, segment) {
    const { layout } = program;
    const [value] = operation.inputs;
    if (value !== layout.program.input) return;
    const unused = layout.buffer(layout.program.shapes[value]);
    emitGradients(program, operation, segment, unused);
  },
};

/** The gradients of the input, to `dx`, and of the weights. */
function emitGradients(
  program: BackwardProgram,
  operation: Operation,
  segment: Segment,
  dx: PixelBuffer,
): void {
  const { kernels, layout: { identity } } = program;
  const x = program.value(operation.inputs[0], NO_BORDER, segment);
  const dy = program.gradient(operation.output);
  const { channels, epsilon, ...weights } = normOf(operation);
  const gamma = packed(program, weights.gamma, identity.scale);
  const dgamma = gradientOf(program, weights.gamma, x);
  const dbeta = gradientOf(program, weights.beta, x);
  segment.add(
    (face, faces) =>
      kernels.layerNormGradient(
        x.at(face),
        dy.at(face),
        gamma,
        dx.at(face),
        dgamma,
        dbeta,
        faces * x.pixels,
        channels,
        x.channels,
        epsilon,
      ),
    x,
    dy,
    dx,
  );
}
