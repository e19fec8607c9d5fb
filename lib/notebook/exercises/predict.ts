// Predict before you run: records a guess before there is a result, and shows it
// beside the result afterward. check.ts says whether an exercise is right.

import { escapeXml } from "../chart.ts";
import { showHtml } from "../show.ts";

/** A recorded guess. */
export interface Guess {
  /** Shows the guess and the result side by side. */
  reveal(result: number | string, unit?: string): Promise<void>;
}

/**
 * Records what you expect.
 *
 * @param question What is guessed, with its unit.
 * @param guess Your number or word; `null` if you have none yet.
 *
 * @example
 * ```ts
 * import { predict } from "mien/notebook/exercises/predict.ts";
 * const guess = await predict("Accuracy after four epochs (%)", 80);
 * await guess.reveal(96.7, "%");
 * ```
 */
export async function predict(
  question: string,
  guess: number | string | null,
): Promise<Guess> {
  await say(
    "Predict",
    question,
    guess === null
      ? "No guess yet. Replace null with yours, run this cell, then continue."
      : `Your guess is recorded: ${guess}.`,
  );
  return {
    reveal: (result, unit = "") =>
      say("Result", question, compare(guess, result, unit)),
  };
}

function compare(
  guess: number | string | null,
  result: number | string,
  unit: string,
): string {
  const write = (value: number | string) =>
    (typeof value === "number" ? formatNumber(value) : value) +
    (unit ? ` ${unit}` : "");
  const found = `Result: ${write(result)}.`;
  if (guess === null) return `${found} You did not make a guess.`;
  if (typeof guess === "number" && typeof result === "number") {
    const off = Math.abs(guess - result);
    return `${found} Your guess: ${write(guess)}, off by ${write(off)}.`;
  }
  return `${found} Your guess: ${write(guess)}.`;
}

function formatNumber(value: number): string {
  return Number.isInteger(value)
    ? value.toLocaleString("en")
    : String(Number(value.toPrecision(3)));
}

async function say(kind: string, question: string, text: string) {
  await showHtml(
    `<p style="border-left:4px solid #8250df;padding:2px 12px;margin:4px 0">` +
      `<b>${kind}.</b> ${escapeXml(question)}<br>${escapeXml(text)}</p>`,
    `${kind}. ${question}\n${text}`,
  );
}
