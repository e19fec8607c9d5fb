// `deno task data`: gets FER-2013 into data/, whole and verified.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Faces } from "mien/data/faces.ts";
import { DATA_FOLDER, loadFaces } from "mien/data/fer2013.ts";
import { describeFaces } from "mien/drawn/find_faces.ts";
import {
  downloadFaces,
  downloadVotes,
  FACES_NAMES,
  isUrl,
  KAGGLE_URL,
  VOTES_URL,
} from "mien/data/download.ts";
import { runTask, userPath } from "./command_line.ts";

const HELP = `Usage: deno task data [--from URL|FILE]

Downloads FER-2013 (Kaggle's public image version, about 60 MB) into data/,
continues where an earlier try stopped, and verifies the faces of every split and
emotion. FER-2013 is for research; see data/README.md.

  --from URL|FILE  a mirror, or a file: a zip of the picture folders or
                   fer2013.csv, plain, gzipped or zipped.
                   Default: ${KAGGLE_URL}
  --votes URL|FILE FER+'s fer2013new.csv: how ten people labeled each face.
                   Default: ${VOTES_URL}
                   The votes belong to the rows of fer2013.csv; picture folders
                   keep no order, so that nothing can use them there.
  --help           show this text`;

/** The faces in data/, downloaded or copied unless they are there. */
async function getFaces(from: string | undefined): Promise<Faces> {
  const there = from === undefined
    ? FACES_NAMES.find((name) => existsSync(join(DATA_FOLDER, name)))
    : undefined;
  if (there === undefined) return (await downloadFaces({ from })).faces;
  console.log(`${join(DATA_FOLDER, there)} is there already.`);
  return await loadFaces(join(DATA_FOLDER, there));
}

await runTask({
  help: HELP,
  options: { from: { type: "string" }, votes: { type: "string" } },
}, async ({ from, votes }) => {
  const faces = await getFaces(from && (isUrl(from) ? from : userPath(from)));
  console.log(describeFaces(faces));
  const place = await downloadVotes(faces, {
    from: votes && (isUrl(votes) ? votes : userPath(votes)),
  });
  console.log(
    faces.source.unordered
      ? `${place}: to use the votes, get fer2013.csv (--from); picture folders keep no order`
      : `${place}: fits the faces, row by row`,
  );
});
