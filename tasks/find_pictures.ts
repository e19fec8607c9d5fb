// Finds the pictures that the files and folders on the command line stand for, and what is left
// out. No picture is read completely here.

import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { looksLikeImage } from "mien/image/headers/header.ts";
import { IMAGE_EXTENSIONS } from "mien/image/image.ts";
import { userPath } from "./command_line.ts";

/** A picture to read. */
export interface FoundPicture {
  /** As the user named it, or its path below the folder that the user named. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  /** Its path below the folder that the user named; for a file, only its name. */
  readonly below: string;
}

/** What {@linkcode findPictures} found. */
export interface Found {
  readonly pictures: FoundPicture[];
  /** Names by the reason they were left out. */
  readonly leftOut: Map<string, string[]>;
  /** Messages about folders and links that cannot be read. */
  readonly unreadable: string[];
}

/**
 * The pictures at the given paths, including subfolders, in the order of their names.
 * Links to folders are followed; each folder is entered once and each file taken once. In a
 * folder, a picture is recognized by its file extension or its first bytes.
 */
export function findPictures(paths: readonly string[]): Found {
  const pictures: FoundPicture[] = [];
  const leftOut = new Map<string, string[]>();
  const unreadable: string[] = [];
  const taken = new Set<string>(), entered = new Set<string>();
  const named = new Set<string>(); // folders named by the user win over links to them

  function leave(reason: string, name: string) {
    if (!leftOut.has(reason)) leftOut.set(reason, []);
    leftOut.get(reason)!.push(name);
  }

  function take(name: string, top: string) {
    const path = userPath(name);
    const real = realpathSync(path);
    if (taken.has(real)) return leave("named twice", name);
    taken.add(real);
    const below = top === name ? basename(name) : relative(top, name);
    pictures.push({ name, path, below });
  }

  function enter(folder: string, top: string) {
    const real = realpathSync(userPath(folder));
    if (entered.has(real) || (folder !== top && named.has(real))) {
      return leave("a folder that was already read", folder);
    }
    entered.add(real);
    const names = readdirSync(userPath(folder)).sort();
    for (const name of names) guard(join(folder, name), top);
  }

  /** An unreadable folder does not end the search. */
  function guard(name: string, top: string) {
    try {
      visit(name, top);
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      unreadable.push(`${name}: ${explain(code) ?? message}`);
    }
  }

  function visit(name: string, top: string) {
    const file = basename(name);
    if (file.includes("\ufffd")) return leave("a name that is not UTF-8", name);
    if (file === "__MACOSX") return leave("not a picture", name);
    const found = statSync(userPath(name));
    if (found.isDirectory()) return enter(name, top);
    if (!found.isFile()) return leave("a pipe or a device", name);
    if (/\.faces\.png$/i.test(file)) {
      return leave("a result of an earlier run", name);
    }
    if (!isPicture(name)) return leave("not a picture", name);
    take(name, top);
  }

  const folders = paths.filter((path) =>
    statSync(userPath(path), { throwIfNoEntry: false })?.isDirectory()
  );
  for (const folder of folders) named.add(realpathSync(userPath(folder)));
  for (const path of paths) {
    if (folders.includes(path)) guard(path, path);
    else if (existsSync(userPath(path))) take(path, path);
    else { // reading it will report the problem
      const below = basename(path);
      pictures.push({ name: path, path: userPath(path), below });
    }
  }
  return { pictures, leftOut, unreadable };
}

function isPicture(name: string): boolean {
  if (basename(name).startsWith("._")) return false; // metadata that macOS keeps beside a file
  if (IMAGE_EXTENSIONS.includes(extname(name).toLowerCase())) return true;
  const start = new Uint8Array(16);
  const file = openSync(userPath(name), "r");
  try {
    readSync(file, start, 0, 16, 0);
  } finally {
    closeSync(file);
  }
  return looksLikeImage(start);
}

function explain(code = ""): string | undefined {
  const reasons: Record<string, string> = {
    EACCES: "cannot be read: permission denied",
    EPERM: "cannot be read: permission denied",
    ENOENT: "is a broken link",
    ELOOP: "is a link that leads to itself",
  };
  return reasons[code];
}

/** "left out: 2 (not a picture): a.txt, b.mov", one line per reason. */
export function describeLeftOut(leftOut: Map<string, string[]>): string[] {
  return [...leftOut].map(([reason, names]) => {
    const some = names.slice(0, 5).join(", ");
    const more = names.length > 5 ? ", …" : "";
    const count = names.length.toLocaleString("en");
    return `left out: ${count} (${reason}): ${some}${more}`;
  });
}
