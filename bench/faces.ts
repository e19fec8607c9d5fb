// `deno task bench faces`: what searching beyond the edges and searching thoroughly add to the
// frontal cascade, and what they cost: pictures with a face, false boxes, time.
import { readdirSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { drawScene } from "mien/drawn/scene.ts";
import { profileFaceCascade } from "mien/haar/profile_face.ts";
import { scoreBoxes } from "mien/haar/score.ts";
import { type GrayImage, toGray } from "mien/image/gray.ts";
import { IMAGE_EXTENSIONS, readImage } from "mien/image/image.ts";
import { createProgress } from "mien/progress.ts";
import { FaceFinder } from "mien/recognition/face_finder.ts";
import { PHOTO_SEARCH } from "mien/recognition/recognizer.ts";
import { readNumber, runTask, userPath } from "../tasks/command_line.ts";

const SHARED = resolve(import.meta.dirname!, "../../shared");

const HELP = `Usage: deno task bench faces [FOLDER ...] [--every N] [--scenes N]

Looks for faces in the pictures of each FOLDER (default: ../shared/photos_labelled
and ../shared/photos) and in drawn scenes with up to four people, in three ways:
with the frontal cascade alone, also beyond the edges (the default), and
thoroughly. Prints a line for each: {"bench":"faces","where","how","pictures",
"without","boxes","more","ms"}: pictures without a face, all boxes, boxes after the
first in a picture, milliseconds per picture. For drawn scenes, whose faces are
known: {"found","missed","wrong"}.

  --every N    use only every Nth picture (default 1)
  --scenes N   number of drawn scenes (default 100)
  --help       show this text`;

const frontal = await FaceFinder.create();
const thorough = await FaceFinder.create(undefined, profileFaceCascade());

/** The three ways; the first is OpenCV's answer. */
const WAYS = {
  frontal: (image: GrayImage) =>
    frontal.find(image, { ...PHOTO_SEARCH, beyondEdges: false }),
  default: (image: GrayImage) => frontal.find(image, PHOTO_SEARCH),
  thorough: (image: GrayImage) => thorough.find(image, PHOTO_SEARCH),
};

async function searchFolder(folder: string, every: number) {
  const names = readdirSync(folder).filter((name) =>
    IMAGE_EXTENSIONS.includes(extname(name).toLowerCase())
  ).sort().filter((_, i) => i % every === 0);
  const counts = Object.keys(WAYS).map((how) => ({
    bench: "faces",
    where: folder,
    how,
    pictures: names.length,
    without: 0,
    boxes: 0,
    more: 0,
    ms: 0,
  }));
  const bar = createProgress("Finding faces", names.length, "pictures");
  for (const [done, name] of names.entries()) {
    const image = toGray(await readImage(join(folder, name)));
    for (const [i, find] of Object.values(WAYS).entries()) {
      const start = performance.now();
      const { length } = find(image);
      counts[i].ms += performance.now() - start;
      counts[i].boxes += length;
      counts[i].without += length === 0 ? 1 : 0;
      counts[i].more += Math.max(0, length - 1);
    }
    bar.update(done + 1);
  }
  bar.stop();
  for (const count of counts) {
    console.log(JSON.stringify({
      ...count,
      ms: Number((count.ms / names.length).toFixed(1)),
    }));
  }
}

function searchScenes(scenes: number) {
  for (const [how, find] of Object.entries(WAYS)) {
    const sum = { found: 0, missed: 0, wrong: 0 };
    for (let seed = 0; seed < scenes; seed++) {
      const scene = { width: 640, height: 480, faces: seed % 5, seed };
      const { image, boxes } = drawScene(scene);
      const found = find(image).map(({ box }) => box);
      const score = scoreBoxes(boxes, found, 0.4);
      sum.found += score.found;
      sum.missed += score.missed;
      sum.wrong += score.wrong;
    }
    console.log(JSON.stringify({
      bench: "faces",
      where: "drawn scenes",
      how,
      pictures: scenes,
      ...sum,
    }));
  }
}

await runTask({
  help: HELP,
  options: { every: { type: "string" }, scenes: { type: "string" } },
  positionals: { least: 0, most: 20, what: "FOLDER" },
}, async (options, folders) => {
  const range = { least: 1, whole: true };
  const every = readNumber("every", options.every, range) ?? 1;
  const scenes = readNumber("scenes", options.scenes, range) ?? 100;
  searchScenes(scenes);
  const all = folders.length > 0
    ? folders.map(userPath)
    : ["photos", "photos_labelled"].map((name) => join(SHARED, name));
  for (const folder of all) await searchFolder(folder, every);
});
