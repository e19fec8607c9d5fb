// `deno task data`: puts FER-2013 into data/, complete and verified, or makes faces from pictures.
import { existsSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { countSplits, type Faces, SPLITS } from "mien/data/faces.ts";
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
import { readFaceFolders, writeFaces } from "mien/recognition/face_folders.ts";
import {
  checkTarget,
  readNumber,
  runTask,
  UsageError,
  userPath,
} from "./command_line.ts";

const HELP = `Usage: deno task data [--from URL|FILE]
       deno task data --from FOLDER --faces [--out FILE] [--seed N]

Downloads FER-2013 (Kaggle's public image version, about 60 MB) into data/,
continuing an interrupted download, and verifies the number of faces for every
split and emotion. FER-2013 is for research; see data/README.md.

  --from URL|FILE  a mirror, or a file: a zip of the picture folders or
                   fer2013.csv, plain, gzipped or zipped.
                   Default: ${KAGGLE_URL}
  --votes URL|FILE FER+'s fer2013new.csv: how ten people labeled each face.
                   Default: ${VOTES_URL}
                   The votes belong to the rows of fer2013.csv; picture folders
                   have no order, so the votes cannot be used with them.
  --faces          find the faces in pictures of any kind: FOLDER has one folder
                   per class, with any name, containing pictures or one folder
                   per person. Faces are cropped to 48x48 and split, with no person
                   in two splits; what is left out is listed with the reason
  --out FILE       where to write them (default: data/FOLDER.csv.gz)
  --seed N         decides the split (default: 1)
  --overwrite      replace FILE if it exists
  --help           show this text`;

/** Writes the faces in a folder of pictures as a table. */
async function makeFaces(
  from: string | undefined,
  options: { out?: string; seed?: string; overwrite?: boolean },
): Promise<void> {
  if (!from) throw new UsageError("--faces needs --from FOLDER");
  const folder = userPath(from);
  const file = options.out
    ? userPath(options.out)
    : join(DATA_FOLDER, `${basename(folder)}.csv.gz`);
  checkTarget(file, file, options.overwrite);
  const seed = readNumber("seed", options.seed, { least: 0, whole: true }) ?? 1;
  const faces = await readFaceFolders(folder, { seed });
  for (const { reason } of faces.source.skipped) {
    console.log(`left out: ${reason}`);
  }
  writeFaces(faces, file);
  const counts = faces.emotions.map((emotion, label) => {
    const own = faces.splits.filter((_, i) => faces.labels[i] === label);
    return `${emotion} ${countSplits({ splits: own }).join(" + ")}`;
  });
  console.log(describeFaces(faces));
  console.log(`Faces per class, ${SPLITS.join(" + ")}: ${counts.join(", ")}`);
  const shown = relative(".", file).replaceAll("\\", "/");
  console.log(`wrote ${shown}; use it with --data ${shown}`);
}

/** The faces in data/, downloaded or copied if missing. */
async function getFaces(from: string | undefined): Promise<Faces> {
  const there = from === undefined
    ? FACES_NAMES.find((name) => existsSync(join(DATA_FOLDER, name)))
    : undefined;
  if (there === undefined) return await downloadFaces({ from });
  console.log(`${join(DATA_FOLDER, there)} is already there.`);
  return await loadFaces(join(DATA_FOLDER, there));
}

await runTask({
  help: HELP,
  options: {
    from: { type: "string" },
    votes: { type: "string" },
    faces: { type: "boolean" },
    out: { type: "string" },
    seed: { type: "string" },
    overwrite: { type: "boolean" },
  },
}, async ({ from, votes, ...options }) => {
  if (options.faces) return await makeFaces(from, options);
  const faces = await getFaces(from && (isUrl(from) ? from : userPath(from)));
  console.log(describeFaces(faces));
  const place = await downloadVotes(faces, {
    from: votes && (isUrl(votes) ? votes : userPath(votes)),
  });
  console.log(
    faces.source.unordered
      ? `${place}: to use the votes, get fer2013.csv (--from); picture folders have no order`
      : `${place}: matches the faces, row by row`,
  );
});
