// Bundles the explorer's page into one script with Deno's own bundler. The bundle is committed so
// that nobody needs the bundler, which Deno downloads on first use; `--check` proves that it matches
// its sources.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { projectRoot } from "./setup.ts";
import { UserError } from "mien/user_error.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask } from "./command_line.ts";

const FOLDER = resolve(projectRoot, "lib/explorer");
const ENTRY = resolve(FOLDER, "page/page.ts");
const OUTPUT = resolve(FOLDER, "bundle.js");
const IMPORT_MAP = resolve(FOLDER, "import_map.json");

const HELP = `Usage: deno task bundle [--check]

Makes lib/explorer/bundle.js from lib/explorer/page/page.ts and all it imports.

  --check   write nothing; fail if the committed bundle does not match its
            sources
  --help    show this text`;

async function runDeno(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: projectRoot,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new UserError(
    `deno ${args[0]} failed:\n${decoder.decode(stderr).trim()}`,
  );
}

/** SHA-256 of the names and contents of all modules, with Unix line endings. */
async function hashSources(): Promise<string> {
  const { modules } = JSON.parse(
    await runDeno(["info", "--json", "--import-map", IMPORT_MAP, ENTRY]),
  ) as { modules: { local?: string; specifier: string }[] };
  const files = modules.map(({ local }) => local).filter((file) =>
    file !== undefined
  ).concat(IMPORT_MAP);
  const hash = createHash("sha256");
  const named = files.map((file) =>
    [relative(projectRoot, file).replaceAll("\\", "/"), file] as const
  );
  for (const [name, file] of named.sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(name);
    hash.update(readFileSync(file, "utf8").replaceAll("\r\n", "\n"));
  }
  return hash.digest("hex");
}

/** The whole bundle; its first line says which Deno made it from which sources. */
async function makeBundle(): Promise<string> {
  // deno-fmt-ignore
  const script = await runDeno([
    "bundle", "--quiet", "--no-lock", "--platform", "browser", "--minify",
    "--import-map", IMPORT_MAP, ENTRY,
  ]);
  return `${await headLine()}\n${script}`;
}

async function headLine(): Promise<string> {
  return `// deno ${Deno.version.deno}, sources ${await hashSources()}`;
}

async function check(committed: string): Promise<number> {
  const [head] = committed.split("\n", 1);
  const [, version, hash] = /^\/\/ deno (\S+), sources (\w+)$/.exec(head) ?? [];
  // Another Deno version may produce different bytes; then the sources' hash decides.
  const same = version === Deno.version.deno
    ? await makeBundle() === committed
    : hash === await hashSources();
  if (same) {
    console.log(`lib/explorer/bundle.js: unchanged, ${committed.length} bytes`);
    return 0;
  }
  console.error(
    "lib/explorer/bundle.js does not match its sources: run deno task bundle " +
      "and commit the result",
  );
  return 1;
}

await runTask(
  { help: HELP, options: { check: { type: "boolean" } } },
  async (options) => {
    const committed = existsSync(OUTPUT) ? readFileSync(OUTPUT, "utf8") : "";
    if (options.check) return await check(committed);
    const bundle = await makeBundle();
    writeWhole(OUTPUT, new TextEncoder().encode(bundle));
    console.log(`lib/explorer/bundle.js: written, ${bundle.length} bytes`);
  },
);
