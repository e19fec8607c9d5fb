// The gradient kernels of lib/tfjs_kernels against tfjs's cpu backend and finite
// differences, over random shapes, strides, paddings, dilations.

import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
import {
  agrees,
  BAR,
  gradients,
  type Inputs,
  inputsOf,
  largestError,
  type Operation,
  values,
} from "../helpers/gradient_check.ts";

const RUNS = { numRuns: 60, seed: 20130 };

const size = (max: number) => fc.integer({ min: 1, max });

/** A convolution: any filter up to 5 x 5 on images that it fits. */
const convolutions = fc.record({
  batch: size(3),
  filter: fc.tuple(size(5), size(5)),
  extra: fc.tuple(size(8), size(8)),
  channels: size(19),
  filters: size(21),
  multiplier: size(3),
  strides: fc.tuple(size(4), size(4)),
  dilations: fc.tuple(size(3), size(3)),
  pad: fc.constantFrom("same" as const, "valid" as const),
});

/** Height and width that hold the (dilated) filter. */
function imageSize(
  [height, width]: [number, number],
  [tall, wide]: [number, number],
  [down, across] = [1, 1],
): [number, number] {
  return [height + (tall - 1) * down, width + (wide - 1) * across];
}

/** The filter with zeros between its rows and columns, which is what dilation means. */
function spread(
  filter: tf.Tensor4D,
  [down, across]: [number, number],
): tf.Tensor4D {
  const [height, width, channels, filters] = filter.shape;
  const place = (n: number, by: number) =>
    tf.eye((n - 1) * by + 1).gather(
      tf.range(0, n, 1, "int32").mul(tf.scalar(by, "int32")).toInt(),
    ) as tf.Tensor2D;
  const flat = filter.reshape([height, width * channels * filters]);
  const tall = tf.matMul(place(height, down), flat, true);
  const turned = tall.reshape([-1, width, channels * filters])
    .transpose([1, 0, 2]).reshape([width, -1]);
  const wide = tf.matMul(place(width, across), turned, true);
  return wide.reshape([-1, tall.shape[0], channels, filters])
    .transpose([1, 0, 2, 3]) as tf.Tensor4D;
}

type Convolve = (
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  strides: [number, number] | number,
  pad: "same" | "valid",
  dataFormat?: "NHWC",
  dilations?: [number, number],
) => tf.Tensor;

const CONVOLUTIONS: [name: string, Convolve, last: "filters" | "multiplier"][] =
  [
    ["conv2d", tf.conv2d, "filters"],
    ["depthwiseConv2d", tf.depthwiseConv2d, "multiplier"],
  ];

for (const [name, convolve, last] of CONVOLUTIONS) {
  Deno.test(`${name}'s gradients are right for any stride and padding`, async () => {
    await useWasmBackend();
    await fc.assert(
      fc.asyncProperty(convolutions, async (c) => {
        await agrees(
          (x, filter) =>
            convolve(
              x as tf.Tensor4D,
              filter as tf.Tensor4D,
              c.strides,
              c.pad,
            ),
          inputsOf(
            [c.batch, ...imageSize(c.extra, c.filter), c.channels],
            [...c.filter, c.channels, c[last]],
          ),
        );
      }),
      RUNS,
    );
  });

  Deno.test(`dilated ${name}'s gradients are those of a filter with gaps`, async () => {
    await useWasmBackend();
    await fc.assert(
      fc.asyncProperty(convolutions, async (c) => {
        await agrees(
          (x, filter) =>
            convolve(
              x as tf.Tensor4D,
              filter as tf.Tensor4D,
              1,
              c.pad,
              "NHWC",
              c.dilations,
            ),
          inputsOf(
            [c.batch, ...imageSize(c.extra, c.filter, c.dilations), c.channels],
            [...c.filter, c.channels, c[last]],
          ),
          (x, filter) =>
            convolve(
              x as tf.Tensor4D,
              spread(filter as tf.Tensor4D, c.dilations),
              1,
              c.pad,
            ),
        );
      }),
      { ...RUNS, numRuns: 30 },
    );
  });
}

Deno.test("conv2d's gradients are right for padding given as numbers", async () => {
  await useWasmBackend();
  const pads: tf.backend_util.ExplicitPadding[] = [
    [[0, 0], [2, 1], [0, 3], [0, 0]],
    [[0, 0], [0, 0], [1, 1], [0, 0]],
  ];
  for (const pad of pads) {
    await agrees(
      (x, filter) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, [2, 1], pad),
      inputsOf([2, 7, 6, 5], [3, 2, 5, 6]),
    );
  }
});

Deno.test("conv2d's gradients are right in large layers", async () => {
  await useWasmBackend();
  const shapes = [
    [[2, 13, 11, 32], [3, 3, 32, 40]],
    [[3, 17, 19, 64], [1, 1, 64, 66]],
    [[1, 5, 5, 260], [3, 3, 260, 12]],
  ];
  for (const [x, filter] of shapes) {
    await agrees(
      (x, filter) =>
        tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same"),
      inputsOf(x, filter),
    );
  }
});

Deno.test("conv2dTranspose's gradients are right", async () => {
  await useWasmBackend();
  await fc.assert(
    fc.asyncProperty(convolutions, async (c) => {
      const image = imageSize(c.extra, c.filter);
      const out = tf.backend_util.computeConv2DInfo(
        [c.batch, ...image, c.channels],
        [...c.filter, c.channels, c.filters],
        c.strides,
        1,
        c.pad,
      ).outShape;
      await agrees(
        (y, filter) =>
          tf.conv2dTranspose(
            y as tf.Tensor4D,
            filter as tf.Tensor4D,
            [c.batch, ...image, c.channels],
            c.strides,
            c.pad,
          ),
        inputsOf(out, [...c.filter, c.channels, c.filters]),
      );
    }),
    { ...RUNS, numRuns: 30 },
  );
});

