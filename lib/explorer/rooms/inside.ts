// Inside: a face goes through the network, layer by layer, down to one number and its sum.

import type { ActivationKind, NetworkNode } from "../../network/graph.ts";
import { explainValue } from "../neuron.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { Bars } from "../page/bars.ts";
import { arrowStep, make, numberField } from "../page/dom.ts";
import {
  canvasOf,
  type Maps,
  mosaicAt,
  paintEnlarged,
  paintGray,
  paintMap,
  paintMosaic,
  pointAt,
  zoomOf,
} from "../page/paint.ts";
import { describeReason } from "./reason_text.ts";
import { drawScoreMaps } from "./score_maps.ts";

const ACTIVATIONS: Record<ActivationKind, string> = {
  relu: "ReLU",
  leakyRelu: "LeakyReLU",
  elu: "ELU",
  tanh: "Tanh",
  sigmoid: "Sigmoid",
  swish: "Swish",
  softmax: "Softmax",
};

/** Which of row, column and map each number field has. */
const AXES = [2, 0, 1];

/** A layer's name for people. */
export function titleOf(node: NetworkNode): string {
  switch (node.op) {
    case "input":
      return "Face";
    case "conv":
      return `Convolution ${node.window.size.join("×")}`;
    case "depthwise":
      return `Depthwise ${node.window.size.join("×")}`;
    case "norm":
      return "Batch norm";
    case "activation":
      return ACTIVATIONS[node.kind];
    case "prelu":
      return "PReLU";
    case "layerNorm":
      return "Layer norm";
    case "maxPool":
      return `Max pool ${node.window.size.join("×")}`;
    case "averagePool":
      return `Mean pool ${node.window.size.join("×")}`;
    case "globalAverage":
      return "Global mean";
    default:
      return node.op[0].toUpperCase() + node.op.slice(1);
  }
}

function mapsOf(node: NetworkNode, values: Float32Array): Maps {
  const [rows, columns, channels] = node.shape;
  return { values, rows, columns, channels };
}

