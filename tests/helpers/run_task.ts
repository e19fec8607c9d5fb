// A task run as a user would run it, from outside.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { projectRoot } from "../../tasks/setup.ts";

/** What a program needs to run a task: its arguments, and `options` for either way to start it. */
export function taskProcess(name: string, args: string[], from = projectRoot) {
  const program = join(projectRoot, "tasks", `${name}.ts`);
  return {
    args: ["run", "-A", "--no-check", program, ...args],
    cwd: projectRoot,
    env: {
      ...process.env as Record<string, string>,
      INIT_CWD: from,
      NO_COLOR: "1",
    },
  };
}

/** Runs `deno task name args` from a folder, without its permissions, and waits for it. */
export function runTask(name: string, args: string[], from?: string) {
  const { args: all, ...options } = taskProcess(name, args, from);
  const { status, stdout, stderr } = spawnSync(process.execPath, all, {
    ...options,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 28,
  });
  return { status, stdout, stderr };
}
