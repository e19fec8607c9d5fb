// Makes lib/haarcascade_frontalface_default.json, the compact form of OpenCV's
// frontal face cascade, from the XML file. Needed only to prove where the
// committed file comes from, or for another cascade.

import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { CascadeError } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { compactCascade } from "mien/haar/cascade_json.ts";
import { FileError, writeWhole } from "mien/write_whole.ts";

const DEFAULT_XML =
  "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml";

const HELP = `Usage: deno task cascade [XML] [--out FILE] [--force] [--check]

Writes the compact form of one of OpenCV's Haar cascades.

  XML        the cascade (default: Debian's
             ${DEFAULT_XML})
  --out FILE where to write (default: lib/<name of the XML>.json)
  --force    replace a file that is there and differs
  --check    write nothing; fail where the file differs
  --help     show this text`;

function fail(status: number, message: string): never {
  console.error(message);
  process.exit(status);
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        out: { type: "string" },
        force: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (positionals.length > 1) throw new Error("one XML file at a time");
    return { ...values, xml: positionals[0] ?? DEFAULT_XML };
  } catch (error) {
    fail(2, `${(error as Error).message} (see --help)`);
  }
}

const options = readOptions();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
if (!existsSync(options.xml)) {
  fail(1, `${options.xml} is not there: install opencv-data or name the file`);
}
const name = basename(options.xml, ".xml");
const out = options.out ??
  resolve(import.meta.dirname!, "../lib/haar", `${name}.json`);
try {
  const cascade = readCascadeXml(readFileSync(options.xml, "utf8"), name);
  const text = JSON.stringify(compactCascade(cascade), null, 2) + "\n";
  const current = existsSync(out) ? readFileSync(out, "utf8") : undefined;
  if (current === text) {
    console.log(`${out}: unchanged, ${text.length} bytes`);
  } else if (options.check) {
    fail(1, `${out} is not what ${options.xml} gives`);
  } else if (current !== undefined && !options.force) {
    fail(1, `${out} is there and differs: use --force to replace it`);
  } else {
    writeWhole(out, text);
    console.log(`${out}: written, ${text.length} bytes`);
  }
} catch (error) {
  if (error instanceof CascadeError || error instanceof FileError) {
    fail(1, error.message);
  }
  throw error;
}
