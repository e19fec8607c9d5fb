// Time machine: the saved epochs of a run, and how answers, filters and maps for one face developed.

import { colorsOf, EMOTIONS, indexOfLargest } from "../../emotions.ts";
import type { NetworkNode } from "../../network/graph.ts";
import { weightOf } from "../forward.ts";
import type { ListedModel } from "../models.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { Bars } from "../page/bars.ts";
import { make, percent, select, slider } from "../page/dom.ts";
import { canvasOf, faceCanvas, largest, paintMosaic } from "../page/paint.ts";
import { drawnFace } from "../page/pictures.ts";
import type { PageNetwork } from "../page/networks.ts";
import { drawPlot } from "../page/plot.ts";
import { titleOf } from "./inside.ts";

/** Other faces whose answers are also shown. */
const COMPANY = 14;

/** The runs with at least two saved epochs, and these epochs. */
function listRuns(list: readonly ListedModel[]) {
  const runs = new Map<string, ListedModel[]>();
  for (const model of list) {
    if (model.epoch === undefined) continue;
    runs.set(model.run, [...runs.get(model.run) ?? [], model]);
  }
  for (const [run, epochs] of runs) {
    if (epochs.length < 2) runs.delete(run);
    else epochs.sort((a, b) => a.epoch! - b.epoch!);
  }
  return runs;
}

