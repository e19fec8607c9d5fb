// Batch normalization with ReLU, where it is not fused into a convolution.

import { NO_BORDER, type Segment } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import { normalize, normalizeGradient } from "../steps/norm_steps.ts";
import type { BackwardProgram, Emitter } from "./emitter.ts";

/** The gradient of an input that is normalized on its way in. */
export function normInputGradient(
  program: BackwardProgram,
  { inputs, norms, output, relu }: Operation,
  input: number,
  segment: Segment,
): void {
  const { layout, kernels } = program;
  const dy = program.gradient(output);
  const x = layout.valueBuffer(inputs[input]);
  const { coefficients } = program.normState(norms[input]!);
  program.contribute(
    inputs[input],
    segment,
    false,
    (dx) =>
      segment.add(
        normalizeGradient(kernels, { x, dy, dx, coefficients, relu }),
        x,
        dy,
        dx,
      ),
  );
}

export const normEmitter: Emitter = {
  forward(program, { inputs, norms, relu }, segment, y) {
    const x = program.value(inputs[0], NO_BORDER, segment);
    const affine = program.affine(norms[0], x.channels);
    segment.add(normalize(program.kernels, { x, y, affine, relu }), x, y);
  },

  inputGradient: normInputGradient,
};
