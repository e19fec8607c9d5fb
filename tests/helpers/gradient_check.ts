// Checks a gradient computed on the wasm backend against tfjs's cpu backend and
// against finite differences.
//
// The tolerance is 1e-4 of the largest element. The two sides add float32
// products in different orders; with up to a few thousand terms, that costs
// about 1e-6. 1e-4 allows for chance, but not for a wrong index.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";

export const BAR = 1e-4;

export type Values = Float32Array | Int32Array | Uint8Array;

/** Values in [-1, 1) that need no random generator. */
export function values(length: number, seed: number): Float32Array {
  return Float32Array.from(
    { length },
    (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 43758.5453 % 1,
  );
}

export function largestError(actual: Values, expected: Values): number {
  assert.equal(actual.length, expected.length);
  let error = 0, largest = 1e-30;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return error / largest;
}

export type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Shapes and values of an operation's inputs. */
export type Inputs = { shape: number[]; values: Float32Array }[];

export function inputsOf(...shapes: number[][]): Inputs {
  return shapes.map((shape, i) => ({
    shape,
    values: values(tf.util.sizeFromShape(shape), i + 1),
  }));
}

/** sum(weights * operation(inputs)), the weights fixed by their index. */
function weightedSum(operation: Operation, inputs: tf.Tensor[]): tf.Scalar {
  const y = operation(...inputs);
  return tf.sum(tf.mul(y, tf.tensor(values(y.size, 9), y.shape)));
}

/** The gradients of the weighted sum with respect to each input, on a backend. */
export async function gradients(
  backend: string,
  operation: Operation,
  inputs: Inputs,
): Promise<Values[]> {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const tensors = inputs.map((input) => tf.tensor(input.values, input.shape));
    const all = tf.grads((...x) => weightedSum(operation, x));
    return all(tensors).map((gradient) => gradient.dataSync());
  });
}

/**
 * The directional derivative by finite differences, on the cpu backend, against
 * the gradient. The operations are linear in each input, at least as long as no
 * maximum moves, so a large step adds no error.
 */
async function agreesWithFiniteDifferences(
  operation: Operation,
  inputs: Inputs,
  actual: Values[],
  step = 0.25,
): Promise<void> {
  await tf.setBackend("cpu");
  inputs.forEach((input, which) => {
    const direction = values(input.values.length, 5 + which);
    const at = (sign: number) =>
      tf.tidy(() => {
        const moved = inputs.map(({ shape, values }, i) =>
          tf.tensor(
            i === which
              ? values.map((v, j) => v + sign * step * direction[j])
              : values,
            shape,
          )
        );
        return weightedSum(operation, moved).dataSync()[0];
      });
    const measured = (at(1) - at(-1)) / (2 * step);
    let expected = 0, scale = 1;
    actual[which].forEach((g, j) => {
      expected += g * direction[j];
      scale += Math.abs(g * direction[j]);
    });
    const error = Math.abs(measured - expected) / scale;
    assert.ok(error <= BAR, `finite differences: ${measured}, not ${expected}`);
  });
}

/** The kernels' gradients against the cpu backend's and finite differences. */
export async function agrees(
  operation: Operation,
  inputs: Inputs,
  reference: Operation | null = operation,
): Promise<void> {
  const actual = await gradients("wasm", operation, inputs);
  await agreesWithFiniteDifferences(operation, inputs, actual);
  if (!reference) return;
  const expected = await gradients("cpu", reference, inputs);
  actual.forEach((gradient, i) => {
    const error = largestError(gradient, expected[i]);
    assert.ok(error <= BAR, `input ${i}: relative error ${error}`);
  });
}