class Inside implements OpenRoom {
  readonly #bars = new Bars();
  readonly #flow = make("div.flow", { role: "group", "aria-label": "Layers" });
  readonly #title = make("h3");
  readonly #mosaic = canvasOf(48, 48, "All maps of the layer");
  readonly #input = canvasOf(48, 48, "What the layer reads", 190);
  readonly #map = canvasOf(48, 48, "The chosen map", 190);
  readonly #inputWords = make("figcaption");
  readonly #mapWords = make("figcaption");
  readonly #steps = make("div.panel", { "aria-live": "polite" });
  readonly #scores = make("div");
  readonly #fields = ["Map", "Row", "Column"].map((label, i) =>
    numberField(
      label,
      0,
      0,
      (value) => this.#pick(this.#place.with(AXES[i], value)),
    )
  );
  #values: Float32Array[] = [];
  #layer = 1;
  /** Row, column, map. */
  #place = [0, 0, 0];

  constructor(place: HTMLElement, private readonly app: App) {
    const { state } = app;
    this.#layer = state.number("layer", 1, 0, 999);
    this.#place = [
      state.number("y", 20, 0, 99),
      state.number("x", 20, 0, 99),
      state.number("map", 0, 0, 9999),
    ];
    this.#mosaic.onclick = (event) => {
      const { x, y } = pointAt(this.#mosaic, event);
      const map = mosaicAt(this.#node.shape[2], x, y);
      this.#pick(this.#place.with(2, map));
    };
    this.#map.onclick = (event) => {
      const { x, y } = pointAt(this.#map, event);
      const zoom = zoomOf(this.#node.shape[1]);
      const [, , map] = this.#place;
      this.#pick([Math.floor(y / zoom), Math.floor(x / zoom), map]);
    };
    this.#map.tabIndex = 0;
    this.#map.onkeydown = (event) => this.#move(event);
    place.append(
      make("h3", "The whole network, from the face to the answer"),
      this.#flow,
      make(
        "div.columns",
        make(
          "div",
          this.#bars.element,
          make("h3", "Why this answer"),
          this.#scores,
        ),
        make(
          "section",
          { "aria-label": "Chosen layer" },
          this.#title,
          make("div.scroll", this.#mosaic),
          make(
            "p.soft",
            "Click a map, then a pixel in it; arrow keys move the pixel. Dark " +
              "blue is negative, gray is 0, yellow is positive.",
          ),
          make(
            "div.row.top",
            make("figure", this.#input, this.#inputWords),
            make("figure", this.#map, this.#mapWords),
            make("div.choices", ...this.#fields.map(({ element }) => element)),
          ),
          make("h3", "How this number was computed"),
          this.#steps,
        ),
      ),
    );
    this.refresh();
  }

  get #node(): NetworkNode {
    return this.app.network.trained.graph.nodes[this.#layer];
  }

  refresh(): void {
    const { network, face } = this.app;
    this.#values = network.trace(face.face);
    const { nodes } = network.trained.graph;
    if (this.#layer >= nodes.length) this.#layer = 1;
    this.#bars.show(
      this.#values.at(-1)!,
      network.names,
      face.label,
      this.app.threshold,
    );
    drawScoreMaps(
      this.#scores,
      network.trained,
      this.#values,
      network.names,
      face.face,
    );
    this.#drawFlow();
    this.#pick(this.#place);
  }

  #drawFlow() {
    const { nodes } = this.app.network.trained.graph;
    this.#flow.replaceChildren(...nodes.map((node, index) => {
      const canvas = canvasOf(48, 48, "");
      if (node.op === "input") paintGray(canvas, this.app.face.face);
      else this.#paintThumbnail(canvas, mapsOf(node, this.#values[index]));
      const [rows, columns, channels] = node.shape;
      return make(
        "button",
        {
          type: "button",
          title: node.name,
          "aria-label": `Layer ${index}, ${titleOf(node)}, ` +
            `${rows} by ${columns}, ${channels} maps`,
          "aria-pressed": String(index === this.#layer),
          onclick: () => {
            this.#layer = index;
            this.#pick(this.#place);
          },
        },
        canvas,
        make("span", titleOf(node)),
        make("small", `${rows}×${columns}×${channels}`),
      );
    }));
  }

  /** Up to four maps; a vector as a strip of all its values. */
  #paintThumbnail(canvas: HTMLCanvasElement, maps: Maps) {
    const { rows, columns, channels, values } = maps;
    if (rows * columns > 1) {
      const four = Math.min(4, channels);
      const context = canvas.getContext("2d")!;
      context.imageSmoothingEnabled = false;
      const tile = document.createElement("canvas");
      for (let k = 0; k < four; k++) {
        paintMap(tile, maps, k);
        const side = four === 1 ? 48 : 23;
        context.drawImage(tile, k % 2 * 25, (k >> 1) * 25, side, side);
      }
      return;
    }
    const side = Math.ceil(Math.sqrt(channels));
    const square = new Float32Array(side * side);
    square.set(values);
    paintMap(
      canvas,
      { values: square, rows: side, columns: side, channels: 1 },
      0,
    );
  }

  #move(event: KeyboardEvent) {
    const step = arrowStep(event);
    if (!step) return;
    const [y, x, map] = this.#place;
    this.#pick([y + step[1], x + step[0], map]);
  }

  /** Chooses a pixel in one of the layer's maps, and shows all about it. */
  #pick(wanted: readonly number[]) {
    const node = this.#node, { shape } = node;
    this.#place = wanted.map((at, axis) =>
      Math.max(0, Math.min(shape[axis] - 1, at))
    );
    const [y, x, map] = this.#place;
    this.app.state.set({ layer: this.#layer, map, y, x });
    AXES.forEach((axis, i) => {
      const { control } = this.#fields[i];
      control.value = String(this.#place[axis]);
      control.max = String(shape[axis] - 1);
    });
    for (const [index, button] of [...this.#flow.children].entries()) {
      button.setAttribute("aria-pressed", String(index === this.#layer));
    }
    this.#title.textContent = `Layer ${this.#layer}: ${titleOf(node)}, ` +
      `${shape[2]} ${shape[2] === 1 ? "map" : "maps"} of ` +
      `${shape[0]} × ${shape[1]} (${node.name})`;
    const maps = mapsOf(node, this.#values[this.#layer]);
    paintMosaic(this.#mosaic, maps, map);
    this.#drawNeuron(maps, y, x, map);
  }

  #drawNeuron(maps: Maps, y: number, x: number, map: number) {
    const { trained } = this.app.network;
    const neuron = explainValue(trained, this.#values, this.#layer, [
      y,
      x,
      map,
    ]);
    paintEnlarged(
      this.#map,
      (small) => paintMap(small, maps, map),
      { x, y, width: 1, height: 1 },
    );
    this.#mapWords.textContent = `map ${map}, row ${y}, column ${x}`;
    const [from] = this.#node.inputs;
    this.#input.hidden = from === undefined;
    this.#inputWords.textContent = "";
    if (from !== undefined) {
      const node = trained.graph.nodes[from];
      const source = mapsOf(node, this.#values[from]);
      const { reason, field } = neuron;
      const channel = reason.kind === "window" ? reason.terms[0].channel : map;
      paintEnlarged(
        this.#input,
        (small) =>
          node.op === "input"
            ? paintGray(small, this.app.face.face)
            : paintMap(small, source, Math.min(channel, source.channels - 1)),
        field &&
          { x: field[1], y: field[0], width: field[3], height: field[2] },
      );
      this.#inputWords.textContent = `input map ${channel}` +
        (reason.kind === "window" && reason.terms.length > 1
          ? ", which counts most here"
          : "");
    }
    this.#steps.replaceChildren(...describeReason(neuron));
    this.#steps.dataset.value = String(neuron.value);
  }
}

export const inside: Room = {
  id: "inside",
  title: "Inside",
  idea:
    "Sums and products alone turn a face into an answer, and you can look " +
    "at each of them.",
  tryThis: "choose “Convolution 3×3”, click a bright pixel in a map, and add " +
    "up the products yourself.",
  uses: ["model", "face", "threshold"],
  open: (place, app) => new Inside(place, app),
};
