// Finds the project's files from whatever folder a notebook or task runs in.
import { resolve } from "node:path";

/**
 * The path of something in the project.
 *
 * @example
 * ```ts
 * import { inProject } from "mien/project.ts";
 * inProject("models", "default.json"); // …/models/default.json
 * ```
 */
export function inProject(...names: string[]): string {
  // A module that was loaded over HTTP has no folder: the current one stands in.
  const folder = import.meta.dirname;
  return folder ? resolve(folder, "..", ...names) : resolve(...names);
}
