// The rule of the folders, in one place: a folder in lib imports only folders below it, and no
// imports form a circle. Draws the diagram in ARCHITECTURE.md from the imports themselves.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { runTask } from "./command_line.ts";
import { projectRoot } from "./setup.ts";

/** The folders of lib from lowest to highest; files at the root of lib are below all of them. */
const FOLDERS = [
  "image",
  "data",
  "drawn",
  "haar",
  "network",
  "tfjs_kernels",
  "model",
  "engine",
  "evaluation",
  "training",
  "recognition",
  "video",
  "explorer",
  "notebook",
] as const;

const HELP = `Usage: deno task imports [--write]

Checks that every folder in lib imports only folders below it, that no imports
form a circle, and that the diagram in ARCHITECTURE.md is up to date.

  --write   update the diagram
  --help    show this text`;

const PAGE = join(projectRoot.replaceAll("\\", "/"), "ARCHITECTURE.md");

/** The modules that each module of lib imports; paths are relative to lib. */
type Imports = Map<string, string[]>;

/**
 * Reads the imports of lib's modules. Comments, with their examples, do not count. `deno info` would
 * leave out the workers, which are loaded by URL.
 */
function readImports(): Imports {
  const lib = join(projectRoot.replaceAll("\\", "/"), "lib");
  const names = readdirSync(lib, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !name.includes("/assembly/"));
  return new Map(
    names.sort().map((name) => {
      const code = readFileSync(join(lib, name), "utf8")
        .replace(/^\s*\/\/.*$|^\s*\/\*\*[\s\S]*?\*\//gm, "");
      const found = code.matchAll(
        /(?:from\s+|import\s*\(?\s*|new URL\(\s*)"(\.{1,2}\/[^"]+\.ts)"/g,
      );
      return [
        name,
        [...found].map(([, to]) => normalize(join(dirname(name), to))),
      ];
    }),
  );
}

const folderOf = (name: string): string =>
  name.includes("/") ? name.split("/")[0] : "";

/** What breaks the rule, one line each: unknown folders, upward imports, circles. */
function findBreaks(imports: Imports): string[] {
  const floor = (name: string) =>
    (FOLDERS as readonly string[]).indexOf(folderOf(name));
  const breaks: string[] = [];
  for (const [from, targets] of imports) {
    if (folderOf(from) && floor(from) < 0) {
      breaks.push(`lib/${from}: add the folder to FOLDERS in tasks/imports.ts`);
    }
    for (const to of targets) {
      if (floor(to) > floor(from)) {
        breaks.push(`lib/${from} imports ${to}, which is above it`);
      }
    }
  }
  const circle = findCircle(imports);
  if (circle) breaks.push(`imports form a circle: ${circle.join(" -> ")}`);
  return breaks;
}

/** The modules of one circle of imports, the first one repeated at the end. */
function findCircle(imports: Imports): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, way: string[]): string[] | undefined => {
    if (way.includes(name)) return [...way.slice(way.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const to of imports.get(name) ?? []) {
      const found = visit(to, [...way, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of imports.keys()) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}

/** The folders and their imports as a Mermaid diagram; arrows implied by others are left out. */
function drawDiagram(imports: Imports): string {
  const below = new Map<string, Set<string>>(
    FOLDERS.map((folder) => [folder, new Set()]),
  );
  for (const [from, targets] of imports) {
    for (const to of targets) {
      const [a, b] = [folderOf(from), folderOf(to)];
      if (a && b && a !== b) below.get(a)?.add(b);
    }
  }
  const reaches = (from: string, to: string): boolean =>
    [...below.get(from)!].some((next) => next === to || reaches(next, to));
  const arrows = FOLDERS.toReversed().flatMap((from) =>
    [...below.get(from)!]
      .filter((to) =>
        ![...below.get(from)!].some((other) =>
          other !== to && reaches(other, to)
        )
      )
      .sort().map((to) => `  ${from} --> ${to}`)
  );
  return ["```mermaid", "flowchart TD", ...arrows, "```"].join("\n");
}

function check({ write }: { write?: boolean }): number {
  const imports = readImports();
  const breaks = findBreaks(imports);
  const page = readFileSync(PAGE, "utf8");
  const drawn = page.replace(/```mermaid[\s\S]*?```/, drawDiagram(imports));
  if (write) writeFileSync(PAGE, drawn);
  else if (drawn !== page) {
    breaks.push(
      "ARCHITECTURE.md is out of date: run deno task imports --write",
    );
  }
  for (const line of breaks) console.error(line);
  console.log(
    `${imports.size} modules, ${breaks.length} violations of the rule`,
  );
  return breaks.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  await runTask({ help: HELP, options: { write: { type: "boolean" } } }, check);
}
