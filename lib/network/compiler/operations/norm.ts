// Batch normalization with ReLU, where it is not fused into a convolution; each also
// occurs alone.

import { NO_BORDER, type Segment } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import { normalize, normalizeGradient } from "../steps/norm_steps.ts";
import type { BackwardProgram, Emitter } from "./emitter.ts";

/** The gradient of an input that is normalized on its way in, or passes a ReLU. */
export function normInputGradient(
  program: BackwardProgram,
  { inputs, norms, output, relu }: Operation,
  input: number,
  segment: Segment,
): void {
  const { layout, kernels } = program;
  const dy = program.gradient(output);
  const x = layout.valueBuffer(inputs[input]);
  const norm = norms[input];
  const coefficients = norm
    ? program.normState(norm).coefficients
    : layout.table(passing(x.channels));
  program.contribute(
    inputs[input],
    segment,
    true,
    (dx, adds) =>
      segment.add(
        normalizeGradient(kernels, { x, dy, dx, coefficients, relu, adds }),
        x,
        dy,
        dx,
      ),
  );
}

/** Coefficients as in `NormState`, of the identity. */
function passing(channels: number): Float32Array {
  const [one, zero] = [1, 0].map((of) => Array(channels).fill(of));
  return new Float32Array([one, zero, zero, one, zero].flat());
}

export const normEmitter: Emitter = {
  forward(program, { inputs, norms, relu }, segment, y) {
    const x = program.value(inputs[0], NO_BORDER, segment);
    const affine = program.affine(norms[0], x.channels);
    segment.add(normalize(program.kernels, { x, y, affine, relu }), x, y);
  },

  inputGradient: normInputGradient,
};
