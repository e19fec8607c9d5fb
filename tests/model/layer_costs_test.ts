import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { layerCosts } from "../../lib/model/layer_costs.ts";

Deno.test("the costs of a small network match a count by hand", () => {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [10, 10, 2], filters: 4, kernelSize: 3 }),
      tf.layers.batchNormalization(),
      tf.layers.separableConv2d({
        filters: 6,
        kernelSize: 3,
        padding: "same",
        strides: 2,
        useBias: false,
      }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 7 }),
    ],
  });
  const costs = layerCosts(model).map((
    { kind, output, parameters, multiplyAdds },
  ) => [
    kind,
    output,
    parameters,
    multiplyAdds,
  ]);
  assert.deepEqual(costs, [
    // 3*3*2*4 weights and 4 biases; 8*8 positions
    ["Conv2D", "8 x 8 x 4", 76, 8 * 8 * 72],
    ["BatchNormalization", "8 x 8 x 4", 16, 0],
    // 3*3*4 depthwise and 4*6 pointwise; 4*4 positions
    ["SeparableConv2D", "4 x 4 x 6", 60, 4 * 4 * 60],
    ["Dense", "7", 49, 42],
  ]);
  model.dispose();
});
