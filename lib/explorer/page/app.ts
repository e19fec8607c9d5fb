// What every room gets: the address, the networks, the chosen face and model; and what a room is.

import { breathe, make, percent, select, type Slider, slider } from "./dom.ts";
import {
  type ChosenFace,
  drawnSet,
  type FaceSet,
  FaceShelf,
  findFaceById,
  OwnFaces,
} from "./faces.ts";
import { loadBytes, loadJson, Networks, type PageNetwork } from "./networks.ts";
import { takeDrawnFaces } from "./pictures.ts";
import { PageState } from "./state.ts";
import type { ListedModel } from "../models.ts";

/** The number of drawn faces in a set. */
const DRAWN = 280;

/** A room that is open. */
export interface OpenRoom {
  /** The face, the model or the threshold has changed. */
  refresh?(): void | Promise<void>;
  /** The user leaves the room: stops the camera, timers and listeners. */
  close?(): void;
}

/** A room: one idea, and what to try. */
export interface Room {
  readonly id: string;
  readonly title: string;
  readonly idea: string;
  readonly tryThis: string;
  /** What can be chosen above it. */
  readonly uses: readonly ("face" | "model" | "threshold")[];
  open(place: HTMLElement, app: App): OpenRoom | Promise<OpenRoom>;
}

/** What the rooms share. */
export class App {
  readonly state = new PageState();
  network!: PageNetwork;
  face!: ChosenFace;
  #current: OpenRoom = {};
  #opening = 0;

  private constructor(
    readonly networks: Networks,
    readonly owned: OwnFaces,
    private readonly rooms: readonly Room[],
  ) {}

  /** Loads what is needed for the first picture. @throws Error saying what is missing */
  static async create(rooms: readonly Room[]): Promise<App> {
    const [list, owned] = await Promise.all([
      loadJson<ListedModel[]>("models.json"),
      OwnFaces.find(),
      loadBytes("drawn.bin").then(takeDrawnFaces),
    ]);
    return new App(new Networks(list), owned, rooms);
  }

  /** Shows the user a message; problems stand out. */
  say(words: string, trouble = false): void {
    const status = document.getElementById("status")!;
    status.textContent = words;
    status.className = trouble ? "trouble" : "";
    status.hidden = words === "";
  }

  /** Shows the room that the address names. */
  async show(): Promise<void> {
    const mine = ++this.#opening;
    this.#current.close?.();
    this.#current = {};
    const room = this.rooms.find(({ id }) => id === this.state.room) ??
      this.rooms[0];
    this.state.room = room.id;
    this.say("");
    try {
      await this.#settle();
    } catch (error) {
      return this.say((error as Error).message, true);
    }
    if (mine !== this.#opening) return;
    document.title = `${room.title} · mien explorer`;
    this.#drawNavigation();
    const place = make("div");
    const shelf = room.uses.includes("face") ? this.#makeShelf() : undefined;
    const model = room.uses.includes("model") ? [this.#modelChoice()] : [];
    this.#slider = room.uses.includes("threshold")
      ? this.#thresholdChoice()
      : undefined;
    document.getElementById("room")!.replaceChildren(
      make("h2", room.title),
      make("p", room.idea),
      make("p.soft", "Try: ", room.tryThis),
      ...(shelf ? [shelf.strip] : []),
      make("div.choices", ...model, ...shelf?.controls ?? []),
      this.#slider?.element ?? "",
      place,
    );
    document.querySelector(".late")?.remove();
    try {
      const opened = await room.open(place, this);
      if (mine !== this.#opening) opened.close?.();
      else this.#current = opened;
    } catch (error) {
      if (mine === this.#opening) this.say((error as Error).message, true);
    }
  }

  /** Opens another room, as a link would. */
  go(room: string): void {
    location.hash = this.state.address(room);
  }

  /** The confidence below which an answer is unsure: the user's, or else the model's. */
  get threshold(): number {
    const { threshold = 0 } = this.network.trained;
    return this.state.number("threshold", threshold, 0, 0.99);
  }
  #slider: Slider | undefined;

  /** Chooses another face. */
  choose(face: ChosenFace): void {
    this.face = face;
    this.state.set({ face: face.id });
    this.#drawNavigation();
    this.#shelf?.mark(face);
    this.#current.refresh?.();
  }
  #shelf: FaceShelf | undefined;

  /** Chooses between sets of faces; nothing if the user has no FER-2013. */
  setChoice(set: string, choose: (set: string) => void) {
    const [own] = this.owned.listed;
    if (!own) return undefined;
    const drawn = ["drawn", `${DRAWN} drawn faces`] as const;
    return select("Faces", [drawn, ["fer", own.name]], set, choose);
  }

  /** The faces of a set; drawn 70 at a time, so that the page stays responsive. */
  async loadSet(set: string, going: () => boolean): Promise<FaceSet> {
    this.say(set === "fer" ? "Loading your FER-2013 …" : "Drawing faces …");
    await breathe();
    if (set === "fer") return await this.owned.load();
    for (let count = 70; count < DRAWN && going(); count += 70) {
      drawnSet(count);
      await breathe();
    }
    return drawnSet(DRAWN);
  }

  /** Opens the address's model and face, and says so if one is not here. */
  async #settle() {
    const first = this.networks.list[0];
    if (!first) throw new Error("No model was found");
    const id = this.state.text("model", first.id);
    const known = this.networks.list.some((each) => each.id === id);
    this.network = await this.networks.open(known ? id : first.id);
    if (!known) {
      this.say(`There is no model "${id}" here; showing ${first.title}.`, true);
    }
    const wanted = this.state.text("face", "drawn-0");
    if (this.face?.id === wanted) return;
    try {
      this.face = await findFaceById(wanted, this.owned);
    } catch (error) {
      this.face = await findFaceById("drawn-0", this.owned);
      this.say((error as Error).message, true);
    }
  }

  /** The links are made once; their targets change with face and model. */
  #drawNavigation() {
    const navigation = document.getElementById("rooms")!;
    if (navigation.childElementCount === 0) {
      navigation.append(
        ...this.rooms.map(({ title }) => make("a", title)),
      );
    }
    for (const [i, { id }] of this.rooms.entries()) {
      const link = navigation.children[i] as HTMLAnchorElement;
      link.href = this.state.address(id);
      if (id === this.state.room) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #makeShelf(): FaceShelf {
    const shelf = new FaceShelf({
      choose: (face) => this.choose(face),
      say: (words, trouble) => this.say(words, trouble),
    }, this.owned);
    shelf.mark(this.face);
    this.#shelf = shelf;
    return shelf;
  }

  #modelChoice() {
    return select(
      "Model",
      this.networks.list.map(({ id, title }) => [id, title] as const),
      this.network.id,
      async (id) => {
        try {
          this.network = await this.networks.open(id);
          this.say("");
          this.state.set({ model: id });
          this.#slider?.set(this.threshold);
          this.#drawNavigation();
          await this.#current.refresh?.();
        } catch (error) {
          this.say((error as Error).message, true);
        }
      },
    );
  }

  #thresholdChoice(): Slider {
    return slider({
      label: "unsure below",
      least: 0,
      most: 0.99,
      step: 0.01,
      value: this.threshold,
      format: (value) => value > 0 ? percent(value, 0) : "never",
      onInput: (threshold) => {
        this.state.set({ threshold });
        this.#drawNavigation();
        this.#current.refresh?.();
      },
    });
  }

  /** Follows the address when the user changes it. */
  follow(): void {
    globalThis.addEventListener("hashchange", () => {
      this.state.read();
      this.show();
    });
  }
}
