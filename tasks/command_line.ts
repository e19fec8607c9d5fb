// What all tasks share on the command line: options and help, paths relative to the current
// folder, and the exit status: 0 for success, 1 for failure, 2 for incorrect usage.
// Node parses the options: tasks start before npm packages such as commander are installed.

import { existsSync, rmSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { UserError } from "mien/user_error.ts";
import {
  FileError,
  naming,
  partialName,
  writeWhole,
} from "mien/write_whole.ts";

/** A task that was called incorrectly. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What a task takes. `overwrite` among its options is understood as `--force` too. */
export interface Task<Given extends Options> {
  /** The text of --help, `Usage: …` first. */
  help: string;
  /** As `parseArgs` of `node:util` takes them; --help is added. */
  options: Given;
  /** The number of arguments that are not options, and those allowed if they are a choice. */
  positionals?: {
    least: number;
    most: number;
    what: string;
    choices?: readonly string[];
  };
  /** Whatever is not an option of this task goes to another program, and is a positional here. */
  passesOn?: true;
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
  { help, options, positionals: allowed, passesOn }: Task<Given>,
  main: (
    values: Values<Given>,
    positionals: string[],
  ) => number | void | Promise<number | void>,
): Promise<void> {
  try {
    const { values, positionals } = readOptions(options, passesOn);
    if (values.help) return console.log(help);
    const { least, most, what, choices } = allowed ??
      { least: 0, most: passesOn ? Infinity : 0, what: "" };
    if (positionals.length < least) throw new UsageError(`${what} is missing`);
    if (positionals.length > most) {
      throw new UsageError(`"${positionals[most]}" is one argument too many`);
    }
    if (choices) positionals.forEach((text) => choose(what, text, choices));
    process.exitCode = await main(values as Values<Given>, positionals) ??
      process.exitCode;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = error instanceof UsageError ? " (see --help)" : "";
    console.error(`error: ${error.message}${hint}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function readOptions(given: Options, passesOn = false) {
  const args = process.argv.slice(2);
  const options: Options = { ...given, help: { type: "boolean", short: "h" } };
  if ("overwrite" in given) options.force = { type: "boolean" };
  try {
    const { values, positionals, tokens } = parseArgs({
      args,
      options,
      allowPositionals: true,
      strict: !passesOn,
      tokens: true,
    });
    values.overwrite ??= values.force;
    if (!passesOn) return { values, positionals };
    const own = tokens.flatMap((token) =>
      token.kind === "option" && token.name in options
        ? [token.index, token.inlineValue === false ? token.index + 1 : -1]
        : []
    );
    return { values, positionals: args.filter((_, i) => !own.includes(i)) };
  } catch (error) {
    // The first sentence; the rest is Node's advice about `--`.
    throw new UsageError((error as Error).message.split(/\.\s/)[0]);
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

/**
 * A width and a height given as text, such as 40x40; `undefined` stays.
 *
 * @throws {UsageError} for anything else, or a side below `least`
 */
export function readSize(name: string, text: string | undefined, least = 0) {
  if (text === undefined) return undefined;
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text)?.map(Number) ?? [];
  if (Math.min(width, height) >= least) return { width, height };
  throw new UsageError(
    `--${name} must be WxH${
      least ? ` of at least ${least} each` : ""
    }, such as 40x40, not "${text}"`,
  );
}

/** @throws {UsageError} when `text` is not one of the choices */
export function readChoice<Choice extends string>(
  name: string,
  text: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  return text === undefined ? text : choose(`--${name}`, text, choices);
}

function choose<Choice extends string>(
  what: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  if ((choices as readonly string[]).includes(text)) return text as Choice;
  throw new UsageError(
    `${what} must be one of ${choices.join(", ")}, not "${text}"`,
  );
}

/** A path as the user means it: relative to the folder from which the task was called. */
export function userPath(path: string): string {
  return resolve(process.env.INIT_CWD ?? ".", path);
}

/**
 * What makes a result that cannot be written fail before the work.
 *
 * @param name the path for messages
 * @throws {UsageError} it already exists and must not be replaced
 * @throws {FileError} it is not a file, or its folder is missing or cannot be written
 */
export function checkTarget(
  path: string,
  name: string,
  overwrite = false,
): void {
  if (existsSync(path) && !overwrite) {
    throw new UsageError(`${name} already exists: --overwrite replaces it`);
  }
  if (existsSync(path) && !statSync(path).isFile()) {
    throw new FileError(name, "is a folder or a device, not a file");
  }
  if (!existsSync(dirname(path))) {
    throw new FileError(name, "its folder does not exist: create it first");
  }
  tryFolder(dirname(path), name);
}

/** Writes to a folder, to see that it can be written. @throws {FileError} */
export function tryFolder(folder: string, name: string): void {
  const trial = partialName(resolve(folder, "trial"));
  naming(name, () => {
    writeWhole(trial, "");
    rmSync(trial);
  });
}
