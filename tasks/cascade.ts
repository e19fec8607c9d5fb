// Makes lib/haar/haarcascade_*.json, the compact forms of OpenCV's cascades for
// frontal and profile faces, from their XML files. Needed only to verify the
// committed files, or to convert another cascade.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { CascadeError } from "mien/haar/cascade.ts";
import { readCascadeXml } from "mien/haar/cascade_xml.ts";
import { compactCascade } from "mien/haar/cascade_json.ts";
import { inProject } from "mien/project.ts";
import { writeWhole } from "mien/write_whole.ts";
import { runTask, UsageError, userPath } from "./command_line.ts";

const DEBIAN = "/usr/share/opencv4/haarcascades";
const OWN = ["haarcascade_frontalface_default", "haarcascade_profileface"]
  .map((name) => `${DEBIAN}/${name}.xml`);

const HELP =
  `Usage: deno task cascade [XML] [--out FILE] [--overwrite] [--check]

Writes the compact form of one of OpenCV's Haar cascades.

  XML          the cascade (default: the project's two, from Debian's
               package opencv-data in ${DEBIAN})
  --out FILE   where to write (default: lib/haar/<name of the XML>.json)
  --overwrite  replace an existing file that differs
  --check      write nothing; fail if the file differs
  --help       show this text`;

function convert(
  xml: string,
  out: string,
  { check, overwrite }: { check?: boolean; overwrite?: boolean },
) {
  if (!existsSync(xml)) {
    throw new CascadeError(
      xml,
      "does not exist: install opencv-data, or name the file",
    );
  }
  const cascade = readCascadeXml(
    readFileSync(xml, "utf8"),
    basename(xml, ".xml"),
  );
  const text = JSON.stringify(compactCascade(cascade), null, 2) + "\n";
  const current = existsSync(out) ? readFileSync(out, "utf8") : undefined;
  if (current === text) {
    return console.log(`${out}: unchanged, ${text.length} bytes`);
  }
  if (check) throw new CascadeError(out, `does not match ${xml}`);
  if (current !== undefined && !overwrite) {
    throw new CascadeError(
      out,
      "already exists and differs: --overwrite replaces it",
    );
  }
  writeWhole(out, text);
  console.log(`${out}: written, ${text.length} bytes`);
}

await runTask({
  help: HELP,
  options: {
    out: { type: "string" },
    overwrite: { type: "boolean" },
    check: { type: "boolean" },
  },
  positionals: { least: 0, most: 1, what: "XML" },
}, (options, [named]) => {
  if (options.out && !named) throw new UsageError("--out needs one XML");
  for (const xml of named ? [userPath(named)] : OWN) {
    const own = inProject("lib", "haar", `${basename(xml, ".xml")}.json`);
    convert(xml, options.out ? userPath(options.out) : own, options);
  }
});
