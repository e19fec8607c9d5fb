// Dispatches `deno task bench NAME` to bench/NAME.ts, in this process.

import process from "node:process";
import { runTask } from "./command_line.ts";

const NAMES = [
  "train",
  "kernels",
  "profile",
  "detect",
  "load",
  "video",
  "scale",
  "table",
  "photographs",
  "faces",
  "unsure",
  "crop_margin",
];

const HELP = `Usage: deno task bench NAME [options]

NAME is one of ${NAMES.slice(0, 8).join(", ")},
${NAMES.slice(8).join(", ")}.

Measures this project and the library it is compared with, if installed, in turn;
prints one JSON line per measurement.
\`deno task bench NAME --help\` lists the options.`;

const [name] = process.argv.splice(2, 1);
if (NAMES.includes(name)) {
  await import(new URL(`../bench/${name}.ts`, import.meta.url).href);
} else {
  // What follows an unknown name cannot be checked.
  process.argv = [...process.argv.slice(0, 2), ...name ? [name] : []];
  await runTask({
    help: HELP,
    options: {},
    positionals: { least: 1, most: 1, what: "NAME", choices: NAMES },
  }, () => {});
}
