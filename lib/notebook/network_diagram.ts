// A network as a diagram, and its layers by role. A stack of boxes needs no package
// for graphs. The costs of layers are in model/layer_costs.ts.

import type * as tf from "@tensorflow/tfjs";
import { type Chart, escapeXml, frame, INK } from "./chart.ts";

/** What a layer is for. */
export interface LayerRole {
  /** The part it belongs to: "stem", "module 1", "head". */
  part: string;
  /** What it does there: "convolution 3x3", "shortcut 1x1". */
  role: string;
}

/**
 * The role of every layer, by name. A part ends with the addition that joins its
 * two paths; what comes before the first separable convolution is the stem, and
 * what comes after the last addition is the head.
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { layerRoles } from "mien/notebook/network_diagram.ts";
 *
 * const model = buildMiniXception();
 * console.log(layerRoles(model).get(model.layers[1].name)); // the stem's first
 * ```
 */
export function layerRoles(model: tf.LayersModel): Map<string, LayerRole> {
  const parts = partsOf(model);
  const roles = new Map<string, LayerRole>();
  const owner = new Map<string, string>(); // the layer that a normalization follows
  for (const layer of model.layers) {
    const kind = layer.getClassName();
    const from = inputNames(layer);
    const before = from.map((name) => owner.get(name)).find(Boolean);
    const role = kind === "BatchNormalization"
      ? `normalization of the ${before ?? "input"}`
      : roleOf(layer);
    if (kind.endsWith("Conv2D")) owner.set(layer.name, role);
    roles.set(layer.name, { part: parts.get(layer.name)!, role });
  }
  return roles;
}

function roleOf(layer: tf.layers.Layer): string {
  const kind = layer.getClassName();
  const { kernelSize, poolSize, strides, activation } = layer.getConfig() as {
    kernelSize?: number[];
    poolSize?: number[];
    strides?: number[];
    activation?: string;
  };
  const size = kernelSize ? ` ${kernelSize.join("x")}` : "";
  switch (kind) {
    case "InputLayer":
      return "face";
    case "Conv2D":
      return kernelSize?.[0] === 1 && (strides?.[0] ?? 1) > 1
        ? `shortcut${size}`
        : `convolution${size}`;
    case "SeparableConv2D":
      return `separable convolution${size}`;
    case "DepthwiseConv2D":
      return `depthwise convolution${size}`;
    case "MaxPooling2D":
      return `max pooling ${poolSize?.join("x") ?? ""}`.trim();
    case "GlobalAveragePooling2D":
      return "mean of each map";
    case "Activation":
      return ({ softmax: "softmax", relu: "ReLU" })[activation!] ??
        activation!;
    case "ReLU":
      return "ReLU";
    case "Softmax":
      return "softmax";
    case "Add":
      return "sum of both paths";
    default:
      return kind;
  }
}

/** The part of each layer: what an addition depends on since the previous one. */
function partsOf(model: tf.LayersModel): Map<string, string> {
  const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
  const parts = new Map<string, string>();
  let module = 0;
  let last: string | undefined;
  for (const add of model.layers.filter((l) => l.getClassName() === "Add")) {
    module++;
    const branch = branchPoint(add, byName);
    const visit = (name: string) => {
      if (parts.has(name) || name === branch) return;
      parts.set(name, `module ${module}`);
      inputNames(byName.get(name)!).forEach(visit);
    };
    visit(add.name);
    last = add.name;
  }
  const lastAt = model.layers.findIndex(({ name }) => name === last);
  model.layers.forEach(({ name }, at) => {
    if (!parts.has(name)) {
      parts.set(name, at > lastAt && last ? "head" : "stem");
    }
  });
  return parts;
}

/** Where the two paths of an addition start: the last layer they share. */
function branchPoint(
  add: tf.layers.Layer,
  byName: Map<string, tf.layers.Layer>,
): string | undefined {
  const before = (name: string): string[] => {
    const from = inputNames(byName.get(name)!);
    return from.length === 0 ? [name] : [name, ...before(from[0])];
  };
  const [one, other] = inputNames(add).map(before);
  return one.find((name) => other?.includes(name));
}

function inputNames(layer: tf.layers.Layer): string[] {
  return layer.inboundNodes.flatMap((node) =>
    node.inboundLayers.map(({ name }) => name)
  );
}

const ROW = 26, GAP = 18, WIDTH = 640;

/**
 * Draws a network from the face at the top to the probabilities: one box per
 * part, with its layers and output shape. A module with a shortcut has two
 * columns, one for each path. Normalizations and activations are shown with the
 * layer that they follow.
 */
export function networkDiagram(title: string, model: tf.LayersModel): Chart {
  const roles = layerRoles(model);
  const parts = Map.groupBy(model.layers, ({ name }) => roles.get(name)!.part);
  let y = 8;
  const drawn: string[] = [];
  for (const part of ["stem", ...parts.keys()].filter(unique)) {
    const layers = parts.get(part) ?? [];
    const words = layers.map((layer) => roles.get(layer.name)!.role)
      .filter((role) => !role.startsWith("normalization") && role !== "ReLU");
    const shortcut = words.filter((role) => role.startsWith("shortcut"));
    const sum = words.filter((role) => role.startsWith("sum"));
    const main = words.filter((role) =>
      !shortcut.includes(role) && !sum.includes(role) && role !== "face"
    );
    const rows = main.length + sum.length;
    const height = rows * ROW + 12;
    const shape = (layers.at(-1)!.outputShape as number[]).slice(1).join(" x ");
    drawn.push(
      box(8, y, WIDTH - 16, height, "none", INK.soft),
      label(20, y + 22, part, 600),
      ...main.map((role, row) =>
        cell(shortcut.length ? 120 : 200, y + 6 + row * ROW, 230, role)
      ),
      ...shortcut.map((role) => cell(370, y + 6, 110, role)),
      ...sum.map((role) => cell(200, y + 6 + main.length * ROW, 230, role)),
      label(WIDTH - 20, y + height - 12, shape, 400, "end"),
      y > 8 ? arrow(WIDTH / 2, y - GAP, y) : "",
    );
    y += height + GAP;
  }
  return frame(
    title,
    `${title}: ${[...parts.keys()].join(", ")}; ` +
      `${model.countParams().toLocaleString("en")} parameters.`,
    WIDTH,
    y - GAP + 10,
    drawn.join(""),
  );
}

const unique = <T>(value: T, at: number, all: T[]) => all.indexOf(value) === at;

function box(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  stroke: string,
): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="5" ` +
    `fill="${fill}" fill-opacity="0.16" stroke="${stroke}"/>`;
}

function label(
  x: number,
  y: number,
  text: string,
  weight: number,
  anchor = "start",
): string {
  return `<text x="${x}" y="${y}" font-size="12.5" font-weight="${weight}" ` +
    `text-anchor="${anchor}">${escapeXml(text)}</text>`;
}

function cell(x: number, y: number, width: number, text: string): string {
  return box(x, y + 2, width, ROW - 5, INK.first, INK.first) +
    label(x + width / 2, y + 17, text, 400, "middle");
}

function arrow(x: number, from: number, to: number): string {
  return `<path d="M${x},${from} V${to - 5}" stroke="${INK.soft}" ` +
    `stroke-width="1.5"/><path d="M${x - 4},${to - 6} h8 l-4,6 z" ` +
    `fill="${INK.soft}"/>`;
}
