// Camera: live emotions, raw and smoothed, from the camera, a clip or one picture.

import { toGray } from "../../image/gray.ts";
import { drawFaces, type PanelSide } from "../../recognition/annotate.ts";
import type { FaceFinder } from "../../recognition/face_finder.ts";
import {
  FaceTracker,
  SMOOTHING_SECONDS,
  type TrackedFace,
} from "../../recognition/tracking.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { answerWords } from "../page/bars.ts";
import { button, make, slider } from "../page/dom.ts";
import { keepOwnFace } from "../page/faces.ts";
import { faceFinder, readPicture } from "../page/pictures.ts";
import { findFaces, type PageFace } from "../page/recognize.ts";
import { fitCanvas, VideoSource } from "../page/video_source.ts";
import { SmoothingChart } from "./smoothing_chart.ts";

class Camera implements OpenRoom {
  readonly #canvas = make("canvas.smooth", {
    id: "picture",
    width: 640,
    height: 480,
    role: "img",
    "aria-label": "The picture with its faces",
  });
  readonly #words = make("output", { id: "faces", "aria-live": "off" });
  readonly #live = make("p.skip", { role: "status" });
  readonly #rate = make("span.soft", { id: "rate" });
  readonly #keep = button("Look inside this face", () => this.#keepFace());
  readonly #chart: SmoothingChart;
  readonly #source: VideoSource;
  #tracker!: FaceTracker;
  #sides = new Map<number, PanelSide>();
  #constant: number;
  #crop: Uint8Array | undefined;
  /** The chosen picture, before faces are drawn on it. */
  #still: ImageData | undefined;
  #frames = 0;
  #since = 0;
  #spoken = 0;
  #choice = 0;

  constructor(
    place: HTMLElement,
    private readonly app: App,
    private readonly finder: FaceFinder,
  ) {
    this.#constant = app.state.number("smoothing", SMOOTHING_SECONDS, 0, 3);
    this.#chart = new SmoothingChart(() => app.network.names);
    this.#source = new VideoSource(this.#canvas, {
      frame: (seconds) => this.#frame(seconds),
      started: () => this.app.say(""),
      trouble: (words) => {
        this.#clear();
        this.app.say(words, !words.startsWith("Please"));
      },
    });
    place.append(
      make(
        "div.choices",
        button("Use the camera", () => this.#useCamera(), {
          className: "first",
        }),
        make("label", "A video or picture instead", this.#fileInput()),
        this.#rate,
      ),
      this.#canvas,
      make("p", this.#words),
      this.#live,
      make("div.row", this.#keep),
      make("h3", "Smoothing"),
      make(
        "p.soft",
        "The answer flickers from frame to frame. An average over time is " +
          "steadier but slower: choose your balance.",
      ),
      slider({
        label: "time constant",
        least: 0,
        most: 3,
        step: 0.05,
        value: this.#constant,
        format: (value) => `${value.toFixed(2)} s`,
        onInput: (value) => {
          this.#constant = value;
          app.state.set({ smoothing: value });
          this.refresh();
        },
      }).element,
      this.#chart.element,
    );
    this.#useCamera();
  }

  /** The model, the threshold or the smoothing has changed. */
  refresh(): void {
    const { threshold } = this.app;
    this.#tracker = new FaceTracker(this.#constant, threshold);
    this.#chart.restart(this.#constant);
    if (this.#still) this.#showStill(this.#still);
  }

  #fileInput() {
    const input = make("input", {
      id: "file",
      type: "file",
      accept:
        "video/*, image/jpeg, image/png, image/webp, image/gif, image/bmp",
    });
    input.onchange = () => {
      const file = input.files?.[0];
      if (file) this.#useFile(file);
      input.value = "";
    };
    return input;
  }

  #useCamera() {
    this.#choice++;
    this.#restart();
    this.#source.playCamera();
  }

  async #useFile(file: File) {
    const mine = ++this.#choice;
    this.#restart();
    if (!file.type.startsWith("image/")) {
      return await this.#source.playClip(file);
    }
    this.#source.stop();
    try {
      const image = await readPicture(file);
      if (mine !== this.#choice) return;
      this.#still = image;
      this.app.say("");
      this.#showStill(image);
    } catch (error) {
      if (mine === this.#choice) this.app.say((error as Error).message, true);
    }
  }

  #showStill(image: ImageData) {
    fitCanvas(this.#canvas, image.width, image.height);
    this.#canvas.getContext("2d")!.putImageData(image, 0, 0);
    this.#showFaces(0);
  }

  #restart() {
    this.#still = undefined;
    this.#sides = new Map();
    this.#frames = 0;
    this.#since = performance.now();
    this.refresh();
    this.#clear();
  }

  /** Removes text and numbers about an earlier picture. */
  #clear() {
    this.#words.textContent = "";
    this.#live.textContent = "";
    delete this.#words.dataset.count;
    this.#rate.textContent = "";
    this.#crop = undefined;
    this.#keep.disabled = true;
    this.#chart.pause();
  }

  #frame(seconds: number) {
    this.#chart.add(this.#showFaces(seconds)[0], seconds);
    this.#frames++;
    const now = performance.now();
    if (now - this.#since < 1000) return;
    const perSecond = this.#frames * 1000 / (now - this.#since);
    this.#rate.textContent = `${perSecond.toFixed(1)} frames per second`;
    this.#rate.dataset.rate = perSecond.toFixed(2);
    this.#frames = 0;
    this.#since = now;
  }

  #showFaces(seconds: number): TrackedFace<PageFace>[] {
    const context = this.#canvas.getContext("2d", {
      willReadFrequently: true,
    })!;
    const { width, height } = this.#canvas;
    const image = context.getImageData(0, 0, width, height);
    const { finder, app: { network, threshold } } = this, { names } = network;
    const found = findFaces(finder, network, toGray(image));
    const faces = this.#tracker.update(found, seconds);
    drawFaces(image, faces, { sides: this.#sides, emotions: names });
    context.putImageData(image, 0, 0);
    const words = faces.map(({ track, probabilities }) =>
      `#${track} ${answerWords(probabilities, names, threshold)}`
    );
    this.#words.textContent = words.join(", ") || "No face in sight.";
    this.#words.dataset.count = String(faces.length);
    if (performance.now() - this.#spoken > 2500) {
      this.#spoken = performance.now();
      this.#live.textContent = this.#words.textContent;
    }
    this.#crop = faces[0]?.face.crop;
    this.#keep.disabled = !this.#crop;
    return faces;
  }

  #keepFace() {
    if (!this.#crop) return;
    this.app.face = keepOwnFace(this.#crop);
    this.app.state.set({ face: "own" });
    this.app.go("inside");
  }

  close(): void {
    this.#choice++;
    this.#source.stop();
  }
}

export const camera: Room = {
  id: "camera",
  title: "Camera",
  idea: "Find the face, crop it, classify it, smooth over time: all here, in " +
    "your browser.",
  tryThis:
    "make a face and hold it; then set the time constant to 0 and to 2 s.",
  uses: ["model", "threshold"],
  open: async (place, app) => new Camera(place, app, await faceFinder()),
};
