// Which face is shown: a drawn one, one from the user's FER-2013, or one from their picture; and the
// shelf from which it is chosen.

import { EMOTIONS, FACE_PIXELS } from "../../emotions.ts";
import type { ListedFaces } from "../own_faces.ts";
import { button, make, numberField } from "./dom.ts";
import { loadBytes, loadJson } from "./networks.ts";
import { faceCanvas } from "./paint.ts";
import { drawnFace, readFace } from "./pictures.ts";

/** A face and, if known, its label. */
export interface ChosenFace {
  /** As in the address: drawn-12, fer-12 or own. */
  readonly id: string;
  readonly face: Uint8Array;
  readonly label?: number;
}

/** Many faces with their labels. */
export interface FaceSet {
  readonly name: string;
  readonly faces: readonly Uint8Array[];
  readonly labels: ArrayLike<number>;
  /** The answers of ten people: for each face, a number for each of `answers`. */
  readonly votes?: Uint8Array;
  readonly answers?: readonly string[];
  /** The address of a face of the set. */
  idOf(index: number): string;
}

/** The number of drawn faces on the shelf at a time. */
const SHELF = 14;

/** The user's own FER-2013, if their server has it; requested once. */
export class OwnFaces {
  #set: Promise<FaceSet> | undefined;

  constructor(readonly listed: readonly ListedFaces[]) {}

  static async find(): Promise<OwnFaces> {
    return new OwnFaces(await loadJson<ListedFaces[]>("faces.json"));
  }

  /** @throws Error with the server's message if the data cannot be read */
  load(): Promise<FaceSet> {
    this.#set ??= this.#load();
    this.#set.catch(() => this.#set = undefined);
    return this.#set;
  }

  async #load(): Promise<FaceSet> {
    const [listed] = this.listed;
    if (!listed) throw new Error("This page's server has no FER-2013");
    const bytes = await loadBytes(`faces/${listed.split}.bin`);
    const count = bytes.length / (FACE_PIXELS + 1);
    const votes = listed.answers
      ? await loadBytes(`faces/${listed.split}.votes.bin`)
      : undefined;
    return {
      name: `${listed.name}, ${listed.split}`,
      labels: bytes.subarray(0, count),
      faces: Array.from({ length: count }, (_, i) => {
        const from = count + i * FACE_PIXELS;
        return bytes.subarray(from, from + FACE_PIXELS);
      }),
      votes,
      answers: listed.answers,
      idOf: (index) => `fer-${index}`,
    };
  }
}

/** Some drawn faces as a set. */
export function drawnSet(count: number): FaceSet {
  const all = Array.from({ length: count }, (_, i) => drawnFace(i));
  return {
    name: "drawn faces",
    faces: all.map(({ face }) => face),
    labels: all.map(({ label }) => label),
    idOf: (index) => `drawn-${index}`,
  };
}

let own: Uint8Array | undefined;

/** Keeps a face from the user's picture for as long as the page is open. */
export function keepOwnFace(face: Uint8Array): ChosenFace {
  own = face;
  return { id: "own", face };
}

/**
 * The face that an address names.
 *
 * @throws Error that says what to do if it is not here
 */
export async function findFaceById(
  id: string,
  owned: OwnFaces,
): Promise<ChosenFace> {
  const [, kind, digits] = /^(drawn|fer)-(\d{1,5})$/.exec(id) ?? [];
  const index = Number(digits);
  if (kind === "drawn") return { id, ...drawnFace(index) };
  if (kind === "fer") {
    const { faces, labels } = await owned.load();
    if (index < faces.length) {
      return { id, face: faces[index], label: labels[index] };
    }
  }
  if (id === "own" && own) return { id, face: own };
  if (id === "own") {
    throw new Error(
      "This link was made with someone's own picture, which is not part of " +
        "the link. Here is a drawn face; choose your picture below.",
    );
  }
  throw new Error(`There is no face "${id}". Here is a drawn one.`);
}

/** What the shelf calls back. */
interface ShelfEvents {
  choose(face: ChosenFace): void;
  say(words: string, trouble?: boolean): void;
}

/** A shelf of faces to choose from. */
export class FaceShelf {
  readonly controls: HTMLElement[];
  readonly strip = make("div.faces", {
    role: "group",
    "aria-label": "Drawn faces",
  });
  #first = 0;
  #chosen = "";

  constructor(private readonly events: ShelfEvents, owned: OwnFaces) {
    const file = make("input", { type: "file", accept: "image/*" });
    file.onchange = () => file.files?.[0] && this.#read(file.files[0]);
    const more = button("More drawn faces", () => {
      this.#first += SHELF;
      this.#fill();
    });
    this.controls = [
      more,
      make("label", "Your own picture", file),
      ...(owned.listed.length > 0 ? [this.#ownField(owned)] : []),
    ];
  }

  /** Marks the chosen face. */
  mark({ id }: ChosenFace): void {
    this.#chosen = id;
    const [kind, digits] = id.split("-");
    if (kind === "drawn") {
      this.#first = Math.floor(Number(digits) / SHELF) * SHELF;
    }
    this.#fill();
  }

  #fill() {
    this.strip.replaceChildren(
      ...Array.from({ length: SHELF }, (_, i) => {
        const number = this.#first + i, id = `drawn-${number}`;
        const { face, label } = drawnFace(number);
        const words = EMOTIONS[label];
        return make(
          "button",
          {
            type: "button",
            "aria-pressed": String(id === this.#chosen),
            "aria-label": `drawn face ${number}, ${words}`,
            onclick: () => this.events.choose({ id, face, label }),
          },
          faceCanvas(face, ""),
          words,
        );
      }),
    );
  }

  #ownField(owned: OwnFaces) {
    const [{ name, split }] = owned.listed;
    const { element } = numberField(
      `${name}, ${split} no.`,
      0,
      3588,
      (index) =>
        findFaceById(`fer-${index}`, owned).then(
          (face) => this.events.choose(face),
          (error) => this.events.say(error.message, true),
        ),
    );
    return element;
  }

  async #read(file: File) {
    try {
      const { face, words } = await readFace(file);
      this.events.say(words);
      this.events.choose(keepOwnFace(face));
    } catch (error) {
      this.events.say((error as Error).message, true);
    }
  }
}
