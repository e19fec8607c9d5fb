// Playground: change the face, and watch the answer and the heat map move.

import { colorsOf, indexOfLargest } from "../../emotions.ts";
import { mapScores } from "../head.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { Bars } from "../page/bars.ts";
import {
  arrowStep,
  button,
  curveChoice,
  make,
  percent,
  select,
  type Slider,
  slider,
} from "../page/dom.ts";
import {
  canvasOf,
  frame,
  paintGray,
  paintHeat,
  pointAt,
} from "../page/paint.ts";
import { drawPlot } from "../page/plot.ts";
import {
  changeFace,
  type ChangeName,
  COVER_COLUMNS,
  COVER_SIZE,
  type FaceChange,
  findTurningPoint,
  NO_CHANGE,
  RANGES,
  readCover,
  writeCover,
} from "../transform.ts";

const CHANGES = Object.keys(RANGES) as ChangeName[];

const show = (name: ChangeName, value: number) =>
  `${Number(value.toFixed(2))}${RANGES[name].unit}`;

class Playground implements OpenRoom {
  readonly #bars = new Bars();
  readonly #picture = canvasOf(
    48,
    48,
    "The face as the network sees it; cover parts of it",
    240,
  );
  readonly #heat = canvasOf(48, 48, "Where the network looks", 240);
  readonly #heatWords = make("figcaption");
  readonly #plot = make("div");
  readonly #plotWords = make("p.soft");
  readonly #found = make("p", { "aria-live": "polite" });
  readonly #sliders = new Map<ChangeName, Slider>();
  readonly #mirror = make("input", { type: "checkbox" });
  readonly #cover: Set<number>;
  #values: Record<ChangeName, number>;
  #curve: ChangeName;
  #emotion: number;
  #emotionChoice = make("span");
  #cursor = 0;
  #waiting = 0;
  #restTimer = 0;
  #heatDrawn = 0;
  #heatCost = 0;
  #dragging = false;

  constructor(place: HTMLElement, private readonly app: App) {
    const { state } = app;
    this.#values = Object.fromEntries(CHANGES.map((name) => [
      name,
      state.number(
        name,
        NO_CHANGE[name],
        RANGES[name].least,
        RANGES[name].most,
      ),
    ])) as Record<ChangeName, number>;
    this.#mirror.checked = state.text("mirror", "") === "1";
    this.#cover = readCover(state.text("cover", ""));
    const curve = state.text("curve", "turn") as ChangeName;
    this.#curve = CHANGES.includes(curve) ? curve : "turn";
    this.#emotion = state.number("emotion", -1, 0, 99);
    this.#mirror.onchange = () => this.#later();
    this.#listenForCover();
    this.#bars.element.style.flex = "1 1 18rem";
    place.append(
      make(
        "div.row.top",
        make(
          "figure.half",
          this.#picture,
          make(
            "figcaption",
            "Cover parts with the mouse, or with the arrow keys and space.",
          ),
        ),
        make("figure.half", this.#heat, this.#heatWords),
        this.#bars.element,
      ),
      make(
        "div.columns",
        this.#controls(),
        make(
          "div",
          make("h3", "One emotion's curve"),
          make(
            "div.choices",
            select(
              "Over",
              CHANGES.map((name) => [name, RANGES[name].label] as const),
              this.#curve,
              (name) => {
                this.#curve = name as ChangeName;
                this.#later();
              },
            ),
            this.#emotionChoice,
          ),
          this.#plot,
          this.#plotWords,
          make("h3", "The smallest change that flips the answer"),
          button("Find it", () => this.#find()),
          this.#found,
        ),
      ),
    );
    this.refresh();
  }

  #controls() {
    for (const name of CHANGES) {
      const made = slider({
        ...RANGES[name],
        value: this.#values[name],
        format: (value) => show(name, value),
        onInput: (value) => {
          this.#values[name] = value;
          this.#dragging = true;
          this.#later();
        },
      });
      made.control.addEventListener("change", () => {
        this.#dragging = false;
        this.#later();
      });
      this.#sliders.set(name, made);
    }
    return make(
      "section",
      { "aria-label": "Changes" },
      make("h3", "Change the face"),
      ...[...this.#sliders.values()].map(({ element }) => element),
      make("label.row", this.#mirror, "mirror"),
      button("Reset", () => {
        this.#cover.clear();
        this.#mirror.checked = false;
        for (const name of CHANGES) this.#set(name, NO_CHANGE[name]);
        this.#later();
      }),
    );
  }

  #set(name: ChangeName, value: number) {
    this.#values[name] = value;
    this.#sliders.get(name)!.set(value);
  }

  #listenForCover() {
    const canvas = this.#picture;
    canvas.tabIndex = 0;
    canvas.style.touchAction = "none";
    let adding: boolean | undefined;
    const paint = (event: PointerEvent) => {
      const { x, y } = pointAt(canvas, event);
      const column = Math.floor(x / COVER_SIZE),
        row = Math.floor(y / COVER_SIZE);
      if (Math.min(column, row) < 0 || Math.max(column, row) >= COVER_COLUMNS) {
        return;
      }
      const square = row * COVER_COLUMNS + column;
      adding ??= !this.#cover.has(square);
      if (adding) this.#cover.add(square);
      else this.#cover.delete(square);
      this.#later();
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      paint(event);
    };
    canvas.onpointermove = (event) => {
      if (adding !== undefined && event.buttons > 0) paint(event);
    };
    canvas.onpointerup = () => adding = undefined;
    canvas.onfocus = canvas.onblur = () => this.#later();
    canvas.onkeydown = (event) => {
      const step = arrowStep(event);
      if (step) {
        const next = this.#cursor + step[0] + step[1] * COVER_COLUMNS;
        if (next >= 0 && next < COVER_COLUMNS ** 2) this.#cursor = next;
      } else if (event.key === " ") {
        event.preventDefault();
        if (!this.#cover.delete(this.#cursor)) this.#cover.add(this.#cursor);
      } else return;
      this.#later();
    };
  }

  get #change(): FaceChange {
    return {
      ...this.#values,
      mirror: this.#mirror.checked,
      cover: this.#cover,
    };
  }

  /** Draws in the browser's next frame, however many changes come before. */
  #later() {
    if (this.#waiting) return;
    this.#waiting = requestAnimationFrame(() => {
      this.#waiting = 0;
      this.#draw();
    });
  }

  refresh(): void {
    const { names } = this.app.network;
    this.#emotionChoice.replaceChildren(
      curveChoice(names, this.#emotion, (label) => {
        this.#emotion = label;
        this.#later();
      }),
    );
    this.#found.textContent = "";
    this.#draw();
  }

  close(): void {
    cancelAnimationFrame(this.#waiting);
    clearTimeout(this.#restTimer);
  }

  #draw() {
    const { network, face, state } = this.app;
    const changed = changeFace(face.face, this.#change);
    const [probabilities] = network.classify([changed]);
    this.#bars.show(
      probabilities,
      network.names,
      face.label,
      this.app.threshold,
    );
    paintGray(this.#picture, changed);
    if (document.activeElement === this.#picture) {
      frame(
        this.#picture,
        {
          x: this.#cursor % COVER_COLUMNS * COVER_SIZE,
          y: Math.floor(this.#cursor / COVER_COLUMNS) * COVER_SIZE,
          width: COVER_SIZE,
          height: COVER_SIZE,
        },
        "#e69f00",
        1,
      );
    }
    const best = indexOfLargest(probabilities);
    const now = performance.now();
    // The heat map costs far more than the bars, which are drawn in every frame.
    if (!this.#dragging || now - this.#heatDrawn > 3 * this.#heatCost) {
      this.#drawHeat(changed, best);
      this.#heatDrawn = performance.now();
      this.#heatCost = this.#heatDrawn - now;
    }
    state.set({
      ...Object.fromEntries(CHANGES.map((name) => [
        name,
        this.#values[name] === NO_CHANGE[name] ? undefined : this.#values[name],
      ])),
      mirror: this.#mirror.checked ? 1 : undefined,
      cover: writeCover(this.#cover),
      curve: this.#curve === "turn" ? undefined : this.#curve,
      emotion: this.#emotion < 0 ? undefined : this.#emotion,
    });
    // The curve takes forty predictions: wait until the slider rests.
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => {
      this.#drawHeat(changed, best);
      if (!this.#dragging) this.#drawCurve();
    }, 100);
  }

  #drawHeat(changed: Uint8Array, best: number) {
    const { network } = this.app, { trained, names } = network;
    const maps = mapScores(trained, network.trace(changed));
    this.#heat.hidden = !maps;
    if (!maps) {
      this.#heatWords.textContent =
        "This network does not end in a linear layer: it has no exact map.";
      return;
    }
    const { height, width, classes } = maps;
    paintHeat(this.#heat, changed, classes[best].parts, height, width);
    this.#heatWords.textContent = `Evidence for ${
      names[best]
    }: yellow is strongest.`;
  }

  #drawCurve() {
    const { network, face } = this.app;
    const { least, most } = RANGES[this.#curve];
    const change = this.#change, name = this.#curve;
    const values = Array.from(
      { length: 41 },
      (_, i) => least + i * (most - least) / 40,
    );
    const answers = network.classify(
      values.map((value) =>
        changeFace(face.face, { ...change, [name]: value })
      ),
    );
    const [now] = network.classify([changeFace(face.face, change)]);
    const emotion = this.#emotion >= 0 && this.#emotion < now.length
      ? this.#emotion
      : indexOfLargest(now);
    const points = values.map((value, i) =>
      [value, answers[i][emotion]] as const
    );
    const high = points.reduce((a, b) => b[1] > a[1] ? b : a);
    const low = points.reduce((a, b) => b[1] < a[1] ? b : a);
    const words = `${network.names[emotion]} over ${RANGES[name].label}: ` +
      `from ${percent(low[1])} at ${show(name, low[0])} ` +
      `to ${percent(high[1])} at ${show(name, high[0])}, ` +
      `now ${percent(now[emotion])}`;
    drawPlot(this.#plot, {
      label: words,
      x: RANGES[name].label,
      least,
      most,
      now: change[name],
      curves: [{
        color: colorsOf(network.names)[emotion],
        points,
      }],
    });
    this.#plotWords.textContent = `${words}.`;
  }

  #find() {
    const { network, face } = this.app;
    const point = findTurningPoint(
      face.face,
      this.#change,
      (faces) => network.classify(faces).map(indexOfLargest),
    );
    if (!point) {
      this.#found.textContent =
        "No single change within these ranges flips it.";
      return;
    }
    const before = show(point.name, this.#values[point.name]);
    this.#found.replaceChildren(
      `${RANGES[point.name].label} from ${before} to ${
        show(point.name, point.value)
      } ` +
        `makes it ${network.names[point.answer]} (${
          percent(point.part, 0)
        } of the range). `,
      button("Show it", () => {
        this.#set(point.name, point.value);
        this.#later();
      }),
    );
  }
}

export const playground: Room = {
  id: "playground",
  title: "Playground",
  idea:
    "Change the face and see what the network relies on: its answer may not " +
    "be as stable as you think.",
  tryThis: "turn a happy face by 20°, then cover its mouth.",
  uses: ["model", "face", "threshold"],
  open: (place, app) => new Playground(place, app),
};