Deno.test('convolutions with padding "same" are right where the filter is smaller than the stride', async () => {
  await useWasmBackend();
  const inputs = inputsOf([2, 6, 7, 3], [2, 1, 3, 4]);
  const forward = async (backend: string) => {
    await tf.setBackend(backend);
    const [x, filter] = inputs.map(({ values, shape }) =>
      tf.tensor(values, shape) as unknown as tf.Tensor4D
    );
    return [tf.conv2d, tf.depthwiseConv2d].map((convolve) =>
      convolve(x, filter, [3, 2], "same").dataSync()
    );
  };
  const [actual, expected] = [await forward("wasm"), await forward("cpu")];
  actual.forEach((y, i) => assert.ok(largestError(y, expected[i]) <= BAR));
});

/** Distinct whole numbers, so that a step of 0.25 moves no maximum. */
function distinct(shape: number[]): Inputs {
  const length = tf.util.sizeFromShape(shape);
  const order = [...values(length, 3)].map((v, i) => [v, i])
    .sort((a, b) => a[0] - b[0]);
  const ranks = new Float32Array(length);
  order.forEach(([, i], rank) => ranks[i] = rank - length / 2);
  return [{ shape, values: ranks }];
}

Deno.test("maxPool's gradient is right for any stride and padding", async () => {
  await useWasmBackend();
  await fc.assert(
    fc.asyncProperty(convolutions, async (c) => {
      await agrees(
        (x) => tf.maxPool(x as tf.Tensor4D, c.filter, c.strides, c.pad),
        distinct([c.batch, ...imageSize(c.extra, c.filter), c.channels]),
      );
    }),
    RUNS,
  );
});

Deno.test("maxPool's gradient goes to the first of equal largest elements", async () => {
  await useWasmBackend();
  for (const channels of [1, 3, 4, 7]) {
    const shape = [2, 7, 6, channels];
    const inputs = [{
      shape,
      values: values(tf.util.sizeFromShape(shape), 4).map(Math.round),
    }];
    const pool: Operation = (x) => tf.maxPool(x as tf.Tensor4D, 3, 2, "same");
    const [actual] = await gradients("wasm", pool, inputs);
    const [expected] = await gradients("cpu", pool, inputs);
    assert.ok(largestError(actual, expected) <= BAR);
  }
});

Deno.test("avgPool's gradient is right for any stride and padding", async () => {
  await useWasmBackend();
  await fc.assert(
    fc.asyncProperty(convolutions, async (c) => {
      const pool: Operation = (x) =>
        tf.avgPool(x as tf.Tensor4D, c.filter, c.strides, c.pad);
      // With padding, tfjs's gradient is not that of its own forward pass, so
      // only finite differences are compared.
      const reference = c.pad === "valid" ? pool : null;
      const shape = [c.batch, ...imageSize(c.extra, c.filter), c.channels];
      await agrees(pool, inputsOf(shape), reference);
    }),
    RUNS,
  );
});

Deno.test("unsortedSegmentSum adds the rows of each segment", async () => {
  await useWasmBackend();
  const ids = [3, 0, 3, -1, 1, 5, 3];
  for (const width of [1, 4, 7]) {
    const rows = values(ids.length * width, 2);
    const expected = new Float32Array(5 * width);
    ids.forEach((id, i) => {
      for (let j = 0; j < width && id >= 0 && id < 5; j++) {
        expected[id * width + j] += rows[i * width + j];
      }
    });
    const x = tf.tensor2d(rows, [ids.length, width]);
    const sums = tf.unsortedSegmentSum(x, tf.tensor1d(ids, "int32"), 5);
    assert.deepEqual(sums.shape, [5, width]);
    assert.ok(largestError(sums.dataSync(), expected) <= BAR);
  }
});

Deno.test("sum and mean over leading axes are right", async () => {
  await useWasmBackend();
  const shapes = [[5, 3], [301, 8], [4, 9, 7, 11], [2, 3, 5]];
  for (const shape of shapes) {
    for (let axes = 1; axes < shape.length; axes++) {
      for (const keep of [true, false]) {
        const [input] = inputsOf(shape);
        const reduce = async (backend: string) => {
          await tf.setBackend(backend);
          const x = tf.tensor(input.values, shape);
          const axis = [...Array(axes).keys()].reverse();
          return [tf.sum(x, axis, keep), tf.mean(x, axis, keep)];
        };
        const actual = await reduce("wasm");
        const values = actual.map((tensor) => tensor.dataSync());
        const expected = await reduce("cpu");
        expected.forEach((tensor, i) => {
          assert.deepEqual(actual[i].shape, tensor.shape);
          assert.ok(largestError(values[i], tensor.dataSync()) <= BAR);
        });
      }
    }
  }
});

Deno.test("what the kernels do not compute is rejected with the reason", async () => {
  await useWasmBackend();
  const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs = {}) =>
    tf.engine().runKernel(kernel, inputs, attrs);
  const x = tf.ones([1, 5, 5, 2], "int32"), dy = tf.ones([1, 5, 5, 2]);
  const attributes = {
    strides: 1,
    pad: "same",
    filterShape: [3, 3, 2, 2],
    dataFormat: "NHWC",
  };
  assert.throws(
    () => run(tf.Conv2DBackpropFilter, { x, dy }, attributes),
    /conv2dBackpropFilter: x is int32.*float32 only/,
  );
  assert.throws(
    () =>
      run(tf.Conv2DBackpropFilter, { x: dy, dy }, {
        ...attributes,
        dataFormat: "NCHW",
      }),
    /channels last/,
  );
});
