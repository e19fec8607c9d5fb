// Checks of the exercises: `check("3.1", answer)` says whether an answer is right, or
// gives a hint. What each exercise asks for is in notebooks_1_to_4.ts and
// notebooks_5_to_10.ts; the answers themselves are not in the source: they are tested
// by what they do, or compared with a digest.

import { escapeXml } from "../chart.ts";
import { EXERCISES_1_TO_4 } from "./notebooks_1_to_4.ts";
import { EXERCISES_5_TO_10 } from "./notebooks_5_to_10.ts";
import { recordCheck } from "../facts.ts";
import { showHtml } from "../show.ts";

const EXERCISES = { ...EXERCISES_1_TO_4, ...EXERCISES_5_TO_10 };

/** The outcome of a check. */
export interface Verdict {
  state: "right" | "wrong" | "open";
  text: string;
}

/**
 * Judges an answer without showing anything.
 *
 * @throws {RangeError} for an exercise that does not exist
 */
export async function judge(
  exercise: string,
  answer: unknown,
  context?: unknown,
): Promise<Verdict> {
  const known = EXERCISES[exercise];
  if (known === undefined) {
    throw new RangeError(
      `There is no exercise "${exercise}"; the exercises are ` +
        `${Object.keys(EXERCISES).join(", ")}`,
    );
  }
  if (answer === undefined || answer === null) {
    return {
      state: "open",
      text: `No answer yet. Expected: ${known.expects}.`,
    };
  }
  if (!known.accepts(answer)) {
    return { state: "wrong", text: `The answer must be ${known.expects}.` };
  }
  try {
    const outcome = await known.test(answer, context, exercise);
    return outcome === true
      ? { state: "right", text: "Well done." }
      : { state: "wrong", text: outcome || known.hint };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { state: "wrong", text: `Your answer threw an error: ${reason}` };
  }
}

/**
 * Checks the answer to an exercise and shows the verdict, with a hint if it is
 * not yet right.
 *
 * @param exercise its number, such as "3.1"
 * @param answer what the exercise asks for; `undefined` while there is none
 * @param context the faces, or whatever else the exercise says to pass
 * @throws {RangeError} for an exercise that does not exist
 *
 * @example
 * ```ts
 * import { check } from "mien/notebook/exercises/check.ts";
 * await check("3.1", 100); // not yet: it gives a hint
 * ```
 */
export async function check(
  exercise: string,
  answer: unknown,
  context?: unknown,
): Promise<void> {
  const { state, text } = await judge(exercise, answer, context);
  recordCheck(exercise, state === "right");
  const sign = { right: "✓", wrong: "✗", open: "○" }[state];
  const color = { right: "#1a7f37", wrong: "#bc4c00", open: "#8250df" }[state];
  const head = { right: "Right.", wrong: "Not yet.", open: "" }[state];
  await showHtml(
    `<p style="border-left:4px solid ${color};padding:2px 12px;margin:4px 0">` +
      `<b>${sign} Exercise ${escapeXml(exercise)}.</b> ${head} ` +
      `${escapeXml(text)}</p>`,
    `${sign} Exercise ${exercise}. ${head} ${text}`,
  );
}
