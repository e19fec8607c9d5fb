// `deno task data`: gets FER-2013 into data/, whole and verified.
import process from "node:process";
import { parseArgs } from "node:util";
import { DatasetError } from "../lib/data/faces.ts";
import { describeFaces } from "../lib/drawn/find_faces.ts";
import { downloadFaces, KAGGLE_URL } from "../lib/data/download.ts";

const USAGE = `Usage: deno task data [--from URL|FILE]

Downloads FER-2013 (Kaggle's public image version, about 60 MB) into data/,
goes on where an earlier try stopped, and verifies the faces of every split and
emotion. FER-2013 is for research; see data/README.md.

  --from URL|FILE  a mirror, or a file: a zip of the picture folders or
                   fer2013.csv, plain, gzipped or zipped.
                   Default: ${KAGGLE_URL}
  --help           this text`;

let options: { from?: string; help?: boolean };
try {
  options = parseArgs({
    args: Deno.args,
    options: { from: { type: "string" }, help: { type: "boolean" } },
  }).values;
} catch (error) {
  console.error(`${(error as Error).message}. See deno task data --help`);
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
try {
  const { faces } = await downloadFaces({ from: options.from });
  console.log(describeFaces(faces));
} catch (error) {
  if (!(error instanceof DatasetError)) throw error;
  console.error(error.message);
  process.exit(1);
}
