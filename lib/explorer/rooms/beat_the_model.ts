// Beat the model: twenty faces against the clock, your answers next to the labels and the model's.

import { EMOTIONS, FACE_SIZE, indexOfLargest } from "../../emotions.ts";
import type { App, OpenRoom, Room } from "../page/app.ts";
import { button, download, make, percent, table } from "../page/dom.ts";
import type { FaceSet } from "../page/faces.ts";
import { canvasOf, faceCanvas, paintGray } from "../page/paint.ts";
import { drawLots, FACES, wilsonInterval } from "./lots.ts";

/** Seconds for each face. */
const SECONDS = 6;

interface Round {
  readonly face: number;
  readonly label: number;
  /** Undefined if the time was up. */
  readonly yours: number | undefined;
  readonly model: number;
  readonly votes?: string;
}

class Game implements OpenRoom {
  readonly #place: HTMLElement;
  readonly #data: string;
  #seed: number;
  #set!: FaceSet;
  #lots: number[] = [];
  #rounds: Round[] = [];
  #until = 0;
  #timer = 0;
  #running = 0;

  constructor(place: HTMLElement, private readonly app: App) {
    this.#place = place;
    this.#seed = app.state.number("seed", 1, 0, 1e9);
    const hasOwn = app.owned.listed.length > 0;
    this.#data = hasOwn ? app.state.text("data", "fer") : "drawn";
    document.addEventListener("keydown", this.#keys);
    this.#welcome();
  }

  refresh(): void {
    this.#stop();
    this.#welcome();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#running++;
    this.#rounds = [];
    this.#lots = [];
  }

  #welcome() {
    const { network, state } = this.app;
    if (network.names.length !== EMOTIONS.length) {
      this.#place.replaceChildren(
        make(
          "p.trouble",
          "This model has other classes: choose one of the seven emotions.",
        ),
      );
      return;
    }
    const choice = this.app.setChoice(this.#data, (data) => {
      state.set({ data });
      state.write();
      this.app.show();
    });
    this.#place.replaceChildren(
      make("div.choices", choice),
      make(
        "p",
        `${FACES} faces, ${SECONDS} seconds each. Press 1 to 7, or a button.`,
      ),
      button("Start", () => this.#start(), { className: "first" }),
    );
  }

  async #start() {
    const mine = ++this.#running;
    try {
      const going = () => mine === this.#running;
      this.#set = await this.app.loadSet(this.#data, going);
      if (mine !== this.#running) return;
      this.app.say("");
    } catch (error) {
      return this.app.say((error as Error).message, true);
    }
    this.#rounds = [];
    this.#lots = drawLots(this.#seed, this.#set.faces.length);
    this.app.state.set({ seed: this.#seed, data: this.#data });
    this.#ask();
  }

  #ask() {
    const number = this.#rounds.length, face = this.#lots[number];
    const picture = canvasOf(
      FACE_SIZE,
      FACE_SIZE,
      "What does this face show?",
      240,
    );
    paintGray(picture, this.#set.faces[face]);
    const clock = make("progress", {
      max: SECONDS,
      value: SECONDS,
      "aria-label": "time left",
    });
    const buttons = make(
      "div.row.big-answer",
      { role: "group", "aria-label": "Your answer" },
      ...EMOTIONS.map((name, k) =>
        button(`${k + 1} ${name}`, () => this.#reply(k))
      ),
    );
    this.#place.replaceChildren(
      make(
        "p",
        { role: "status" },
        `Face ${number + 1} of ${this.#lots.length}`,
      ),
      picture,
      clock,
      buttons,
    );
    this.#until = performance.now() + SECONDS * 1000;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const left = (this.#until - performance.now()) / 1000;
      clock.value = Math.max(0, left);
      if (left <= 0) this.#reply(undefined);
    }, 100);
  }

  readonly #keys = (event: KeyboardEvent) => {
    const asked = this.#lots.length > 0 &&
      this.#rounds.length < this.#lots.length;
    const number = Number(event.key);
    if (!asked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (number >= 1 && number <= EMOTIONS.length) this.#reply(number - 1);
  };

  #reply(yours: number | undefined) {
    const face = this.#lots[this.#rounds.length];
    const { faces, labels, votes, answers = [] } = this.#set;
    const [answer] = this.app.network.classify([faces[face]]);
    this.#rounds.push({
      face,
      yours,
      label: labels[face],
      model: indexOfLargest(answer),
      votes: votes && describeVotes(
        votes.subarray(face * answers.length, (face + 1) * answers.length),
        answers,
      ),
    });
    if (this.#rounds.length < this.#lots.length) return this.#ask();
    clearInterval(this.#timer);
    this.#result();
  }

  #result() {
    const rounds = this.#rounds;
    const line = (name: string, right: number) => {
      const [low, high] = wilsonInterval(right, rounds.length);
      return `${name}: ${right} of ${rounds.length}, ` +
        `${percent(right / rounds.length, 0)} (95 % interval ` +
        `${percent(low, 0)} to ${percent(high, 0)})`;
    };
    const yours = rounds.filter((r) => r.yours === r.label).length;
    const model = rounds.filter((r) => r.model === r.label).length;
    const mark = (answer: number | undefined, label: number) =>
      make(
        answer === label ? "td.right" : "td.wrong",
        answer === undefined ? "too late" : EMOTIONS[answer],
      );
    const voted = this.#set.votes ? ["votes of ten people"] : [];
    const save = () =>
      download(
        "beat-the-model.json",
        JSON.stringify(
          {
            model: this.app.network.id,
            data: this.#set.name,
            seed: this.#seed,
            rounds: rounds.map((r) => ({
              face: this.#set.idOf(r.face),
              label: EMOTIONS[r.label],
              yours: r.yours === undefined ? null : EMOTIONS[r.yours],
              model: EMOTIONS[r.model],
            })),
          },
          null,
          2,
        ),
        "application/json",
      );
    this.#place.replaceChildren(
      make(
        "div",
        {
          role: "status",
          id: "result",
          "data-model": model,
          "data-yours": yours,
        },
        make("p.answer", line("You", yours)),
        make("p.answer", line("The model", model)),
        make(
          "p.soft",
          "The intervals are wide: twenty faces say little. And a label is " +
            "what somebody said, not what the person felt.",
        ),
      ),
      make(
        "div.row",
        button("Play again with other faces", () => {
          this.#seed++;
          this.#start();
        }, { className: "first" }),
        button("The same faces again", () => this.#start()),
        button("Save my answers", save),
      ),
      make(
        "div.scroll",
        table(
          ["face", "label", "you", "model", ...voted],
          rounds.map((r) => [
            make("td", faceCanvas(this.#set.faces[r.face], "", 48)),
            make("td", EMOTIONS[r.label]),
            mark(r.yours, r.label),
            mark(r.model, r.label),
            ...voted.map(() => make("td", r.votes ?? "")),
          ]),
          "words",
        ),
      ),
    );
  }

  close(): void {
    this.#stop();
    document.removeEventListener("keydown", this.#keys);
  }
}

/** "6 happiness, 3 neutral, 1 unknown". */
function describeVotes(votes: Uint8Array, answers: readonly string[]): string {
  return [...votes].map((count, k) => ({ count, name: answers[k] }))
    .filter(({ count }) => count > 0).sort((a, b) => b.count - a.count)
    .map(({ count, name }) => `${count} ${name}`).join(", ");
}

export const beatTheModel: Room = {
  id: "beat",
  title: "Beat the model",
  idea: "How well would you do? People disagree about faces, too. Nothing is " +
    "kept unless you save it.",
  tryThis: "play once quickly, then look at the faces that both you and the " +
    "model got wrong.",
  uses: ["model"],
  open: (place, app) => new Game(place, app),
};
