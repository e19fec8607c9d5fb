// Operations that work element by element: activation, sum, product, dropout.
// A sum may normalize its first input; ReLU is in norm.ts.

import { NO_BORDER, type Segment } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import {
  activate,
  copy,
  drop,
  multiply,
  multiplyChannelsGradient,
} from "../steps/element_steps.ts";
import { normalize } from "../steps/norm_steps.ts";
import type { BackwardProgram, Emitter } from "./emitter.ts";
import { normInputGradient } from "./norm.ts";

/** A gradient that is the output's, unchanged. */
export function passGradient(
  program: BackwardProgram,
  { inputs, output }: Operation,
  input: number,
  segment: Segment,
): void {
  const dy = program.gradient(output);
  program.contribute(
    inputs[input],
    segment,
    true,
    (dx, adds) =>
      segment.add(
        copy(program.kernels, { from: dy, to: dx, adds }),
        dy,
        dx,
      ),
  );
}

function activationOf({ node }: Operation) {
  if (node.op === "activation" && node.kind !== "relu") {
    return { kind: node.kind, alpha: node.alpha };
  }
  throw new TypeError(`${node.op} is not an activation`);
}

export const activationEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const call = { ...activationOf(operation), x, y };
    segment.add(activate(program.kernels, call), x, y);
  },

  inputGradient(program, operation, _input, segment) {
    const own = activationOf(operation);
    const dy = program.gradient(operation.output);
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    program.contribute(
      operation.inputs[0],
      segment,
      false,
      (dx) =>
        segment.add(
          activate(program.kernels, { ...own, x, y: dx, dy }),
          x,
          dy,
          dx,
        ),
    );
  },
};

export const addEmitter: Emitter = {
  forward(program, { inputs, norms, relu }, segment, y) {
    const [x, shortcut] = inputs.map((value) =>
      program.value(value, NO_BORDER, segment)
    );
    const affine = program.affine(norms[0], x.channels);
    const call = { x, shortcut, y, affine, relu };
    segment.add(normalize(program.kernels, call), x, shortcut, y);
  },

  inputGradient(program, operation, input, segment) {
    const gradient = operation.norms[input] ? normInputGradient : passGradient;
    gradient(program, operation, input, segment);
  },
};

export const multiplyEmitter: Emitter = {
  forward(program, { inputs }, segment, y) {
    const [x, factor] = inputs.map((value) =>
      program.value(value, NO_BORDER, segment)
    );
    segment.add(multiply(program.kernels, { x, factor, y }), x, factor, y);
  },

  inputGradient(program, { inputs, output }, input, segment) {
    const { kernels } = program;
    const dy = program.gradient(output);
    const other = program.value(inputs[1 - input], NO_BORDER, segment);
    program.contribute(inputs[input], segment, false, (dx) =>
      segment.add(
        dx.pixels === dy.pixels
          ? multiply(kernels, { x: dy, factor: other, y: dx })
          : multiplyChannelsGradient(kernels, { x: other, dy, dx }),
        other,
        dy,
        dx,
      ));
  },
};

function dropoutRate({ node }: Operation): number {
  if (node.op === "dropout") return node.rate;
  throw new TypeError(`${node.op} is not dropout`);
}

export const dropoutEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const seed = () => program.dropoutSeed(operation.output);
    const rate = dropoutRate(operation);
    segment.add(drop(program.kernels, { x, y, rate, seed }), x, y);
  },

  inputGradient(program, operation, _input, segment) {
    const dy = program.gradient(operation.output);
    const seed = () => program.dropoutSeed(operation.output);
    const rate = dropoutRate(operation);
    program.contribute(
      operation.inputs[0],
      segment,
      false,
      (dx) =>
        segment.add(
          drop(program.kernels, { x: dy, y: dx, rate, seed }),
          dy,
          dx,
        ),
    );
  },
};
