// Gaussian noise, in training only: its gradient is the output's.

import { NO_BORDER } from "../buffers.ts";
import { passGradient } from "./element.ts";
import type { Emitter } from "./emitter.ts";

export const noiseEmitter: Emitter = {
  forward(program, { node, inputs, output }, segment, y) {
    if (node.op !== "noise") throw new TypeError(`${node.op} is not noise`);
    const { kernels } = program;
    const { deviation } = node;
    const x = program.value(inputs[0], NO_BORDER, segment);
    segment.add(
      (face, faces) =>
        kernels.addNoise(
          x.at(face),
          y.at(face),
          faces * x.floats,
          face * x.floats,
          program.dropoutSeed(output),
          deviation,
        ),
      x,
      y,
    );
  },

  inputGradient: passGradient,
};
