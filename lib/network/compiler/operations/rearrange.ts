// Operations that move values and change none: channels side by side, zeros around
// a map, a map as one row.

import type { Kernels } from "../../wasm/kernels.ts";
import { NO_BORDER, padded, type PixelBuffer, type Step } from "../buffers.ts";
import type { Operation } from "../fusion.ts";
import type { Layout } from "../layout.ts";
import type { Emitter } from "./emitter.ts";

/** Blocks of bytes that follow each other in the input and, elsewhere, in the output. */
interface Blocks {
  /** Blocks per face, and bytes of each. */
  count: number;
  bytes: number;
  /** From one block to the next. */
  inputStep: number;
  outputStep: number;
  /** The first one's place in the output. */
  start: number;
}

type Plan = (
  layout: Layout,
  operation: Operation,
  input: number,
  y: PixelBuffer,
) => Blocks;

/** Copies blocks to the output, or back from it. */
function move(
  kernels: Kernels,
  { count, bytes, inputStep, outputStep, start }: Blocks,
  { x, y, back }: { x: PixelBuffer; y: PixelBuffer; back: boolean },
): Step {
  const inner = { buffer: x, step: inputStep, start: 0 };
  const outer = { buffer: y, step: outputStep, start };
  const [from, to] = back ? [outer, inner] : [inner, outer];
  return (face, faces) =>
    kernels.copyRows(
      from.buffer.at(face) + from.start,
      from.buffer.faceBytes,
      from.step,
      to.buffer.at(face) + to.start,
      to.buffer.faceBytes,
      to.step,
      faces,
      count,
      bytes,
      0,
    );
}

function emitterOf(plan: Plan): Emitter {
  return {
    forward(program, operation, segment, y) {
      const { layout, kernels } = program;
      operation.inputs.forEach((value, i) => {
        const x = program.value(value, NO_BORDER, segment);
        const blocks = plan(layout, operation, i, y);
        segment.add(move(kernels, blocks, { x, y, back: false }), x, y);
      });
    },

    inputGradient(program, operation, input, segment) {
      const { layout, kernels } = program;
      const dy = program.gradient(operation.output);
      const blocks = plan(layout, operation, input, dy);
      const emit = (dx: PixelBuffer) => {
        const call = { x: dx, y: dy, back: true };
        segment.add(move(kernels, blocks, call), dy, dx);
      };
      program.contribute(operation.inputs[input], segment, false, emit);
    },
  };
}

/** Channels of several inputs side by side, pixel by pixel. */
export const concatenateEmitter = emitterOf(
  ({ program: { shapes } }, { inputs }, input, y) => {
    const channels = inputs.map((value) => shapes[value][2]);
    return {
      count: y.pixels,
      bytes: channels[input] * 4,
      inputStep: padded(channels[input]) * 4,
      outputStep: y.pixelBytes,
      start: channels.slice(0, input).reduce((a, b) => a + b, 0) * 4,
    };
  },
);

/** A map's pixels one after the other, as the channels of one pixel. */
export const flattenEmitter = emitterOf(
  ({ program: { shapes } }, { inputs }) => {
    const [height, width, channels] = shapes[inputs[0]];
    return {
      count: height * width,
      bytes: channels * 4,
      inputStep: padded(channels) * 4,
      outputStep: channels * 4,
      start: 0,
    };
  },
);

/** Zeros around a map: the output's memory has none but zeros there. */
export const padEmitter = emitterOf(
  ({ program: { shapes } }, { node, inputs }, _input, y) => {
    if (node.op !== "pad") throw new TypeError(`${node.op} is not padding`);
    const [height, width] = shapes[inputs[0]];
    return {
      count: height,
      bytes: width * y.pixelBytes,
      inputStep: width * y.pixelBytes,
      outputStep: y.rowBytes,
      start: node.top * y.rowBytes + node.left * y.pixelBytes,
    };
  },
);
