// Teach it your face: a few seconds of each of your own classes, and the last layer learns them here.

import { indexOfLargest } from "../../emotions.ts";
import { toGray } from "../../image/gray.ts";
import { cropFace } from "../../recognition/crop.ts";
import type { FaceFinder } from "../../recognition/face_finder.ts";
import { headFeatures, replaceHead, trainHead } from "../head.ts";
import { openModel, packModel } from "../own_model.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { Bars } from "../page/bars.ts";
import { breathe, button, download, make, percent } from "../page/dom.ts";
import { loadJson, PageNetwork } from "../page/networks.ts";
import { faceCanvas } from "../page/paint.ts";
import { faceFinder, readFace } from "../page/pictures.ts";
import { findFaces } from "../page/recognize.ts";
import { VideoSource } from "../page/video_source.ts";

/** The length of a recording, and its most faces per second. */
const SECONDS = 4, FACES_PER_SECOND = 8;

interface OwnClass {
  name: string;
  readonly faces: Uint8Array[];
}

class Teach implements OpenRoom {
  readonly #canvas = make("canvas.smooth", {
    width: 640,
    height: 480,
    role: "img",
    "aria-label": "The camera's picture",
  });
  readonly #list = make("div");
  readonly #progress = make("p", { role: "status", id: "teaching" });
  readonly #bars = new Bars();
  readonly #train = button("Teach it", () => this.#learn(), {
    className: "first",
  });
  readonly #save = button("Save the model", () => this.#saveModel());
  readonly #source: VideoSource;
  #classes: OwnClass[] = [
    { name: "smile", faces: [] },
    { name: "neutral", faces: [] },
  ];
  #recording: { own: OwnClass; until: number; last: number } | undefined;
  #own: PageNetwork | undefined;
  #closed = false;
  #learning = false;

  constructor(
    place: HTMLElement,
    private readonly app: App,
    private readonly finder: FaceFinder,
  ) {
    this.#source = new VideoSource(this.#canvas, {
      frame: () => this.#frame(),
      started: () => {
        this.app.say("");
        if (!this.#own) this.#bars.clear("Teach it first.");
        this.#drawList(); // Recording is possible now.
      },
      trouble: (words) => {
        this.#recording = undefined;
        this.#bars.clear("No picture, so no answer.");
        this.#drawList();
        this.app.say(words, !words.startsWith("Please"));
      },
    });
    const opened = make("input", { type: "file", accept: ".zip" });
    opened.onchange = () =>
      opened.files?.[0] && this.#openModel(opened.files[0]);
    place.append(
      make(
        "div.columns",
        make(
          "div",
          make(
            "div.row",
            button("Use the camera", () => this.#source.playCamera(), {
              className: "first",
            }),
          ),
          this.#canvas,
          make(
            "p.soft",
            "The picture stays in this page. If you have no camera, give " +
              "each class some pictures.",
          ),
          make("h3", "Its answer now"),
          this.#bars.element,
        ),
        make(
          "div",
          make("h3", "1. Your classes"),
          this.#list,
          button("Another class", () => {
            this.#classes.push({
              name: `class ${this.#classes.length + 1}`,
              faces: [],
            });
            this.#drawList();
          }),
          make("h3", "2. The last layer learns"),
          make("div.row", this.#train, this.#save),
          this.#progress,
          make("label.field", "Open a model that you saved here", opened),
        ),
      ),
    );
    this.#bars.clear("Teach it first.");
    this.#drawList();
  }

  refresh(): void {
    this.#own = undefined;
    this.#bars.clear("Teach it first.");
    this.#drawList();
  }

  #drawList() {
    this.#list.replaceChildren(...this.#classes.map((own, k) => {
      const name = make("input", {
        type: "text",
        value: own.name,
        maxLength: 24,
        "aria-label": `name of class ${k + 1}`,
      });
      name.onchange = () => own.name = name.value.trim() || `class ${k + 1}`;
      const file = make("input", {
        type: "file",
        accept: "image/*",
        multiple: true,
        "aria-label": `pictures of ${own.name}`,
      });
      file.onchange = () => this.#addPictures(own, [...file.files ?? []]);
      const record = button(
        this.#recording?.own === own ? "Recording …" : `Record ${SECONDS} s`,
        () => this.#record(own),
        { disabled: this.#canvas.hidden || this.#recording !== undefined },
      );
      const remove = button("Remove", () => {
        this.#classes.splice(k, 1);
        this.#drawList();
      }, {
        disabled: this.#classes.length <= 2,
        "aria-label": `remove ${own.name}`,
      });
      return make(
        "div.panel",
        make("div.row", name, record, remove),
        make("label.field", "or pictures", file),
        make("p.soft", `${own.faces.length} faces`),
        make(
          "div.faces",
          ...own.faces.slice(-6).map((face) => faceCanvas(face, "", 36)),
        ),
      );
    }));
    const ready = this.#classes.every(({ faces }) => faces.length > 0);
    this.#train.disabled = !ready;
    this.#save.disabled = !this.#own;
    if (!ready) {
      this.#progress.textContent ||= "Every class needs some faces.";
    }
  }

  #record(own: OwnClass) {
    const now = performance.now();
    this.#recording = { own, until: now + SECONDS * 1000, last: 0 };
    this.#progress.textContent =
      `Recording ${own.name}: hold it, and move a little.`;
    this.#drawList();
  }

  async #addPictures(own: OwnClass, files: File[]) {
    for (const file of files) {
      try {
        const { face, words } = await readFace(file);
        own.faces.push(face);
        this.app.say(words);
      } catch (error) {
        this.app.say((error as Error).message, true);
      }
    }
    this.#progress.textContent = "";
    this.#drawList();
  }

  #frame() {
    if (this.#learning) return; // Learning gets the processor to itself: seconds, not a minute.
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext("2d", {
      willReadFrequently: true,
    })!;
    const gray = toGray(context.getImageData(0, 0, width, height));
    const network = this.#own ?? this.app.network;
    const faces = findFaces(this.finder, network, gray)
      .sort((a, b) => b.box.width - a.box.width);
    context.strokeStyle = "#e69f00";
    context.lineWidth = 3;
    const [face] = faces;
    if (face) {
      const { box } = face;
      context.strokeRect(box.x, box.y, box.width, box.height);
    }
    if (this.#own) {
      if (face) this.#bars.show(face.probabilities, this.#own.names);
      else this.#bars.clear("No face in sight.");
    }
    this.#keepRecording(
      face && [
        cropFace(gray, face.box),
        // Slightly wider and tighter crops, because no detector is exact.
        cropFace(gray, face.box, 0.04),
        cropFace(gray, face.box, -0.04),
      ],
    );
  }

  #keepRecording(crops: Uint8Array[] | undefined) {
    const recording = this.#recording, now = performance.now();
    if (!recording) return;
    if (crops && now - recording.last > 1000 / FACES_PER_SECOND) {
      recording.own.faces.push(...crops);
      recording.last = now;
    }
    if (now < recording.until) return;
    this.#recording = undefined;
    this.#progress.textContent = recording.own.faces.length === 0
      ? "No face was seen: try more light, or move closer to the camera."
      : `${recording.own.name} has ${recording.own.faces.length} faces.`;
    this.#drawList();
  }

  async #learn() {
    const { network } = this.app, began = performance.now();
    const classes = this.#classes.map(({ name, faces }) => ({
      name,
      faces: [...faces],
    }));
    const names = classes.map(({ name }) => name);
    if (new Set(names).size < names.length) {
      return this.app.say("Two classes have the same name.", true);
    }
    this.#train.disabled = this.#learning = true;
    try {
      const features: Float32Array[] = [], labels: number[] = [];
      const total = classes.reduce((sum, { faces }) => sum + faces.length, 0);
      for (const [k, { faces }] of classes.entries()) {
        for (const face of faces) {
          features.push(headFeatures(network.trained, network.trace(face)));
          labels.push(k);
          if (features.length % 8 === 0) {
            this.#progress.textContent =
              `Reading the faces: ${features.length} of ${total} …`;
            await breathe();
          }
        }
      }
      this.#progress.textContent = "Learning …";
      await breathe();
      const head = trainHead({ features, labels, classes: names.length });
      const trained = replaceHead(network.trained, head);
      const own = await PageNetwork.create("own", "your model", trained, names);
      if (this.#closed) return;
      this.#own = own;
      const seconds = (performance.now() - began) / 1000;
      const right = classes.flatMap(({ faces }, k) =>
        own.classify(faces).map((answer) => indexOfLargest(answer) === k)
      );
      this.#progress.textContent =
        `Learned from ${total} faces in ${seconds.toFixed(1)} s: ` +
        `${percent(right.filter(Boolean).length / total, 0)} of them right` +
        (head.heldOut === null
          ? "."
          : `, and ${
            percent(head.heldOut, 0)
          } of every fourth face when those ` +
            "were left out. Faces from one recording are alike: try it live.");
      const [face] = classes[0].faces;
      this.#bars.show(own.classify([face])[0], names);
    } catch (error) {
      this.app.say((error as Error).message, true);
    } finally {
      this.#train.disabled = this.#learning = false;
      this.#drawList();
    }
  }

  async #saveModel() {
    const own = this.#own;
    if (!own) return;
    try {
      const topology = await loadJson<Record<string, unknown>>(
        `models/${this.app.network.id}/topology.json`,
      );
      const zip = packModel(own.trained, own.names, topology);
      download("my_model.zip", zip as BlobPart, "application/zip");
      this.#progress.textContent =
        "Saved. Unpack it and run deno task classify --model my_model PICTURE, " +
        "or open the zip here again.";
    } catch (error) {
      this.app.say((error as Error).message, true);
    }
  }

  async #openModel(file: File) {
    try {
      const { trained, names } = openModel(
        new Uint8Array(await file.arrayBuffer()),
        file.name,
      );
      this.#own = await PageNetwork.create("own", file.name, trained, names);
      this.#classes = names.map((name) => ({ name, faces: [] }));
      this.#drawList();
      this.#progress.textContent = `${file.name}: ${names.join(", ")}.`;
      this.#bars.clear("Use the camera to try it.");
    } catch (error) {
      this.app.say((error as Error).message, true);
    }
  }

  close(): void {
    this.#closed = true;
    this.#source.stop();
  }
}

export const teach: Room = {
  id: "teach",
  title: "Teach it your face",
  idea: "Most of a network only looks; its last layer decides. So a few " +
    "seconds of your own classes are enough to teach it new ones.",
  tryThis: "record a smile and a neutral face for four seconds each, then " +
    "teach it; add a wink.",
  uses: ["model"],
  open: async (place, app) => new Teach(place, app, await faceFinder()),
};
