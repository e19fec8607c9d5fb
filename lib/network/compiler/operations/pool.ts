// Pooling: maximum with its fused batch normalizations and shortcut, average over
// windows, average over whole maps.

import type { Window } from "../../graph.ts";
import { NO_BORDER, type Segment } from "../buffers.ts";
import { type Operation, windowOf } from "../fusion.ts";
import { paddedRows } from "../packing.ts";
import { clear } from "../steps/element_steps.ts";
import {
  averagePool,
  averagePoolGradient,
  globalAverage,
  globalAverageGradient,
  maxPool,
  maxPoolGradient,
} from "../steps/pool_steps.ts";
import { passGradient } from "./element.ts";
import type {
  BackwardProgram,
  Emitter,
  ForwardProgram,
  PoolMemory,
} from "./emitter.ts";
import { normInputGradient } from "./norm.ts";

const ONE_PIXEL: Window = {
  size: [1, 1],
  strides: [1, 1],
  dilation: [1, 1],
  top: 0,
  left: 0,
};

export const maxPoolEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const { inputs, norms } = operation;
    const memory = program.poolMemory(operation);
    if (memory) findMaxima(program, operation, memory);
    const window = memory ? ONE_PIXEL : windowOf(operation);
    const x = memory?.values ?? program.value(inputs[0], NO_BORDER, segment);
    const affine = program.affine(norms[0], x.channels);
    const buffers = [x, y];
    let shortcut;
    if (inputs.length > 1) {
      const from = program.value(inputs[1], NO_BORDER, segment);
      shortcut = { from, affine: program.affine(norms[1], x.channels) };
      buffers.push(from);
    }
    const call = { window, x, y, affine, shortcut };
    segment.add(maxPool(program.kernels, call), ...buffers);
  },

  inputGradient(program, operation, input, segment) {
    if (input === 0) return maximumGradient(program, operation, segment);
    if (operation.norms[input]) {
      return normInputGradient(program, operation, input, segment);
    }
    passGradient(program, operation, input, segment);
  },

  normInput(program, operation, input) {
    // Of what was pooled, the maxima alone have a gradient.
    return input === 0
      ? program.poolMemory(operation).values
      : program.layout.valueBuffer(operation.inputs[input]);
  },
};

/**
 * Finds the maxima of a normalized input as soon as the input is computed, while it is
 * in the cache: its scale, which needs the whole batch, has the sign of gamma.
 */
function findMaxima(
  program: ForwardProgram,
  operation: Operation,
  { places, values, segment }: PoolMemory,
): void {
  const { layout: { graph, identity }, kernels } = program;
  const { inputs, norms } = operation;
  const x = program.value(inputs[0], NO_BORDER, segment);
  const gamma = graph.weights[norms[0]?.gamma ?? -1];
  const scale = gamma
    ? program.pack(paddedRows(gamma.offset, 1, gamma.shape[0]))
    : identity.scale;
  const affine = { scale, shift: identity.shift };
  const call = { window: windowOf(operation), x, y: values, affine, places };
  segment.add(maxPool(kernels, call), x, places, values);
}

function maximumGradient(
  program: BackwardProgram,
  operation: Operation,
  segment: Segment,
): void {
  const { layout, kernels } = program;
  const [value] = operation.inputs;
  const [norm] = operation.norms;
  const window = windowOf(operation);
  const dy = program.gradient(operation.output);
  const { places } = program.poolMemory(operation);
  const normalized = norm && {
    x: layout.valueBuffer(value),
    coefficients: program.normState(norm).coefficients,
  };
  program.contribute(value, segment, false, (dx) => {
    const buffers = [places, dy, dx];
    if (normalized) buffers.push(normalized.x);
    const call = { window, normalized, places, dy, dx };
    segment.add(maxPoolGradient(kernels, call), ...buffers);
  });
}

export const averagePoolEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    const window = windowOf(operation);
    segment.add(averagePool(program.kernels, { window, x, y }), x, y);
  },

  inputGradient(program, operation, _input, segment) {
    const { kernels } = program;
    const window = windowOf(operation);
    const dy = program.gradient(operation.output);
    program.contribute(operation.inputs[0], segment, true, (dx, adds) => {
      if (!adds) segment.add(clear(kernels, dx), dx);
      segment.add(averagePoolGradient(kernels, { window, dy, dx }), dy, dx);
    });
  },
};

export const globalAverageEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const x = program.value(operation.inputs[0], NO_BORDER, segment);
    segment.add(globalAverage(program.kernels, { x, y }), x, y);
  },

  inputGradient(program, operation, _input, segment) {
    const { kernels } = program;
    const dy = program.gradient(operation.output);
    program.contribute(
      operation.inputs[0],
      segment,
      true,
      (dx, adds) =>
        segment.add(globalAverageGradient(kernels, { dy, dx, adds }), dy, dx),
    );
  },
};
