// The Python that runs the yardsticks.
import { spawnSync } from "node:child_process";
import process from "node:process";

/** The first Python that has a module: PYTHON, `python3` or Debian's; `null` if none has it. */
export function findPython(module: string): string | null {
  const own = process.env.PYTHON;
  return [...own ? [own] : [], "python3", "/usr/bin/python3"].find((python) =>
    spawnSync(python, ["-c", `import ${module}`]).status === 0
  ) ?? null;
}
