// Research data and pictures that a developer may have beside the project; users do not need them.
// Tests that use them are skipped, with a message, if they are missing.
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname!, "../../../shared");

/** The path of `shared/<name>`, or `null`, after saying so, if it is missing. */
export function shared(name: string): string | null {
  const path = resolve(root, name);
  if (existsSync(path)) return path;
  console.log(`skipped: ${name} is not beside this project (../shared/)`);
  return null;
}
