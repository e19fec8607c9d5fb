// A network for TensorFlow.js as plain data: its layers as tf.layers saves them, and the positions of
// its weights in flat arrays. The compiled kernels' graph is in network/graph.ts.
import * as tf from "@tensorflow/tfjs";
import {
  decays,
  NetworkError,
  type NetworkGraph,
  type NetworkWeight,
} from "../network/graph.ts";

/**
 * A custom loss: from targets and the network's outputs, both faces x classes, to one number per
 * face, or to their mean.
 */
export type Loss = (targets: tf.Tensor, outputs: tf.Tensor) => tf.Tensor;

/** A network for TensorFlow.js as plain data; `nodes` is empty. */
export interface TfjsGraph extends NetworkGraph {
  /** The layers, from `tf.LayersModel.toJSON`. */
  topology: unknown;
  /** Why it is not compiled. */
  reason: string;
  /** The shape of one input, without the batch. */
  inputShape: number[];
  /** Whether the network's outputs are probabilities, or need a softmax to become them. */
  end: "probabilities" | "logits";
  /** Whether the gradient includes penalties, because some are not L2 of a single weight. */
  penalties: boolean;
  /** Batch normalizations; `mean` and `variance` index `weights`. */
  norms: { name: string; momentum: number; mean: number; variance: number }[];
  /** Batch normalizations that use their own statistics in training too. */
  frozenNorms?: string[];
}

// deno-lint-ignore no-explicit-any
type Layer = any;

/** All layers, including those of models within the model. */
export function flatLayers(model: tf.LayersModel): Layer[] {
  return model.layers.flatMap((layer: Layer) =>
    Array.isArray(layer.layers) ? [layer, ...flatLayers(layer)] : [layer]
  );
}

/** @throws {NetworkError} for several inputs or outputs, or an unknown size */
export function describeForTfjs(
  model: tf.LayersModel,
  reason: string,
): TfjsGraph {
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    throw new NetworkError("a network has one input and one output");
  }
  const inputShape = model.inputs[0].shape.slice(1) as number[];
  const outputShape = model.outputs[0].shape.slice(1) as number[];
  for (const shape of [inputShape, outputShape]) {
    if (shape.some((size) => !(size > 0))) {
      throw new NetworkError(`a size of [${shape}] is unknown`);
    }
  }
  const layers = flatLayers(model);
  const { trained, kept } = variablesOf(model);
  const penalized = penaltiesOf(layers);
  const weights: NetworkWeight[] = [];
  const sizes = { parameter: 0, statistic: 0 };
  const place = (kind: "parameter" | "statistic", variable: LayerVariable) => {
    const { name } = variable, shape = variable.shape as number[];
    const own = { name, shape, kind };
    const l2 = penalized?.get(name) ?? 0;
    weights.push({ ...own, l2, offset: sizes[kind], decays: decays(own) });
    sizes[kind] += tf.util.sizeFromShape(shape);
  };
  for (const variable of trained) place("parameter", variable);
  for (const variable of kept) place("statistic", variable);
  const indexOf = (name: string) => weights.findIndex((w) => w.name === name);
  return {
    nodes: [],
    weights,
    inputSize: tf.util.sizeFromShape(inputShape),
    outputSize: tf.util.sizeFromShape(outputShape),
    parameters: sizes.parameter,
    statistics: sizes.statistic,
    topology: JSON.parse(model.toJSON(null, true) as string),
    reason,
    inputShape,
    end: endOf(model, inputShape),
    penalties: penalized === null,
    norms: layers.filter(isNorm).map((layer) => ({
      name: layer.name,
      momentum: layer.momentum,
      mean: indexOf(layer.movingMean.name),
      variance: indexOf(layer.movingVariance.name),
    })),
  };
}

/** Whether a layer is a batch normalization. */
export function isNorm(layer: Layer): boolean {
  return layer.getClassName() === "BatchNormalization";
}

/** A variable of a layer; its name is unique in the model. */
type LayerVariable = Pick<tf.Variable, "name"> & {
  shape: (number | null)[];
  read(): tf.Variable;
  write(value: tf.Tensor): unknown;
  constraint?: unknown;
};

/** The variables trained by gradient, frozen or not, the others, and all in the graph's order. */
export function variablesOf(model: tf.LayersModel) {
  const layers = flatLayers(model);
  const before = layers.map((layer) => layer.trainable);
  for (const layer of layers) layer.trainable = true;
  const trained = [...model.trainableWeights] as unknown as LayerVariable[];
  const kept = [...model.nonTrainableWeights] as unknown as LayerVariable[];
  // From the inside out, because a model within the model sets its layers.
  for (const i of layers.keys()) layers[i].trainable = before[i];
  return { trained, kept, all: [...trained, ...kept] };
}

/** The L2 penalty of each variable by name, or `null` if there are others. */
function penaltiesOf(layers: Layer[]): Map<string, number> | null {
  const found = new Map<string, number>();
  let unknown = 0;
  for (const layer of layers) {
    unknown += layer._losses?.length ?? 0;
    for (const key of Object.keys(layer)) {
      if (!key.endsWith("Regularizer") || !layer[key]) continue;
      const part = key.slice(0, -"Regularizer".length);
      const variable = layer[part] ?? layer[`${part}Kernel`];
      const { l1, l2 } = layer[key];
      if (!variable?.name || Number(l1 ?? 0) !== 0 || l2 == null) return null;
      found.set(variable.name, Number(l2));
      unknown--;
    }
  }
  return unknown === 0 ? found : null;
}

/** A softmax or sigmoid at the end is known by its name, others by their outputs for a gray face. */
function endOf(
  model: tf.LayersModel,
  inputShape: number[],
): TfjsGraph["end"] {
  const layer = model.outputs[0].sourceLayer as Layer;
  const activation = layer.activation?.getClassName?.();
  if (["softmax", "sigmoid"].includes(activation)) return "probabilities";
  if (layer.getClassName() === "Softmax") return "probabilities";
  const values = tf.tidy(() => {
    const face = tf.zeros([1, ...inputShape]);
    return (model.predict(face) as tf.Tensor).dataSync();
  });
  let sum = 0;
  for (const value of values) sum += value >= 0 ? value : NaN;
  return Math.abs(sum - 1) < 1e-3 ? "probabilities" : "logits";
}
