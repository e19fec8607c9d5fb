// What the gradients of convolutions and of depthwise convolutions share: the
// window that leads back, and the border it needs around the output's gradient.

import type { Window } from "../../graph.ts";
import {
  type Border,
  NO_BORDER,
  type PixelBuffer,
  type Segment,
} from "../buffers.ts";
import { type Operation, windowOf } from "../fusion.ts";
import { type Layout, reach } from "../layout.ts";
import { unpaddedRows } from "../packing.ts";
import { clear, copy } from "../steps/element_steps.ts";
import { biasFilter } from "../steps/window_steps.ts";
import type { BackwardProgram } from "./emitter.ts";

/** The window from output gradients to input gradients, at stride 1. */
export function turned(window: Window): Window {
  const { size, dilation, top, left } = window;
  return {
    ...window,
    top: (size[0] - 1) * dilation[0] - top,
    left: (size[1] - 1) * dilation[1] - left,
  };
}

/** Whether a window moves by one pixel. */
export function isUnitStride({ strides }: Window): boolean {
  return strides[0] * strides[1] === 1;
}

/** The border that the input's gradient needs around the output's. */
export function turnedNeed(layout: Layout, operation: Operation): Border {
  const { op, inputs, output } = operation;
  if (op !== "conv" && op !== "depthwise") return NO_BORDER;
  const window = windowOf(operation);
  if (!isUnitStride(window)) return NO_BORDER;
  const { shapes, input } = layout.program;
  if (inputs[0] === input) return NO_BORDER;
  return reach(turned(window), shapes[output], shapes[inputs[0]]);
}

/** The output's gradient with the border that the input's needs, at stride 1. */
export function borderedGradient(
  program: BackwardProgram,
  operation: Operation,
  segment: Segment,
): PixelBuffer {
  const { layout, kernels } = program;
  return layout.withBorder(
    program.gradient(operation.output),
    turnedNeed(layout, operation),
    segment,
    (from, to) =>
      segment.add(copy(kernels, { from, to, adds: false }), from, to),
  );
}

/**
 * Has `emit` add to the input's gradient from a zeroed buffer with the border that the
 * window reaches over; the pixels inside the border count.
 */
export function gradientOverBorder(
  program: BackwardProgram,
  operation: Operation,
  segment: Segment,
  emit: (wide: PixelBuffer) => void,
): void {
  const { layout, kernels } = program;
  const [value] = operation.inputs;
  const shape = layout.program.shapes[value];
  const wide = layout.buffer(shape, layout.need(operation));
  segment.add(clear(kernels, wide), wide);
  emit(wide);
  program.contribute(
    value,
    segment,
    true,
    (dx, adds) =>
      segment.add(copy(kernels, { from: wide, to: dx, adds }), wide, dx),
  );
}

/** The gradient of an operation's bias, if it has one. */
export function biasGradient(
  program: BackwardProgram,
  { node, output }: Operation,
  segment: Segment,
): void {
  const bias = "bias" in node ? node.bias : null;
  if (bias === null) return;
  const { layout, kernels } = program;
  const dy = program.gradient(output);
  const { offset } = layout.graph.weights[bias];
  const index = unpaddedRows(1, node.shape[2]);
  const out = program.weightGradient(dy.channels * 4, offset, index);
  const tap = layout.table(new Int32Array(1));
  const one = layout.identity.scale;
  segment.add(biasFilter(kernels, { dy, one, tap, out }), dy);
}
