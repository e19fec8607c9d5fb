// Translates models saved by Keras 3 into the terms of Keras 2, because TensorFlow.js does not know
// `batch_shape`, inputs as tensors with a history, or types as objects.
import { isObject, type Json } from "./json.ts";

/** A model's topology in the terms of Keras 2; other topologies are returned as they are. */
export function fromKeras3(topology: Json): Json {
  const { model_config: model } = topology;
  if (isObject(model)) return { ...topology, model_config: oldLayer(model) };
  return oldLayer(topology);
}

function oldLayer(layer: Json): Json {
  const changed: Json = { ...layer };
  if (isObject(layer.config)) changed.config = oldConfig(layer.config);
  if (Array.isArray(layer.inbound_nodes)) {
    changed.inbound_nodes = layer.inbound_nodes.map(oldNode);
  }
  return changed;
}

function oldConfig(config: Json): Json {
  const { batch_shape: shape, ...rest } = config;
  const changed: Json = rest;
  if (shape !== undefined) changed.batch_input_shape ??= shape;
  if (isObject(changed.dtype)) {
    changed.dtype = isObject(changed.dtype.config)
      ? changed.dtype.config.name
      : "float32";
  }
  if (Array.isArray(changed.layers)) {
    changed.layers = changed.layers.map((layer) =>
      isObject(layer) ? oldLayer(layer) : layer
    );
  }
  for (const end of ["input_layers", "output_layers"]) {
    const places = changed[end];
    if (Array.isArray(places) && typeof places[0] === "string") {
      changed[end] = [places];
    }
  }
  return changed;
}

/** `{ args, kwargs }` with tensors in it as a list of `[layer, node, tensor, {}]`. */
function oldNode(node: unknown): unknown {
  if (!isObject(node) || !Array.isArray(node.args)) return node;
  return node.args.flat().map((tensor) => {
    const history = isObject(tensor) && isObject(tensor.config)
      ? tensor.config.keras_history
      : undefined;
    return Array.isArray(history) ? [...history, {}] : tensor;
  });
}
