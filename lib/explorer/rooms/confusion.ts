// Confusion: which emotion is mistaken for which, on which faces, how confidently, and what a threshold
// or a temperature changes.

import { EMOTIONS, indexOfLargest } from "../../emotions.ts";
import {
  accuracyOf,
  applyTemperature,
  calibrationBins,
  calibrationError,
  countConfusion,
  coverageCurve,
  crossEntropy,
  likeliest,
} from "../../evaluation/metrics.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { breathe, make, percent, select, slider, table } from "../page/dom.ts";
import type { FaceSet } from "../page/faces.ts";
import { faceCanvas } from "../page/paint.ts";
import type { PageNetwork } from "../page/networks.ts";
import { drawPlot } from "../page/plot.ts";

/** How many faces of a cell are shown. */
const SHOWN = 60;
const CLASSES = EMOTIONS.length;

class Confusion implements OpenRoom {
  readonly #figures = make("p", { id: "figures", "aria-live": "polite" });
  readonly #matrix = make("div.scroll");
  readonly #cellWords = make("h3");
  readonly #faces = make("div.faces.wrap");
  readonly #compared = make("p.answer", { "aria-live": "polite" });
  readonly #plot = make("div");
  #set!: FaceSet;
  #probabilities: Float32Array = new Float32Array();
  #answersOf = new Map<string, Float32Array>();
  #data: string;
  #label: number;
  #answer: number;
  #threshold: number;
  #temperature: number;
  #other = "";
  #running = 0;

  constructor(place: HTMLElement, private readonly app: App) {
    const { state, networks, owned } = app;
    const hasOwn = owned.listed.length > 0;
    this.#data = hasOwn ? state.text("data", "drawn") : "drawn";
    this.#label = state.number("label", 2, 0, CLASSES - 1);
    this.#answer = state.number("answer", 5, 0, CLASSES - 1);
    this.#threshold = state.number("threshold", 0, 0, 0.99);
    this.#temperature = state.number("temperature", 1, 0.2, 5);
    const others = networks.list.filter(({ id }) => id !== app.network.id);
    this.#other = state.text("other", others[0]?.id ?? "");
    place.append(
      make(
        "div.choices",
        app.setChoice(this.#data, (data) => {
          this.#data = data;
          this.#answersOf.clear();
          this.refresh();
        }),
        others.length === 0 ? null : select(
          "Other model",
          others.map(({ id, title }) => [id, title] as const),
          this.#other,
          (id) => {
            this.#other = id;
            this.#draw();
          },
        ),
      ),
      slider({
        label: "threshold",
        least: 0,
        most: 0.99,
        step: 0.01,
        value: this.#threshold,
        format: (value) => percent(value, 0),
        onInput: (value) => {
          this.#threshold = value;
          this.#draw();
        },
      }).element,
      slider({
        label: "temperature",
        least: 0.2,
        most: 5,
        step: 0.05,
        value: this.#temperature,
        format: (value) => value.toFixed(2),
        onInput: (value) => {
          this.#temperature = value;
          this.#draw();
        },
      }).element,
      this.#figures,
      make(
        "div.columns",
        make(
          "div",
          make("h3", "Accuracy on the answered faces, by threshold"),
          this.#plot,
        ),
        make("div", this.#matrix, this.#cellWords, this.#faces, this.#compared),
      ),
    );
  }

  async refresh(): Promise<void> {
    const mine = ++this.#running;
    const { network, say } = this.app;
    if (network.names.length !== CLASSES) {
      this.#clear();
      return say(
        `${network.title} has different classes than these faces' labels: ` +
          "choose a model for the seven emotions.",
        true,
      );
    }
    this.#clear();
    try {
      const going = () => mine === this.#running;
      this.#set = await this.app.loadSet(this.#data, going);
      const all = await this.#answers(network, mine);
      if (mine !== this.#running) return;
      this.#probabilities = all;
      say("");
      this.#draw();
    } catch (error) {
      if (mine === this.#running) say((error as Error).message, true);
    }
  }

  #clear() {
    this.#matrix.replaceChildren();
    this.#faces.replaceChildren();
    this.#plot.replaceChildren();
    this.#figures.textContent = this.#cellWords.textContent = "";
  }

  /** A network's probabilities for all faces, in batches that keep the page responsive. */
  async #answers(network: PageNetwork, mine: number): Promise<Float32Array> {
    const key = `${this.#data} ${network.id}`;
    const known = this.#answersOf.get(key);
    if (known) return known;
    const { faces } = this.#set;
    const all = new Float32Array(faces.length * network.names.length);
    for (let from = 0; from < faces.length; from += 64) {
      const part = network.classify(faces.slice(from, from + 64));
      part.forEach((row, i) => all.set(row, (from + i) * network.names.length));
      if (mine !== this.#running) return all;
      if (faces.length > 500) {
        this.app.say(`Classifying: ${from} of ${faces.length} faces …`);
      }
      await breathe();
    }
    this.#answersOf.set(key, all);
    return all;
  }

  #draw() {
    if (!this.#set || this.#probabilities.length === 0) return;
    this.app.state.set({
      data: this.#data === "drawn" ? undefined : this.#data,
      label: this.#label,
      answer: this.#answer,
      threshold: this.#threshold || undefined,
      temperature: this.#temperature === 1 ? undefined : this.#temperature,
      other: this.#other || undefined,
    });
    const { labels } = this.#set;
    const cooled = applyTemperature(
      this.#probabilities,
      CLASSES,
      this.#temperature,
    );
    const answers = likeliest(cooled, CLASSES);
    const sure = [...answers.keys()].filter((face) =>
      cooled[face * CLASSES + answers[face]] >= this.#threshold
    );
    const confusion = countConfusion(
      sure.map((face) => labels[face]),
      sure.map((face) => answers[face]),
      CLASSES,
    );
    const labelArray = Uint8Array.from(labels);
    const error = calibrationError(
      calibrationBins(cooled, labelArray, CLASSES),
    );
    const accuracy = accuracyOf(confusion);
    const loss = crossEntropy(cooled, labelArray, CLASSES);
    this.#figures.textContent = `Accuracy ${percent(accuracy)} on the ` +
      `${
        percent(sure.length / labels.length)
      } of ${labels.length} faces that ` +
      `it answers; calibration error ${percent(error)}; ` +
      `cross-entropy ${loss.toFixed(3)}.`;
    this.#figures.dataset.accuracy = String(accuracy);
    this.#figures.dataset.error = String(error);
    this.#drawMatrix(confusion);
    this.#drawCoverage(cooled, labels);
    this.#drawFaces(
      cooled,
      sure.filter((face) =>
        labels[face] === this.#label && answers[face] === this.#answer
      ),
    );
  }

