// Replaces a network's last layer with weights, for other classes.
import * as tf from "@tensorflow/tfjs";
import { nameEmotions } from "./emotions_of_model.ts";
import { UserError } from "../user_error.ts";

/** A model whose output layer cannot be replaced. */
export class ReplaceError extends UserError {
  override readonly name = "ReplaceError";
}

interface LayerConfig {
  name: string;
  filters?: number;
  units?: number;
}

/**
 * A copy of a model for other classes: its last dense layer or convolution gets as many outputs as
 * there are names, and new weights; all other layers keep theirs. Fine-tune it with `freeze`.
 *
 * @param emotions the names of the new classes
 * @param options.seed the seed of the last layer's initial weights
 * @throws {ReplaceError} when the outputs of the last layer with weights are not the classes
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { replaceClasses } from "mien/model/replace_classes.ts";
 *
 * const model = await replaceClasses(buildMiniXception(), ["smile", "wink"]);
 * console.log(model.outputs[0].shape); // [ null, 2 ]
 * ```
 */
export async function replaceClasses(
  model: tf.LayersModel,
  emotions: readonly string[],
  options: { seed?: number } = {},
): Promise<tf.LayersModel> {
  const topology = JSON.parse(model.toJSON(null, true) as string);
  const last = model.layers.findLast((layer) => layer.weights.length > 0);
  const layers = (topology.config.layers ?? topology.config) as {
    config: LayerConfig;
  }[];
  const config = layers.find(({ config }) => config.name === last?.name)
    ?.config;
  const size = model.outputs[0].shape.at(-1);
  const field = config?.units === size
    ? "units"
    : config?.filters === size
    ? "filters"
    : undefined;
  if (!config || !field) {
    throw new ReplaceError(
      `the output of ${model.name} cannot be replaced: its last layer with weights, ${
        last?.name ?? "none"
      }, is not a dense layer or convolution with ${size} outputs`,
    );
  }
  config[field] = emotions.length;
  const copy = await tf.loadLayersModel(
    tf.io.fromMemory({ modelTopology: topology }),
  );
  model.layers.forEach((layer, i) => {
    if (layer !== last) return copy.layers[i].setWeights(layer.getWeights());
    const [kernel, ...biases] = copy.layers[i].getWeights();
    const draw = tf.initializers.glorotUniform({ seed: options.seed ?? 1 });
    copy.layers[i].setWeights([
      draw.apply(kernel.shape),
      ...biases.map((bias) => tf.zerosLike(bias)),
    ]);
  });
  copy.setUserDefinedMetadata({ ...model.getUserDefinedMetadata() });
  nameEmotions(copy, emotions);
  return copy;
}
