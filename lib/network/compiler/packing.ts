// How weights are laid out for the kernels: index tables from the flat array of
// parameters to panels of eight output channels, and from the kernels' gradients
// back. -1 stands for zero. Layouts: lib/network/wasm/README.md.

import type { Window } from "../graph.ts";
import { padded } from "./buffers.ts";

/** A convolution's kernel: where it starts and its sizes. */
export interface ConvKernel {
  offset: number;
  window: Window;
  /** Input channels, and the room they have in the input's pixels. */
  inputs: number;
  room: number;
  outputs: number;
}

/** Fills [outer][inner of panels of 8], calling `index` for each place. */
function panels(
  columns: number,
  rows: number,
  index: (row: number, column: number) => number,
): Int32Array {
  const count = padded(columns) / 8;
  const table = new Int32Array(count * rows * 8);
  let at = 0;
  for (let panel = 0; panel < count; panel++) {
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < 8; j++) table[at++] = index(row, panel * 8 + j);
    }
  }
  return table;
}

/** For `conv` forward: [panel of outputs][tap][room][8]. */
export function forwardWeights(kernel: ConvKernel): Int32Array {
  const { offset, inputs, room, outputs, window } = kernel;
  const taps = window.size[0] * window.size[1];
  return panels(outputs, taps * room, (row, output) => {
    const tap = Math.floor(row / room), input = row % room;
    if (input >= inputs || output >= outputs) return -1;
    return offset + (tap * inputs + input) * outputs + output;
  });
}

/** The same for one column of taps: [panel of outputs][row][room][8]. */
export function columnWeights(kernel: ConvKernel, column: number): Int32Array {
  const { offset, inputs, room, outputs, window } = kernel;
  const [rows, columns] = window.size;
  return panels(outputs, rows * room, (row, output) => {
    const tap = Math.floor(row / room) * columns + column;
    const input = row % room;
    if (input >= inputs || output >= outputs) return -1;
    return offset + (tap * inputs + input) * outputs + output;
  });
}

/** For `conv` on output gradients: [panel of inputs][tap, turned][room][8]. */
export function turnedWeights(kernel: ConvKernel): Int32Array {
  const { offset, inputs, outputs, window } = kernel;
  const taps = window.size[0] * window.size[1];
  const room = padded(outputs);
  return panels(inputs, taps * room, (row, input) => {
    const tap = taps - 1 - Math.floor(row / room), output = row % room;
    if (input >= inputs || output >= outputs) return -1;
    return offset + (tap * inputs + input) * outputs + output;
  });
}

/** The same, one table per tap: [tap][panel of inputs][room][8]. */
export function tapWeights(kernel: ConvKernel): Int32Array[] {
  const { offset, inputs, outputs, window } = kernel;
  const taps = window.size[0] * window.size[1];
  return Array.from(
    { length: taps },
    (_, tap) =>
      panels(inputs, padded(outputs), (output, input) => {
        if (input >= inputs || output >= outputs) return -1;
        return offset + (tap * inputs + input) * outputs + output;
      }),
  );
}

/** Where each of a kernel's gradients lies in [tap][room][padded outputs]. */
export function filterGradients(kernel: ConvKernel): Int32Array {
  const { inputs, room, outputs, window } = kernel;
  const taps = window.size[0] * window.size[1];
  const table = new Int32Array(taps * inputs * outputs);
  const columns = padded(outputs);
  for (let i = 0; i < table.length; i++) {
    const output = i % outputs, row = Math.floor(i / outputs);
    const tap = Math.floor(row / inputs), input = row % inputs;
    table[i] = (tap * room + input) * columns + output;
  }
  return table;
}

/** Rows of `columns` numbers padded to a multiple of 8; `turned`: last row first. */
export function paddedRows(
  offset: number,
  rows: number,
  columns: number,
  turned = false,
): Int32Array {
  const room = padded(columns);
  return Int32Array.from({ length: rows * room }, (_, i) => {
    const row = Math.floor(i / room), column = i % room;
    if (column >= columns) return -1;
    return offset + (turned ? rows - 1 - row : row) * columns + column;
  });
}

/** Where each of rows x columns numbers lies in the padded rows. */
export function unpaddedRows(rows: number, columns: number): Int32Array {
  const room = padded(columns);
  return Int32Array.from(
    { length: rows * columns },
    (_, i) => Math.floor(i / columns) * room + i % columns,
  );
}
