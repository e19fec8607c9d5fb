// Checks the layers of a model.json and their connections before TensorFlow.js builds them: it would
// wait forever for an input that is never produced. A schema could not check the connections.
import * as tf from "@tensorflow/tfjs";
import { describe, isObject, type Json } from "./json.ts";

/** The most units, filters or input pixels that a layer may ask for. */
const MOST = 2 ** 22;

type Fail = (reason: string) => Error;

/** The last size of each weight, by its name. */
type Widths = Map<string, number | undefined>;

/**
 * @param specs the model's weights
 * @throws what `fail` returns, naming the wrong layer or field
 */
export function checkLayers(
  topology: Json,
  specs: readonly tf.io.WeightsManifestEntry[],
  fail: Fail,
): void {
  const model = isObject(topology.model_config)
    ? topology.model_config
    : topology;
  const widths = new Map(specs.map(({ name, shape }) => [name, shape.at(-1)]));
  checkModel(model, "modelTopology", widths, fail);
}

function isModel(layer: Json): boolean {
  return ["Model", "Functional", "Sequential"].includes(
    layer.class_name as string,
  );
}

function checkModel(
  model: Json,
  place: string,
  widths: Widths,
  fail: Fail,
): void {
  if (!isModel(model)) {
    throw fail(
      `${place}.class_name is ${
        describe(model.class_name)
      }, not Model, Functional or Sequential`,
    );
  }
  const { config } = model;
  // Keras 1 wrote a sequential model's layers as a bare list.
  const layers = Array.isArray(config)
    ? config
    : isObject(config)
    ? config.layers
    : undefined;
  if (!Array.isArray(layers)) {
    throw fail(
      `${place}.config.layers is ${describe(layers)}, not a list of layers`,
    );
  }
  if (layers.length === 0) throw fail("has no layers");
  layers.forEach((layer, index) =>
    checkLayer(layer, `${place}.config.layers[${index}]`, widths, fail)
  );
  if (model.class_name !== "Sequential") {
    checkJoints(config as Json, layers, place, fail);
  }
}

function checkLayer(
  layer: unknown,
  place: string,
  widths: Widths,
  fail: Fail,
): void {
  if (!isObject(layer) || !isObject(layer.config)) {
    throw fail(`${place} is ${describe(layer)}, not a layer with its config`);
  }
  const { class_name: kind, config } = layer;
  if (isModel(layer)) return checkModel(layer, place, widths, fail);
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  if (typeof kind !== "string" || !Object.hasOwn(known, kind)) {
    throw fail(
      `${place} (${config.name}) has the class ${
        describe(kind)
      }, which TensorFlow.js does not know; register it with tf.serialization.registerClass, or build the network from tf.layers`,
    );
  }
  checkSizes(layer, place, widths, fail);
}

/** Checks sizes that TensorFlow.js allocates before it compares them with the weights. */
function checkSizes(
  { config }: Json,
  place: string,
  widths: Widths,
  fail: Fail,
): void {
  const { name, units, filters, batch_input_shape: shape } = config as Json;
  for (const [field, size] of Object.entries({ units, filters })) {
    if (size === undefined) continue;
    const sound = Number.isSafeInteger(size) && (size as number) >= 1 &&
      (size as number) <= MOST;
    if (!sound) {
      throw fail(`${place}.config.${field} (${name}) is ${describe(size)}`);
    }
    const width = widths.get(`${name}/kernel`);
    if (width !== undefined && width !== size) {
      throw fail(
        `${place} (${name}) has ${size} ${field}, but its weights are for ${width}`,
      );
    }
  }
  if (shape === undefined || shape === null) return;
  const sizes = Array.isArray(shape) ? shape.slice(1) : [NaN];
  const sound =
    sizes.every((size) =>
      size === null || Number.isSafeInteger(size) && size >= 1
    ) && sizes.reduce((a, b) => a * (b ?? 1), 1) <= MOST;
  if (sound) return;
  throw fail(
    `${place}.config.batch_input_shape (${name}) is ${describe(shape)}`,
  );
}

