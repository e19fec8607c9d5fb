// The cost of each layer of a network: parameters, and multiply-adds for one face.
// Counts convolutions and dense layers. As usual in the literature, normalization,
// activation, pooling and addition are left out: they visit each value once.
import type * as tf from "@tensorflow/tfjs";

/** The cost of one layer. */
export interface LayerCost {
  /** The layer's name in the model. */
  layer: string;
  /** Its class, such as `SeparableConv2D`. */
  kind: string;
  /** Height x width x channels of its output. */
  output: string;
  /** Weights, including those that are not trained (moving mean and variance). */
  parameters: number;
  /** Multiply-adds of one prediction. */
  multiplyAdds: number;
}

/**
 * The costs of all layers with weights, in the model's order.
 *
 * The counts are those of Howard et al. 2017, "MobileNets", section 3.1: a
 * convolution costs kernel x kernel x inputs x outputs at each position, a
 * separable one kernel x kernel x inputs + inputs x outputs.
 *
 * @example
 * ```ts
 * import { layerCosts } from "mien/model/layer_costs.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 *
 * const costs = layerCosts(buildMiniXception());
 * console.log(costs[0].multiplyAdds); // 46 * 46 * 9 * 1 * 8 = 152352
 * ```
 */
export function layerCosts(model: tf.LayersModel): LayerCost[] {
  return model.layers.filter((layer) => layer.countParams() > 0).map(
    (layer) => {
      const shape = (layer.outputShape as tf.Shape).slice(1) as number[];
      return {
        layer: layer.name,
        kind: layer.getClassName(),
        output: shape.join(" x "),
        parameters: layer.countParams(),
        multiplyAdds: multiplyAdds(layer, shape),
      };
    },
  );
}

function multiplyAdds(layer: tf.layers.Layer, output: number[]): number {
  if (layer.getClassName() === "BatchNormalization") return 0;
  // A kernel is applied once at each position; a bias is added, not multiplied.
  const positions = output.slice(0, -1).reduce(
    (product, side) => product * side,
    1,
  );
  const kernels = layer.getWeights().filter((weight) =>
    weight.shape.length > 1
  );
  return kernels.reduce((sum, kernel) => sum + kernel.size * positions, 0);
}
