// What all tasks share on the command line: options and help, paths relative to the current
// folder, and the exit status: 0 for success, 1 for failure, 2 for incorrect usage.

import { resolve } from "node:path";
import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { UserError } from "mien/user_error.ts";

/** A task that was called incorrectly. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What a task takes. */
export interface Task<Given extends Options> {
  /** The text of --help, `Usage: …` first. */
  help: string;
  /** As `parseArgs` of `node:util` takes them; --help is added. */
  options: Given;
  /** The least and greatest number of arguments that are not options. */
  positionals?: { least: number; most: number; what: string };
}

type Values<Given extends Options> = ReturnType<
  typeof parseArgs<{ options: Given; allowPositionals: true }>
>["values"];

/**
 * Runs a task and ends the process. Errors that the user can fix become one line on standard
 * error; any other error keeps its stack.
 *
 * @param main may return an exit status
 */
export async function runTask<Given extends Options>(
  { help, options, positionals: allowed }: Task<Given>,
  main: (
    values: Values<Given>,
    positionals: string[],
  ) => number | void | Promise<number | void>,
): Promise<void> {
  try {
    const { values, positionals } = readOptions(options);
    if (values.help) return console.log(help);
    const { least, most, what } = allowed ?? { least: 0, most: 0, what: "" };
    if (positionals.length < least) throw new UsageError(`${what} is missing`);
    if (positionals.length > most) {
      throw new UsageError(`"${positionals[most]}" is one argument too many`);
    }
    process.exitCode = await main(values as Values<Given>, positionals) ??
      process.exitCode;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = error instanceof UsageError ? " (see --help)" : "";
    console.error(`error: ${error.message}${hint}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function readOptions(options: Options) {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      options: { ...options, help: { type: "boolean", short: "h" } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split("\n")[0]);
  }
}

/**
 * A number given as text; `undefined` stays.
 *
 * @throws {UsageError} for anything that is not a number, not whole, or out of range
 */
export function readNumber(
  name: string,
  text: string | undefined,
  { least = -Infinity, most = Infinity, whole = false } = {},
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const fits = text.trim() !== "" && Number.isFinite(value) &&
    value >= least && value <= most && (!whole || Number.isInteger(value));
  if (fits) return value;
  const range = [
    least > -Infinity ? `at least ${least}` : "",
    most < Infinity ? `at most ${most}` : "",
  ].filter(Boolean).join(" and ");
  throw new UsageError(
    `--${name} must be a ${whole ? "whole " : ""}number${
      range ? `, ${range}` : ""
    }, not "${text}"`,
  );
}

/** @throws {UsageError} when `text` is not one of the choices */
export function readChoice<Choice extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (text === undefined || (choices as readonly string[]).includes(text)) {
    return text as Choice;
  }
  throw new UsageError(
    `--${name} must be one of ${choices.join(", ")}, not "${text}"`,
  );
}

/** A path as the user means it: relative to the folder from which the task was called. */
export function userPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? ".", path);
}