/** One input of a layer. */
type Joint = [layer: string, node: number, tensor: number];

function isJoint(value: unknown): value is Joint {
  return Array.isArray(value) && typeof value[0] === "string" &&
    [value[1], value[2]].every((index) =>
      Number.isSafeInteger(index) && index >= 0
    );
}

/** Checks that every input exists and no layer depends on its own output. */
function checkJoints(
  config: Json,
  layers: Json[],
  place: string,
  fail: Fail,
): void {
  const nodes = new Map<string, Joint[][]>();
  for (const [index, layer] of layers.entries()) {
    const { name, inbound_nodes: inbound = [] } = layer;
    const { name: own = name } = layer.config as Json;
    const where = `${place}.config.layers[${index}]`;
    if (typeof name !== "string" || name === "" || own !== name) {
      throw fail(
        `${where}.name is ${describe(name)}, config.name ${describe(own)}`,
      );
    }
    if (nodes.has(name)) throw fail(`two layers are named ${name}`);
    if (!Array.isArray(inbound)) {
      throw fail(`${where}.inbound_nodes (${name}) is ${describe(inbound)}`);
    }
    const joints = inbound.map((node: unknown) => {
      if (Array.isArray(node) && node.length > 0 && node.every(isJoint)) {
        return node as Joint[];
      }
      throw fail(
        `${where}.inbound_nodes (${name}) contains ${
          describe(node)
        }, not a list of [layer, node, tensor]`,
      );
    });
    nodes.set(name, madeAtOnce(layer) ? [[], ...joints] : joints);
  }
  for (const [name, joints] of nodes) {
    for (const joint of joints.flat()) checkEnd(joint, name, nodes, fail);
  }
  for (const end of ["input_layers", "output_layers"]) {
    const ends = config[end];
    if (!Array.isArray(ends) || ends.length === 0 || !ends.every(isJoint)) {
      throw fail(
        `${place}.config.${end} is ${
          describe(ends)
        }, not a list of [layer, node, tensor]`,
      );
    }
    for (const joint of ends) checkEnd(joint, end, nodes, fail);
  }
  checkOrder(nodes, fail);
}

/** Whether a layer has an output without being connected: an input, or a model with its own input. */
function madeAtOnce(layer: Json): boolean {
  if (layer.class_name !== "Sequential") {
    return layer.class_name === "InputLayer" || isModel(layer);
  }
  const { config } = layer;
  const [first] =
    (Array.isArray(config) ? config : (config as Json).layers) as Json[];
  return madeAtOnce(first) ||
    (first.config as Json).batch_input_shape !== undefined;
}

function checkEnd(
  [from, index]: Joint,
  to: string,
  nodes: Map<string, Joint[][]>,
  fail: Fail,
): void {
  const made = nodes.get(from);
  if (!made) {
    throw fail(
      `${to} takes the output of ${from}, but there is no layer with that name`,
    );
  }
  if (index >= made.length) {
    throw fail(`${to} takes output ${index} of ${from}, which has none`);
  }
}

/** @throws what `fail` returns if layers depend on each other in a circle */
function checkOrder(nodes: Map<string, Joint[][]>, fail: Fail): void {
  const waiting = new Map<string, Joint[]>();
  for (const [name, joints] of nodes) {
    joints.forEach((needs, index) => waiting.set(`${name}\0${index}`, needs));
  }
  for (let before = -1; before !== waiting.size;) {
    before = waiting.size;
    for (const [key, needs] of waiting) {
      const ready = needs.every(([name, node]) =>
        !waiting.has(`${name}\0${node}`)
      );
      if (ready) waiting.delete(key);
    }
  }
  const [stuck] = waiting.keys();
  if (stuck === undefined) return;
  throw fail(`the layer ${stuck.split("\0")[0]} needs its own output`);
}