  #drawMatrix(counts: number[][]) {
    const focused = this.#matrix.contains(document.activeElement);
    const rows = counts.map((row, label) => {
      const total = row.reduce((a, b) => a + b, 0) || 1;
      return [
        make("th", { scope: "row" }, EMOTIONS[label]),
        ...row.map((count, answer) => {
          const chosen = label === this.#label && answer === this.#answer;
          const cell = make("button", {
            type: "button",
            "aria-pressed": String(chosen),
            "aria-label": `${EMOTIONS[label]} answered as ` +
              `${EMOTIONS[answer]}: ${count}`,
            onclick: () => {
              [this.#label, this.#answer] = [label, answer];
              this.#draw();
            },
          }, String(count));
          const hue = label === answer ? "#0072b2" : "#e69f00";
          const amount = Math.round(75 * count / total);
          cell.style.background =
            `color-mix(in srgb, ${hue} ${amount}%, var(--page))`;
          return make("td", cell);
        }),
      ];
    });
    const words = "Rows: label. Columns: answer.";
    this.#matrix.replaceChildren(
      table(["", ...EMOTIONS], rows, "matrix", words),
    );
    if (focused) {
      this.#matrix.querySelector<HTMLElement>("[aria-pressed=true]")?.focus();
    }
  }

  #drawCoverage(cooled: Float32Array, labels: ArrayLike<number>) {
    const curve = coverageCurve(cooled, labels, CLASSES);
    const points = (figure: "accuracy" | "coverage") =>
      curve.map((point) => [point.threshold, point[figure]] as const);
    drawPlot(this.#plot, {
      label: "accuracy and coverage by threshold",
      x: "threshold; accuracy (blue), share answered (orange, dashed)",
      least: 0,
      most: 1,
      now: this.#threshold,
      curves: [
        { color: "#0072b2", points: points("accuracy") },
        {
          color: "#e69f00",
          points: points("coverage"),
          dashed: true,
        },
      ],
    });
  }

  #drawFaces(cooled: Float32Array, found: number[]) {
    const sure = (face: number) => cooled[face * CLASSES + this.#answer];
    found.sort((a, b) => sure(b) - sure(a));
    this.#cellWords.textContent = `${EMOTIONS[this.#label]}, answered as ` +
      `${EMOTIONS[this.#answer]}: ${found.length} ` +
      `${found.length === 1 ? "face" : "faces"}, most confident first` +
      (found.length > SHOWN ? `; ${SHOWN} of them` : "");
    this.#compared.textContent = found.length > 0
      ? "Point at a face, or focus it, to see another model's answer; click " +
        "to look inside."
      : "";
    this.#faces.replaceChildren(
      ...found.slice(0, SHOWN).map((face) => {
        const tell = () => this.#compare(face, sure(face));
        return make(
          "button",
          {
            type: "button",
            "aria-label": `face ${face}, ${percent(sure(face), 0)}`,
            onmouseenter: tell,
            onfocus: tell,
            onclick: () => {
              this.app.state.set({ face: this.#set.idOf(face) });
              this.app.go("inside");
            },
          },
          faceCanvas(this.#set.faces[face], ""),
          percent(sure(face), 0),
        );
      }),
    );
  }

  async #compare(face: number, ours: number) {
    const own = `${EMOTIONS[this.#answer]} ${percent(ours, 0)}`;
    if (!this.#other) return void (this.#compared.textContent = own);
    try {
      const other = await this.app.networks.open(this.#other);
      const [answer] = other.classify([this.#set.faces[face]]);
      const best = indexOfLargest(answer);
      this.#compared.textContent = `${this.app.network.title}: ${own}. ` +
        `${other.title}: ${other.names[best]} ${percent(answer[best], 0)}.`;
    } catch (error) {
      this.app.say((error as Error).message, true);
    }
  }

  close(): void {
    this.#running++;
  }
}

export const confusion: Room = {
  id: "confusion",
  title: "Confusion",
  idea: "A single number hides which emotions are confused. Behind every " +
    "cell of the matrix are faces.",
  tryThis: "click a large orange cell, look at its most confident faces, and " +
    "ask yourself whether you would have known.",
  uses: ["model"],
  open: (place, app) => {
    const room = new Confusion(place, app);
    room.refresh();
    return room;
  },
};
