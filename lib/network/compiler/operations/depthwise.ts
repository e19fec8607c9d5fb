// Depthwise convolution: each channel with its own filter.

import { windowOf } from "../fusion.ts";
import { paddedRows, unpaddedRows } from "../packing.ts";
import {
  depthwise,
  depthwiseFilter,
  depthwiseInput,
} from "../steps/window_steps.ts";
import type { Emitter } from "./emitter.ts";
import {
  biasGradient,
  borderedGradient,
  gradientOverBorder,
  isUnitStride,
  turned,
} from "./window_gradient.ts";

export const depthwiseEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const { layout, kernels } = program;
    const window = windowOf(operation);
    const need = layout.need(operation);
    const x = program.value(operation.inputs[0], need, segment);
    const taps = layout.taps(window, x, false);
    const packed = program.kernel(operation, x.channels);
    const mode = operation.relu ? "relu" : "set";
    segment.add(
      depthwise(kernels, { window, taps, x, y, ...packed, mode }),
      x,
      y,
    );
  },

  weightGradients(program, operation, segment) {
    const { layout, kernels } = program;
    const window = windowOf(operation);
    const dy = program.gradient(operation.output);
    const need = layout.need(operation);
    const x = program.value(operation.inputs[0], need, segment);
    const kernel = layout.kernelOf(operation, x.channels);
    const count = window.size[0] * window.size[1];
    const index = unpaddedRows(count, kernel.inputs);
    const bytes = count * x.channels * 4;
    const out = program.weightGradient(bytes, kernel.offset, index);
    const taps = layout.taps(window, x, false);
    segment.add(
      depthwiseFilter(kernels, { window, taps, x, y: dy, out }),
      x,
      dy,
    );
    biasGradient(program, operation, segment);
  },

  inputGradient(program, operation, _input, segment) {
    const { layout, kernels } = program;
    const [value] = operation.inputs;
    const window = windowOf(operation);
    const dy = program.gradient(operation.output);
    const kernel = layout.kernelOf(operation, dy.channels);
    const count = window.size[0] * window.size[1];
    if (isUnitStride(window)) {
      const from = borderedGradient(program, operation, segment);
      const weights = program.pack(
        paddedRows(kernel.offset, count, kernel.inputs, true),
      );
      const back = turned(window);
      program.contribute(value, segment, true, (dx, adds) => {
        const taps = layout.taps(back, from, false);
        const mode = adds ? "add" : "set";
        const sliding = { window: back, taps, x: from, y: dx };
        segment.add(
          depthwise(kernels, { ...sliding, weights, bias: 0, mode }),
          from,
          dx,
        );
      });
      return;
    }
    const weights = program.pack(
      paddedRows(kernel.offset, count, kernel.inputs),
    );
    gradientOverBorder(program, operation, segment, (wide) => {
      const taps = layout.taps(window, wide, false);
      segment.add(
        depthwiseInput(kernels, { window, taps, x: wide, y: dy, weights }),
        wide,
        dy,
      );
    });
  },
};
