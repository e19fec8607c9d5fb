// PReLU: below 0 a slope that is learned, one per channel or one per value.

import { NO_BORDER, type PixelBuffer } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import { paddedRows, unpaddedRows } from "../packing.ts";
import type { BackwardProgram, Emitter, ForwardProgram } from "./emitter.ts";

/** Where the slopes lie, and how x divides into rows that share them. */
function slopesOf(
  { layout }: ForwardProgram | BackwardProgram,
  { node }: Operation,
  x: PixelBuffer,
) {
  if (node.op !== "prelu") throw new TypeError(`${node.op} is not PReLU`);
  const { offset } = layout.graph.weights[node.alpha];
  const own = node.shared ? 1 : x.pixels;
  return {
    weights: [offset, own, node.shape[2]] as const,
    rows: x.pixels / own,
    length: own * x.channels,
  };
}

export const preluEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const { kernels } = program;
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const { weights, rows, length } = slopesOf(program, operation, x);
    const alpha = program.pack(paddedRows(...weights));
    segment.add(
      (face, faces) =>
        kernels.prelu(x.at(face), 0, alpha, y.at(face), faces * rows, length),
      x,
      y,
    );
  },

  inputGradient(program, operation, _input, segment) {
    const { kernels } = program;
    const [value] = operation.inputs;
    const x = program.value(value, NO_BORDER, segment);
    const dy = program.gradient(operation.output);
    const { weights, rows, length } = slopesOf(program, operation, x);
    const alpha = program.pack(paddedRows(...weights));
    const emit = (dx: PixelBuffer) =>
      segment.add(
        (face, faces) =>
          kernels.prelu(
            x.at(face),
            dy.at(face),
            alpha,
            dx.at(face),
            faces * rows,
            length,
          ),
        x,
        dy,
        dx,
      );
    program.contribute(value, segment, false, emit);
  },

  weightGradients(program, operation, segment) {
    const { kernels } = program;
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const dy = program.gradient(operation.output);
    const { weights, rows, length } = slopesOf(program, operation, x);
    const [offset, own, channels] = weights;
    const index = unpaddedRows(own, channels);
    const out = program.weightGradient(length * 4, offset, index);
    segment.add(
      (face, faces) =>
        kernels.preluSlopes(x.at(face), dy.at(face), out, faces * rows, length),
      x,
      dy,
    );
  },
};
