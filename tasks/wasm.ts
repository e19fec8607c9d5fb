// Compiles the AssemblyScript modules under lib, each in two variants:
// `<name>.wasm` uses relaxed SIMD, `<name>_simd.wasm` plain SIMD for engines
// without it. The compiled bytes are committed; `--check` proves that they
// match their sources. lib/load_wasm.ts loads them.

import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import asc from "assemblyscript/asc";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask } from "./command_line.ts";

/** Every compiled module: its source and, without extension, its output. */
const MODULES = [
  { source: "network/wasm/assembly/index.ts", output: "network/wasm/kernels" },
  {
    source: "tfjs_kernels/assembly/index.ts",
    output: "tfjs_kernels/wasm/tfjs_kernels",
  },
  { source: "haar/wasm/assembly/index.ts", output: "haar/wasm/haar" },
];

const VARIANTS = [
  { suffix: "", flags: ["--enable", "simd,relaxed-simd"] },
  { suffix: "_simd", flags: ["--enable", "simd"] },
];

const folder = resolve(import.meta.dirname!, "../lib");

const HELP = `Usage: deno task wasm [--check]

Compiles the AssemblyScript under lib to .wasm files next to it.

  --check   write nothing; fail if the committed bytes differ
  --help    show this text`;

/** Compiles one source and returns the module's bytes. */
async function compile(source: string, flags: string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  // deno-fmt-ignore
  const { error, stderr } = await asc.main([
    source,
    "--baseDir", folder, "--outFile", "module.wasm",
    // At -O2 and above the order of a tile's sums changes: its loop runs out of registers.
    "-O1", "--noAssert", "--uncheckedBehavior", "always", "--converge",
    "--runtime", "stub", "--importMemory", "--noExportMemory",
    // A memory of no page would have every access checked twice.
    "--initialMemory", "1",
    "--use", "abort=", "--lib", ".",
    ...flags,
  ], {
    readFile: (name: string, base: string) => {
      const path = resolve(base, name);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
    writeFile: (_name: string, contents: string | Uint8Array) => {
      binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !binary) {
    throw new UserError(`${source} does not compile:\n${stderr.toString()}`);
  }
  return binary;
}

/** Compiles all modules and writes those that changed; with `check`, only counts them. */
async function compileAll(check: boolean | undefined): Promise<number> {
  let stale = 0;
  for (const { source, output } of MODULES) {
    for (const { suffix, flags } of VARIANTS) {
      const path = resolve(folder, `${output}${suffix}.wasm`);
      const name = relative(resolve(folder, ".."), path).replaceAll("\\", "/");
      const bytes = await compile(source, flags);
      const current = existsSync(path) ? readFileSync(path) : new Uint8Array();
      if (
        current.length === bytes.length &&
        bytes.every((byte, i) => byte === current[i])
      ) {
        console.log(`${name}: unchanged, ${bytes.length} bytes`);
      } else if (check) {
        stale++;
        console.error(
          `${name} does not match its source ${source}: run deno task wasm ` +
            "and commit the result",
        );
      } else {
        writeWhole(path, bytes);
        console.log(`${name}: written, ${bytes.length} bytes`);
      }
    }
  }
  return stale > 0 ? 1 : 0;
}

await runTask(
  { help: HELP, options: { check: { type: "boolean" } } },
  ({ check }) => compileAll(check),
);
