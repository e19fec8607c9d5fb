// Detector: one window goes through the cascade, stage by stage, feature by feature.

import type { Cascade } from "../../haar/cascade.ts";
import type { CascadeDetector } from "../../haar/detector.ts";
import { drawScene } from "../../drawn/scene.ts";
import { windowNorm } from "../../haar/feature.ts";
import {
  type IntegralImage,
  integralImage,
} from "../../haar/integral_image.ts";
import { type Layer, pyramidLayers, resizeExact } from "../../haar/pyramid.ts";
import { inImage, tryWindow } from "../../haar/search.ts";
import { stageSum } from "../../haar/stage.ts";
import { type GrayImage, toGray } from "../../image/gray.ts";
import type { App, Room } from "../page/app.ts";
import { arrowStep, button, make, numberField, slider } from "../page/dom.ts";
import { canvasOf, paintGray, pointAt } from "../page/paint.ts";
import { faceDetector, readPicture } from "../page/pictures.ts";
import { drawCut, drawFeature, stageTable } from "./cascade_view.ts";
import { digits } from "./reason_text.ts";

const NO_LIMIT = { width: 0, height: 0 };

class DetectorRoom {
  readonly #picture = make("canvas.smooth", { role: "img" });
  readonly #window = canvasOf(24, 24, "The window as the cascade sees it", 220);
  readonly #count = make("p", { "aria-live": "polite", id: "boxes" });
  readonly #verdict = make("p", { "aria-live": "polite", id: "verdict" });
  readonly #stageWords = make("p");
  readonly #featureWords = make("figcaption");
  readonly #stages = make("div.tall.panel", {
    role: "region",
    tabIndex: 0,
    "aria-label": "The stages",
  });
  readonly #stageField = numberField("Stage", 0, 24, (value) => {
    this.#stage = value;
    this.#weak = 0;
    this.#drawWindow();
  });
  readonly #weakField = numberField("Feature of the stage", 0, 0, (value) => {
    this.#weak = value;
    this.#drawWindow();
  });
  readonly #cascade: Cascade;
  #image!: GrayImage;
  #layers: Layer[] = [];
  readonly #size = slider({
    label: "window size",
    least: 0,
    most: 1,
    step: 1,
    value: 0,
    format: (value) => this.#layers[value] ? `${this.#sideOf(value)} px` : "",
    onInput: (value) => this.#aim(value, this.#middle),
  });
  #integrals = new Map<number, IntegralImage>();
  #scaled = new Map<number, GrayImage>();
  #scaleFactor: number;
  #minNeighbors: number;
  #seed: number;
  #layer = 0;
  #middle = { x: 0, y: 0 };
  #at = { x: 0, y: 0 };
  #stage = 0;
  #weak = 0;

  constructor(
    place: HTMLElement,
    private readonly app: App,
    private readonly detector: CascadeDetector,
  ) {
    const { state } = app;
    this.#cascade = detector.cascade;
    this.#scaleFactor = state.number("scaleFactor", 1.1, 1.02, 2);
    this.#minNeighbors = state.number("minNeighbors", 3, 0, 20);
    this.#seed = state.number("seed", 4, 0, 1e6);
    this.#stage = state.number("stage", 0, 0, this.#cascade.stages.length - 1);
    this.#weak = state.number("feature", 0, 0, 999);
    this.#picture.tabIndex = 0;
    this.#picture.onclick = (event) =>
      this.#aim(this.#layer, pointAt(this.#picture, event));
    this.#picture.onkeydown = (event) => this.#move(event);
    const file = make("input", { type: "file", accept: "image/*" });
    file.onchange = () => file.files?.[0] && this.#open(file.files[0]);
    place.append(
      make(
        "div.choices",
        button("Another drawn scene", () => {
          this.#seed++;
          this.#drawnScene();
        }),
        make("label", "Your own picture", file),
      ),
      slider({
        label: "scaleFactor",
        least: 1.02,
        most: 2,
        step: 0.02,
        value: this.#scaleFactor,
        format: (value) => value.toFixed(2),
        onInput: (value) => {
          this.#scaleFactor = value;
          this.#prepare();
        },
      }).element,
      slider({
        label: "minNeighbors",
        least: 0,
        most: 20,
        step: 1,
        value: this.#minNeighbors,
        onInput: (value) => {
          this.#minNeighbors = value;
          this.#drawPicture();
        },
      }).element,
      make(
        "div.row.top",
        make(
          "figure",
          this.#picture,
          make(
            "figcaption",
            "Click the picture (or use the arrow keys) to place the window. " +
              "Thick: faces. Thin: windows that passed.",
          ),
          this.#count,
        ),
        make("figure", this.#window, this.#featureWords),
      ),
      this.#size.element,
      this.#verdict,
      make("div.choices", this.#stageField.element, this.#weakField.element),
      this.#stageWords,
      this.#stages,
    );
    this.#drawnScene();
  }

  #sideOf(layer: number): number {
    return inImage(0, 0, this.#layers[layer].scale, this.#cascade).width;
  }

  #drawnScene() {
    const { image, boxes } = drawScene({
      width: 480,
      height: 300,
      faces: 2,
      seed: this.#seed,
    });
    this.#image = image;
    const { x, y, width, height } = boxes[0];
    const { state } = this.app;
    this.#middle = {
      x: state.number("x", x + width / 2, 0, 480),
      y: state.number("y", y + height / 2, 0, 300),
    };
    this.#prepare(state.number("size", width, 24, 999));
  }

  async #open(file: File) {
    try {
      const image = toGray(await readPicture(file));
      if (Math.min(image.width, image.height) < 24) {
        throw new Error(`${file.name} is smaller than the window, 24 pixels`);
      }
      this.#image = image;
      this.#middle = { x: image.width / 2, y: image.height / 2 };
      this.app.say("");
      this.#prepare(Math.min(image.width, image.height) / 3);
    } catch (error) {
      this.app.say((error as Error).message, true);
    }
  }

  /** The pyramid for the scale factor; the window keeps its position and size. */
  #prepare(side = this.#sideOf(this.#layer)) {
    this.#layers = pyramidLayers(this.#image, this.#cascade, {
      scaleFactor: this.#scaleFactor,
      minSize: NO_LIMIT,
      maxSize: NO_LIMIT,
    });
    this.#integrals.clear();
    this.#scaled.clear();
    const distance = (layer: number) => Math.abs(this.#sideOf(layer) - side);
    let best = 0;
    this.#layers.forEach((_, i) =>
      best = distance(i) < distance(best) ? i : best
    );
    this.#size.control.max = String(this.#layers.length - 1);
    this.#aim(best, this.#middle);
  }

  #aim(layer: number, middle: { x: number; y: number }) {
    this.#layer = layer;
    this.#middle = middle;
    this.#size.set(layer);
    const { scale, width, height } = this.#layers[layer];
    const place = (at: number, limit: number, side: number) =>
      Math.max(0, Math.min(limit - side, Math.round(at / scale - side / 2)));
    this.#at = {
      x: place(middle.x, width, this.#cascade.width),
      y: place(middle.y, height, this.#cascade.height),
    };
    this.#drawPicture();
    this.#drawWindow();
  }

  #move(event: KeyboardEvent) {
    const step = arrowStep(event);
    if (!step) return;
    const { scale } = this.#layers[this.#layer];
    this.#aim(this.#layer, {
      x: this.#middle.x + step[0] * scale,
      y: this.#middle.y + step[1] * scale,
    });
  }

  #drawPicture() {
    const options = { scaleFactor: this.#scaleFactor };
    const raw = this.detector.detect(this.#image, {
      ...options,
      minNeighbors: 0,
    });
    const faces = this.detector.detect(this.#image, {
      ...options,
      minNeighbors: this.#minNeighbors,
    });
    const { width, height, data } = this.#image;
    paintGray(this.#picture, data, width, height);
    const context = this.#picture.getContext("2d")!;
    const draw = (
      box: { x: number; y: number; width: number; height: number },
    ) => context.strokeRect(box.x, box.y, box.width, box.height);
    context.lineWidth = 1;
    context.strokeStyle = "#56b4e9aa";
    raw.forEach(draw);
    context.lineWidth = 4;
    context.strokeStyle = "#e69f00";
    if (this.#minNeighbors > 0) faces.forEach(draw);
    context.lineWidth = 2;
    context.strokeStyle = "#d55e00";
    context.setLineDash([6, 4]);
    const { scale } = this.#layers[this.#layer];
    draw(inImage(this.#at.x, this.#at.y, scale, this.#cascade));
    context.setLineDash([]);
    this.#count.textContent = `${faces.length} ` +
      `${faces.length === 1 ? "box" : "boxes"} with at least ` +
      `${this.#minNeighbors} neighbors; ${raw.length} windows passed all ` +
      `${this.#cascade.stages.length} stages.`;
    this.#count.dataset.faces = String(faces.length);
    this.#picture.setAttribute("aria-label", this.#count.textContent);
  }

  #integral(): { integral: IntegralImage; scaled: GrayImage } {
    const index = this.#layer, { width, height } = this.#layers[index];
    let scaled = this.#scaled.get(index), integral = this.#integrals.get(index);
    if (!scaled || !integral) {
      scaled = resizeExact(this.#image, width, height);
      integral = integralImage(scaled);
      this.#scaled.set(index, scaled);
      this.#integrals.set(index, integral);
    }
    return { integral, scaled };
  }

  #drawWindow() {
    const { integral, scaled } = this.#integral();
    const cascade = this.#cascade, { x, y } = this.#at;
    const result = tryWindow(cascade, integral, x, y);
    const norm = windowNorm(cascade, integral, x, y);
    const stages = cascade.stages;
    this.#stage = Math.min(this.#stage, stages.length - 1);
    const stage = stages[this.#stage];
    this.#weak = Math.min(this.#weak, stage.weakClassifiers.length - 1);
    this.app.state.set({
      scaleFactor: this.#scaleFactor,
      minNeighbors: this.#minNeighbors,
      seed: this.#seed,
      stage: this.#stage,
      feature: this.#weak,
      x: Math.round(this.#middle.x),
      y: Math.round(this.#middle.y),
      size: this.#sideOf(this.#layer),
    });
    this.#verdict.textContent = result.flat
      ? "The window was rejected at once: it has too little contrast."
      : result.passed === stages.length
      ? `The window passed all ${stages.length} stages: it is one vote for a face.`
      : `The window was rejected in stage ${result.passed}: its votes, ` +
        `${digits(result.sum)}, are below ${
          digits(stages[result.passed].threshold)
        }.`;
    this.#verdict.dataset.passed = String(result.passed);
    const { control } = this.#weakField;
    control.max = String(stage.weakClassifiers.length - 1);
    control.value = String(this.#weak);
    this.#stageField.control.value = String(this.#stage);
    const window = norm === null ? undefined : { x, y, norm };
    drawCut(this.#window, cascade, scaled, this.#at);
    const weak = stage.weakClassifiers[this.#weak];
    this.#featureWords.textContent = window
      ? drawFeature(this.#window, cascade, weak, integral, window)
      : "";
    const sum = window && stageSum(stage, cascade, integral, window);
    this.#drawStage(result.passed, sum);
    this.#stages.replaceChildren(
      stageTable(cascade, integral, window, result.passed, this.#stage, (i) => {
        this.#stage = i;
        this.#weak = 0;
        this.#drawWindow();
      }),
    );
  }

  #drawStage(passed: number, sum: number | undefined) {
    const { threshold, weakClassifiers } = this.#cascade.stages[this.#stage];
    this.#stageWords.textContent = sum === undefined
      ? "No stage was reached."
      : `Stage ${this.#stage}: the votes of ${weakClassifiers.length} features ` +
        `add up to ${digits(sum)}; ${digits(threshold)} is needed.` +
        (this.#stage > passed
          ? " It was not reached: the window had been rejected."
          : "");
  }
}

export const detector: Room = {
  id: "detector",
  title: "Detector",
  idea: "Most windows are not faces and are rejected after a few sums: that " +
    "is why finding faces is fast.",
  tryThis: "put the window on a face and next to it, and compare how far it " +
    "gets; then set minNeighbors to 0.",
  uses: [],
  open: async (place, app) => {
    new DetectorRoom(place, app, await faceDetector());
    return {};
  },
};