class TimeMachine implements OpenRoom {
  readonly #bars = new Bars();
  readonly #epochWords = make("p.answer", {
    "aria-live": "polite",
    id: "epoch",
  });
  readonly #filters = canvasOf(48, 48, "The filters of the first convolution");
  readonly #maps = canvasOf(48, 48, "The maps of the chosen layer");
  readonly #layerChoice = make("div.choices");
  readonly #learned = make("p", { id: "learned" });
  readonly #plot = make("div");
  readonly #company = make("div.faces.wrap");
  readonly #runs: Map<string, ListedModel[]>;
  readonly #slider;
  #run: string;
  #place = 0;
  #layer: number;
  #networks: PageNetwork[] = [];
  #loading = 0;

  constructor(place: HTMLElement, private readonly app: App) {
    const { state, networks } = app;
    this.#runs = listRuns(networks.list);
    const names = [...this.#runs.keys()];
    const own = networks.list.find(({ id }) => id === app.network.id)?.run;
    this.#run = state.text("run", own && this.#runs.has(own) ? own : names[0]);
    if (!this.#runs.has(this.#run)) this.#run = names[0];
    this.#layer = state.number("layer", 1, 1, 999);
    this.#slider = slider({
      label: "epoch",
      least: 0,
      most: 1,
      step: 1,
      value: 0,
      format: (value) => String(this.#epochs[value]?.epoch ?? ""),
      onInput: (value) => {
        this.#place = value;
        this.#draw();
      },
    });
    place.append(
      make(
        "div.choices",
        select(
          "Run",
          names.map((name) => [name, name] as const),
          this.#run,
          (run) => {
            this.#run = run;
            this.#place = 0;
            this.#load();
          },
        ),
      ),
      this.#slider.element,
      this.#epochWords,
      make(
        "div.columns",
        make(
          "div",
          this.#bars.element,
          make("h3", "When did it learn this face?"),
          this.#learned,
          this.#plot,
        ),
        make(
          "div",
          make("h3", "The first filters"),
          make("div.scroll", this.#filters),
          this.#layerChoice,
          make("div.scroll", this.#maps),
          make("h3", "The same faces at this epoch"),
          this.#company,
        ),
      ),
    );
    this.#place = state.number("epoch", -1, 0, 9999);
    this.#load(true);
  }

  get #epochs(): ListedModel[] {
    return this.#runs.get(this.#run) ?? [];
  }

  async #load(first = false) {
    const mine = ++this.#loading, epochs = this.#epochs;
    if (first) {
      const at = epochs.findIndex(({ epoch }) => epoch === this.#place);
      this.#place = Math.max(0, at);
    }
    this.app.say("Loading the saved epochs …");
    try {
      const networks: PageNetwork[] = [];
      for (const { id } of epochs) {
        networks.push(await this.app.networks.open(id));
        if (mine !== this.#loading) return;
      }
      this.#networks = networks;
      this.app.say("");
    } catch (error) {
      if (mine !== this.#loading) return;
      return this.app.say((error as Error).message, true);
    }
    this.#slider.control.max = String(epochs.length - 1);
    const { nodes } = this.#networks[0].trained.graph;
    this.#layer = Math.min(this.#layer, nodes.length - 1);
    this.#layerChoice.replaceChildren(
      select(
        "Maps of layer",
        nodes.map((node, i) => [String(i), `${i} ${titleOf(node)}`] as const)
          .slice(1),
        String(this.#layer),
        (layer) => {
          this.#layer = Number(layer);
          this.#draw();
        },
      ),
    );
    this.#slider.set(this.#place);
    this.refresh();
  }

  refresh(): void {
    if (this.#networks.length === 0) return;
    this.#drawHistory();
    this.#draw();
  }

  #draw() {
    const network = this.#networks[this.#place];
    const { epoch, accuracy } = this.#epochs[this.#place];
    if (!network) return;
    this.app.state.set({ run: this.#run, epoch, layer: this.#layer });
    this.#epochWords.textContent = `After epoch ${epoch}` +
      (accuracy === undefined
        ? ""
        : `: ${percent(accuracy)} of its validation faces are right`);
    const { face, label } = this.app.face;
    const values = network.trace(face);
    this.#bars.show(values.at(-1)!, network.names, label);
    this.#drawFilters(network);
    const [rows, columns, channels] =
      network.trained.graph.nodes[this.#layer].shape;
    paintMosaic(
      this.#maps,
      { values: values[this.#layer], rows, columns, channels },
      -1,
    );
    this.#company.replaceChildren(
      ...Array.from({ length: COMPANY }, (_, i) => {
        const { face, label } = drawnFace(i);
        const [answer] = network.classify([face]);
        const best = indexOfLargest(answer);
        const right = network.names[best] === EMOTIONS[label];
        return make(
          "figure",
          faceCanvas(face, `drawn ${EMOTIONS[label]}`),
          make(
            right ? "figcaption.right" : "figcaption.wrong",
            network.names[best],
          ),
        );
      }),
    );
  }

  #drawFilters({ trained }: PageNetwork) {
    const node = trained.graph.nodes.find((node) => node.op === "conv") as
      & NetworkNode
      & { op: "conv" };
    const weights = weightOf(trained, node.kernel);
    const [rows, columns] = node.window.size;
    const channels = node.shape[2];
    // The first convolution reads one map: rows x columns x 1 x channels.
    const values = weights.subarray(0, rows * columns * channels);
    paintMosaic(this.#filters, { values, rows, columns, channels }, -1);
    this.#filters.setAttribute(
      "aria-label",
      `${channels} filters of ${rows} by ${columns}, ` +
        `largest weight ${largest(values).toFixed(3)}`,
    );
  }

  #drawHistory() {
    const { face, label } = this.app.face, epochs = this.#epochs;
    const answers = this.#networks.map((network) =>
      network.classify([face])[0]
    );
    const names = this.#networks[0].names;
    const last = indexOfLargest(answers.at(-1)!);
    const shown = label !== undefined && label < names.length ? label : last;
    const points = answers.map((answer, i) =>
      [epochs[i].epoch!, answer[shown]] as const
    );
    drawPlot(this.#plot, {
      label: `${names[shown]} over the saved epochs`,
      x: `epoch; ${names[shown]} for this face`,
      least: epochs[0].epoch!,
      most: epochs.at(-1)!.epoch!,
      curves: [{
        color: colorsOf(names)[shown],
        points,
        dots: true,
      }],
    });
    const right = answers.map((answer) => indexOfLargest(answer) === shown);
    const since = right.lastIndexOf(false) + 1;
    const what = label === undefined ? `“${names[shown]}”` : "right";
    this.#learned.textContent = since >= right.length
      ? `It never did: its last answer is ${names[last]}, not ${names[shown]}.`
      : since === 0
      ? `Its answer was ${what} at every saved epoch.`
      : `Its answer is ${what} from saved epoch ${epochs[since].epoch} on; ` +
        `at epoch ${epochs[since - 1].epoch} it was ` +
        `${names[indexOfLargest(answers[since - 1])]}.`;
  }

  close(): void {
    this.#loading++;
  }
}

export const timeMachine: Room = {
  id: "time",
  title: "Time machine",
  idea: "Filters, maps and answers were not there from the start: they " +
    "developed, epoch by epoch.",
  tryThis: "choose a sad face and step through the epochs until it is right.",
  uses: ["face"],
  open: (place, app) => {
    if (listRuns(app.networks.list).size > 0) {
      return new TimeMachine(place, app);
    }
    place.append(
      make(
        "p.trouble",
        "No run here has two saved epochs: train one with notebook 4 or " +
          "deno task train, and open the explorer again.",
      ),
    );
    return {};
  },
};
