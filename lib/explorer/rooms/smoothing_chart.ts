// Raw and smoothed probabilities of the first face over the last seconds, how often each changed its
// answer, and how much the smoothed one lags.

import { colorsOf, indexOfLargest } from "../../emotions.ts";
import type { TrackedFace } from "../../recognition/tracking.ts";
import { curveChoice, make } from "../page/dom.ts";
import { drawPlot } from "../page/plot.ts";

/** Seconds that the chart shows. */
const SPAN = 12;

interface Sample {
  readonly seconds: number;
  readonly raw: Float32Array;
  readonly smoothed: Float32Array;
}

/** How often the answer changes within some samples. */
function countChanges(answers: readonly ArrayLike<number>[]): number {
  let changes = 0;
  for (let i = 1; i < answers.length; i++) {
    if (indexOfLargest(answers[i]) !== indexOfLargest(answers[i - 1])) {
      changes++;
    }
  }
  return changes;
}

/** Seconds until half of a change has come through an exponential average. */
function halfDelay(constant: number): number {
  return constant * Math.LN2;
}

/** The chart and its text. */
export class SmoothingChart {
  readonly element = make("section", { "aria-label": "Smoothing" });
  readonly #plot = make("div");
  readonly #words = make("p", { id: "smoothing" });
  readonly #choice = make("div.choices");
  #samples: Sample[] = [];
  #emotion = -1;
  #drawn = 0;
  #constant = 0;

  constructor(private readonly names: () => readonly string[]) {
    this.element.append(this.#choice, this.#plot, this.#words);
  }

  /** Starts without samples. */
  restart(constant: number): void {
    this.#constant = constant;
    this.#samples = [];
    this.#choice.replaceChildren(
      curveChoice(this.names(), this.#emotion, (label) => {
        this.#emotion = label;
      }),
    );
    this.pause();
  }

  /** Nothing comes in: removes the old curves. */
  pause(): void {
    this.#samples = [];
    this.#plot.replaceChildren();
    this.#words.textContent = this.#delayWords();
  }

  #delayWords(): string {
    return this.#constant === 0
      ? "No smoothing: no delay."
      : `Half of a change has come through after ${
        halfDelay(this.#constant).toFixed(2)
      } s, 95 % after ${(3 * this.#constant).toFixed(2)} s.`;
  }

  /** The first face of a frame, if there is one. */
  add(face: TrackedFace | undefined, seconds: number): void {
    if (face) {
      this.#samples.push({
        seconds,
        raw: Float32Array.from(face.raw),
        smoothed: face.probabilities,
      });
    }
    this.#samples = this.#samples.filter((s) => seconds - s.seconds <= SPAN);
    if (seconds - this.#drawn < 0.2) return;
    this.#drawn = seconds;
    if (this.#samples.length < 2) return this.pause();
    this.#draw(seconds);
  }

  #draw(seconds: number) {
    const samples = this.#samples, last = samples.at(-1)!;
    const chosen = this.#emotion >= 0 && this.#emotion < last.smoothed.length
      ? this.#emotion
      : indexOfLargest(last.smoothed);
    const curve = (kind: "raw" | "smoothed") =>
      samples.map((s) => [s.seconds - seconds, s[kind][chosen]] as const);
    const name = this.names()[chosen];
    drawPlot(this.#plot, {
      label: `${name} over the last seconds, raw and smoothed`,
      x: `seconds; ${name} raw (gray, dashed) and smoothed`,
      least: -SPAN,
      most: 0,
      curves: [
        { color: "#888", dashed: true, points: curve("raw") },
        {
          color: colorsOf(this.names())[chosen],
          points: curve("smoothed"),
        },
      ],
    });
    const raw = countChanges(samples.map((s) => s.raw));
    const smoothed = countChanges(samples.map((s) => s.smoothed));
    this.#words.textContent =
      `${this.#delayWords()} In these seconds, the raw ` +
      `answer changed ${raw} times, the smoothed one ${smoothed} times.`;
  }
}
