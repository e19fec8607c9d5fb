// The licenses and install scripts of all installed npm packages. The gate fails on any that
// nobody has reviewed. NOTICE says what a license requires of those who redistribute the files.

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runTask } from "./command_line.ts";
import { projectRoot } from "./setup.ts";

const HELP = `Usage: deno task licenses [--json]

Counts the packages by license, and lists those with scripts that run when they
are installed (Deno runs none of them unless told to). Fails on a license that
tasks/licenses.ts does not know.

  --json   print every package as JSON
  --help   show this text`;

/** Licenses that let anyone use and redistribute the package. */
const KNOWN: readonly string[] = [
  "MIT",
  "ISC",
  "Apache-2.0",
  "Apache-2.0 AND MIT",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "Unlicense",
  "Zlib",
  "(MIT AND Zlib)",
];

/** Packages, by name prefix, whose package.json names no license, and where it was found. */
const LOOKED_AT: Readonly<Record<string, string>> = {
  "exif-parser": "MIT (its LICENSE.md)",
  "nodejs-polars-": "MIT (polars' LICENSE); the rest of the name is a platform",
};

/** Packages whose scripts were reviewed: harmless, and not needed. */
const SCRIPTS_READ: readonly string[] = ["core-js"];

/** One installed package. */
export interface InstalledPackage {
  name: string;
  version: string;
  license: string;
  /** Whether it has a script that npm would run when installing it. */
  script: boolean;
}

/** All packages in node_modules, each version once, sorted by name. */
export function installedPackages(
  root = join(projectRoot, "node_modules", ".deno"),
): InstalledPackage[] {
  const folders = readdirSync(root).flatMap((place) => {
    const inside = join(root, place, "node_modules");
    return existsSync(inside) ? packageFolders(inside) : [];
  });
  return folders.map((folder) => {
    const about = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    const { name, version = "", license = "", scripts = {} } = about;
    const script = ["preinstall", "install", "postinstall"]
      .some((step) => step in scripts);
    return { name, version, license: license.type ?? license, script };
  }).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The packages directly in a folder, not through a link. */
function packageFolders(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (lstatSync(path).isSymbolicLink()) return [];
    if (name.startsWith("@")) return packageFolders(path);
    return existsSync(join(path, "package.json")) ? [path] : [];
  });
}

/** What nobody has reviewed, one line each. */
export function findUnknown(packages: readonly InstalledPackage[]): string[] {
  return packages.flatMap(({ name, version, license, script }) => {
    const lines: string[] = [];
    const looked = Object.keys(LOOKED_AT).some((start) =>
      name.startsWith(start)
    );
    if (!KNOWN.includes(license) && !looked) {
      lines.push(`${name}@${version}: license "${license}"`);
    }
    if (script && !SCRIPTS_READ.includes(name)) {
      lines.push(`${name}@${version}: an install script`);
    }
    return lines;
  });
}

function list({ json }: { json?: boolean }): number {
  const packages = installedPackages();
  const unknown = findUnknown(packages);
  if (json) console.log(JSON.stringify(packages, null, 2));
  else {
    const counts = Map.groupBy(packages, ({ license }) => license || "none");
    for (const [license, { length }] of [...counts].sort()) {
      console.log(`${String(length).padStart(4)}  ${license}`);
    }
    const scripts = packages.filter(({ script }) => script);
    console.log(
      `install scripts: ${scripts.map(({ name }) => name).join(", ")}`,
    );
  }
  for (const line of unknown) console.error(`not reviewed: ${line}`);
  return unknown.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  await runTask({ help: HELP, options: { json: { type: "boolean" } } }, list);
}
