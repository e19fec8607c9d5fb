// Compiles the AssemblyScript modules under lib, each in two variants:
// `<name>.wasm` uses relaxed SIMD, `<name>_simd.wasm` plain SIMD for engines
// without it. The compiled bytes are committed; `--check` proves that they
// match their sources. Loading them is lib/load_wasm.ts.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import asc from "assemblyscript/asc";

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

Compiles the AssemblyScript under lib to .wasm files beside it.

  --check   write nothing; fail where the committed bytes differ
  --help    show this text`;

function fail(status: number, message: string): never {
  console.error(message);
  process.exit(status);
}

/** Compiles one source and returns the module's bytes. */
async function compile(source: string, flags: string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main([
    source,
    ...["--baseDir", folder, "--outFile", "module.wasm"],
    ...["-O3", "--noAssert", "--uncheckedBehavior", "always", "--converge"],
    ...["--runtime", "stub", "--importMemory", "--noExportMemory"],
    ...["--use", "abort=", "--lib", "."],
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
    fail(1, `${source} does not compile:\n${stderr.toString()}`);
  }
  return binary;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        check: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    fail(2, `${(error as Error).message} (see --help)`);
  }
}

const options = readOptions();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
let stale = 0;
for (const { source, output } of MODULES) {
  if (!existsSync(resolve(folder, source))) continue;
  for (const { suffix, flags } of VARIANTS) {
    const path = resolve(folder, `${output}${suffix}.wasm`);
    const name = relative(resolve(folder, ".."), path).replaceAll("\\", "/");
    const bytes = await compile(source, flags);
    const current = existsSync(path) ? readFileSync(path) : new Uint8Array(0);
    const same = current.length === bytes.length &&
      bytes.every((byte, i) => byte === current[i]);
    if (same) {
      console.log(`${name}: unchanged, ${bytes.length} bytes`);
    } else if (options.check) {
      stale++;
      console.error(
        `${name} does not match its source ${source}: run deno task wasm ` +
          "and commit the result",
      );
    } else {
      writeFileSync(`${path}.part`, bytes);
      renameSync(`${path}.part`, path);
      console.log(`${name}: written, ${bytes.length} bytes`);
    }
  }
}
process.exit(stale > 0 ? 1 : 0);
