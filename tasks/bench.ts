// Dispatches `deno task bench NAME` to bench/NAME.ts, in this process.

import process from "node:process";

const NAMES = [
  ...[
    "train",
    "kernels",
    "profile",
    "detect",
    "load",
    "video",
    "scale",
    "table",
  ],
  ...["photographs", "faces", "unsure"],
];

const HELP = `Usage: deno task bench NAME [options]

NAME is one of ${NAMES.join(", ")}.

Measures ours and, where it is installed, the yardstick in turn; prints one JSON
line a measurement. \`deno task bench NAME --help\` lists the options.`;

const [name, ...rest] = process.argv.slice(2);
if (name === "--help" || name === "-h") {
  console.log(HELP);
} else if (NAMES.includes(name)) {
  process.argv.splice(2, process.argv.length, ...rest);
  await import(new URL(`../bench/${name}.ts`, import.meta.url).href);
} else {
  console.error(
    `bench wants one of ${NAMES.join(", ")}, not ${name ?? "nothing"}`,
  );
  process.exitCode = 2;
}
