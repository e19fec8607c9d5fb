// Dispatches `deno task bench NAME` to bench/NAME.ts, in this process.

import process from "node:process";

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
];

const HELP = `Usage: deno task bench NAME [options]

NAME is one of ${NAMES.join(", ")}.

Measures this project and, if installed, the library it is compared with,
alternately; prints one JSON line per measurement.
\`deno task bench NAME --help\` lists the options.`;

const [name, ...rest] = process.argv.slice(2);
if (name === "--help" || name === "-h") {
  console.log(HELP);
} else if (NAMES.includes(name)) {
  process.argv.splice(2, process.argv.length, ...rest);
  await import(new URL(`../bench/${name}.ts`, import.meta.url).href);
} else {
  console.error(
    `NAME must be one of ${NAMES.join(", ")}, not ${name ?? "missing"}`,
  );
  process.exitCode = 2;
}
