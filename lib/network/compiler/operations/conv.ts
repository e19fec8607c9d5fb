// Convolution, pointwise convolution, and the matrix product of a dense layer.

import type { Window } from "../../graph.ts";
import { padded, PixelBuffer, type Segment } from "../buffers.ts";
import { type Operation, windowOf } from "../fusion.ts";
import { filterGradients, tapWeights, turnedWeights } from "../packing.ts";
import { clear } from "../steps/element_steps.ts";
import { conv, convFilter, convTapInput } from "../steps/window_steps.ts";
import {
  GROUP,
  POSITIONS,
  winograd,
  type WinogradKernel,
} from "../steps/winograd_steps.ts";
import type { BackwardProgram, Emitter, ForwardProgram } from "./emitter.ts";
import {
  biasGradient,
  borderedGradient,
  gradientOverBorder,
  isUnitStride,
  turned,
} from "./window_gradient.ts";

export const convEmitter: Emitter = {
  forward(program, operation, segment, y) {
    const { layout, kernels } = program;
    const window = windowOf(operation);
    const need = layout.need(operation);
    const x = program.value(operation.inputs[0], need, segment);
    if (program.winogradKernel && suitsWinograd(operation, x)) {
      const kernel = program.winogradKernel(operation, x.channels);
      emitWinograd(program, operation, kernel, segment, x, y);
      return;
    }
    const taps = layout.taps(window, x, true);
    const packed = program.kernel(operation, x.channels);
    const mode = operation.relu ? "relu" : "set";
    segment.add(conv(kernels, { window, taps, x, y, ...packed, mode }), x, y);
  },

  weightGradients(program, operation, segment) {
    const { layout, kernels } = program;
    const window = windowOf(operation);
    const dy = program.gradient(operation.output);
    const need = layout.need(operation);
    const x = program.value(operation.inputs[0], need, segment);
    const kernel = layout.kernelOf(operation, x.channels);
    const bytes = window.size[0] * window.size[1] * x.channels *
      dy.channels * 4;
    const index = filterGradients(kernel);
    const out = program.weightGradient(bytes, kernel.offset, index);
    const taps = layout.taps(window, x, true);
    segment.add(
      convFilter(kernels, { window, taps, x, y: dy, out }),
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
    if (isUnitStride(window)) {
      const from = borderedGradient(program, operation, segment);
      const kernel = layout.kernelOf(operation, dy.channels);
      const weights = program.pack(turnedWeights(kernel));
      const back = turned(window);
      program.contribute(value, segment, true, (dx, adds) => {
        const taps = layout.taps(back, from, true);
        const mode = adds ? "add" : "set";
        const sliding = { window: back, taps, x: from, y: dx };
        segment.add(
          conv(kernels, { ...sliding, weights, bias: 0, mode }),
          from,
          dx,
        );
      });
    } else if (window.size[0] * window.size[1] === 1) {
      program.contribute(value, segment, true, (dx, adds) => {
        if (!adds) segment.add(clear(kernels, dx), dx);
        scatter(program, operation, segment, dy, dx);
      });
    } else {
      gradientOverBorder(program, operation, segment, (wide) => {
        scatter(program, operation, segment, dy, wide);
      });
    }
  },
};

/** Whether Winograd's method saves time: whole groups of outputs, and no unused lanes. */
function suitsWinograd(operation: Operation, x: PixelBuffer): boolean {
  const { size, strides, dilation } = windowOf(operation);
  const [, width] = operation.node.shape;
  return [...size, ...strides, ...dilation].join() === "3,3,1,1,1,1" &&
    width % GROUP === 0 && x.channels % 8 === 0;
}

function emitWinograd(
  { layout, kernels }: ForwardProgram,
  operation: Operation,
  kernel: WinogradKernel,
  segment: Segment,
  x: PixelBuffer,
  y: PixelBuffer,
): void {
  const { top, left } = windowOf(operation);
  const groups = y.width / GROUP, { relu } = operation;
  const own = (rows: number, channels: number) =>
    layout.own(new PixelBuffer(POSITIONS * rows, groups, channels));
  const maps = {
    before: own(y.height + 2, x.channels),
    after: own(y.height, y.channels),
  };
  const origin = top * x.rowBytes + left * x.pixelBytes;
  const column: Window = {
    size: [3, 1],
    strides: [1, 1],
    dilation: [1, 1],
    top: 0,
    left: 0,
  };
  const taps = layout.taps(column, maps.before, true);
  const call = { x, y, origin, maps, taps, ...kernel, relu };
  segment.add(winograd(kernels, call), x, maps.before, maps.after, y);
}

/** Adds each output gradient, times the weights, to the inputs it came from. */
function scatter(
  program: BackwardProgram,
  operation: Operation,
  segment: Segment,
  dy: PixelBuffer,
  dx: PixelBuffer,
): void {
  const { layout, kernels } = program;
  const window = windowOf(operation);
  const { size, dilation, top, left } = window;
  const kernel = layout.kernelOf(operation, padded(operation.node.shape[2]));
  const taps = layout.taps(window, dx, true);
  const here = layout.table(new Int32Array(1));
  tapWeights(kernel).forEach((index, tap) => {
    const weights = program.pack(index);
    const row = Math.floor(tap / size[1]) * dilation[0] - top;
    const column = tap % size[1] * dilation[1] - left;
    const offset = row * dx.rowBytes + column * dx.pixelBytes;
    const sliding = { window, taps, x: dx, y: dy };
    segment.add(
      convTapInput(kernels, { ...sliding, weights, here, offset }),
      dy,
      dx,
    );
  });
}
