// A bar for each class's probability, and the answer as text for screen readers.

import { colorsOf, indexOfLargest } from "../../emotions.ts";
import { isUnsure } from "../../recognition/probabilities.ts";
import { make, percent } from "./dom.ts";

/** The answer in words: "sad 71 %", or "unsure, perhaps sad 41 %" below the threshold. */
export function answerWords(
  probabilities: ArrayLike<number>,
  names: readonly string[],
  threshold: number,
  digits = 0,
): string {
  const best = indexOfLargest(probabilities);
  return (isUnsure(probabilities, threshold) ? "unsure, perhaps " : "") +
    `${names[best]} ${percent(probabilities[best], digits)}`;
}

/** Live text is read out at most this often, in milliseconds. */
const QUIET_MS = 700;

/** Bars with the answer above them. */
export class Bars {
  readonly element: HTMLElement;
  readonly #answer = make("p.answer");
  readonly #live = make("p.skip", { "aria-live": "polite", role: "status" });
  readonly #grid = make("div.bars", { "aria-hidden": "true" });
  #rows: { name: HTMLElement; fill: HTMLElement; number: HTMLElement }[] = [];
  #names: readonly string[] = [];
  #timer = 0;

  constructor() {
    this.element = make("div", this.#answer, this.#grid, this.#live);
  }

  /** Shows probabilities; `label` is the labeled class, if there is one. */
  show(
    probabilities: ArrayLike<number>,
    names: readonly string[],
    label?: number,
    threshold = 0,
  ): void {
    if (this.#names.join() !== names.join()) this.#build(names);
    const best = indexOfLargest(probabilities);
    this.#rows.forEach(({ name, fill, number }, k) => {
      fill.style.transform = `scaleX(${probabilities[k].toFixed(4)})`;
      number.textContent = percent(probabilities[k]);
      name.className = number.className = k === best ? "best" : "";
      number.classList.add("number");
    });
    const words = answerWords(probabilities, names, threshold, 1);
    this.#answer.textContent = label === undefined || label >= names.length
      ? `Answer: ${words}`
      : `Answer: ${words} (label: ${names[label]})`;
    this.#answer.classList.toggle("unsure", isUnsure(probabilities, threshold));
    this.#answer.dataset.answer = names[best];
    this.element.dataset.probabilities = Array.from(
      probabilities,
      (p) => p.toFixed(6),
    ).join(" ");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#live.textContent = words, QUIET_MS);
  }

  /** Shows nothing: there is no answer now. */
  clear(words: string): void {
    this.#rows.forEach(({ fill, number }) => {
      fill.style.transform = "scaleX(0)";
      number.textContent = "";
    });
    clearTimeout(this.#timer);
    this.#answer.textContent = words;
    this.#answer.classList.remove("unsure");
    delete this.#answer.dataset.answer;
    delete this.element.dataset.probabilities;
    this.#live.textContent = words;
  }

  #build(names: readonly string[]) {
    this.#names = names;
    const colors = colorsOf(names);
    this.#rows = names.map((words, k) => {
      const fill = make("div.fill");
      fill.style.background = colors[k];
      return {
        name: make("span", words),
        fill,
        number: make("span.number"),
      };
    });
    this.#grid.replaceChildren(
      ...this.#rows.flatMap(({ name, fill, number }) => [
        name,
        make("div.track", fill),
        number,
      ]),
    );
  }
}
