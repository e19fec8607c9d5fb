// `deno task bench photographs`: how accurate models are on labeled photographs that they were not
// trained on, judged by the largest face found in each.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readImage } from "mien/image/image.ts";
import { toGray } from "mien/image/gray.ts";
import { DatasetError, type Faces } from "mien/data/faces.ts";
import { EMOTIONS, FACE_PIXELS } from "mien/emotions.ts";
import { describeResult, predictFaces } from "mien/evaluation/evaluate.ts";
import { loadModel } from "mien/model/saved_model.ts";
import { createProgress } from "mien/progress.ts";
import { defaultModel, loadRecognizer } from "mien/recognition/recognize.ts";
import { PHOTO_SEARCH } from "mien/recognition/recognizer.ts";
import { runTask, userPath } from "../tasks/command_line.ts";

const FOLDER = resolve(import.meta.dirname!, "../../shared/photos_labelled");

const HELP = `Usage: deno task bench photographs [MODEL ...] [--folder FOLDER]

Finds the largest face in each photograph, classifies it with each MODEL (default:
the default model), and prints {"bench":"photographs","model","found","missed",
"right","mean","recall","ece"}. mean is the mean recall of angry, happy, sad,
surprise and neutral; the other emotions are too rare in the set.

  --folder FOLDER  photographs and labels.csv with the columns file and emotion
                   (default: ../shared/photos_labelled)
  --frontal        only faces that OpenCV's frontal cascade finds, not those cut off
                   by the edges
  --confusion      also print the counts, labels in rows, predictions in columns
  --help           show this text`;

/** The emotions of which the set has more than twenty faces. */
const JUDGED = ["angry", "happy", "sad", "surprise", "neutral"];

/** The largest face in each photograph, 48x48, with its label; and how many have no face. */
async function findFaces(folder: string, frontal: boolean) {
  const file = join(folder, "labels.csv");
  const [, ...rows] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const recognizer = await loadRecognizer();
  const search = { ...PHOTO_SEARCH, beyondEdges: !frontal };
  const crops: Uint8Array[] = [], labels: number[] = [];
  const bar = createProgress("Finding faces", rows.length, "photographs");
  for (const [index, row] of rows.entries()) {
    const [name, emotion] = row.split(",");
    const label = (EMOTIONS as readonly string[]).indexOf(emotion);
    if (label < 0) {
      throw new DatasetError(file, `"${emotion}" is not an emotion`, index + 1);
    }
    const found = recognizer.recognize(
      toGray(await readImage(join(folder, name))),
      search,
    );
    const [largest] = found.sort((a, b) => b.box.width - a.box.width);
    if (largest) {
      crops.push(largest.crop);
      labels.push(label);
    }
    bar.update(index + 1);
  }
  bar.stop();
  const pixels = new Uint8Array(crops.length * FACE_PIXELS);
  crops.forEach((crop, index) => pixels.set(crop, index * FACE_PIXELS));
  const faces: Pick<Faces, "pixels" | "labels" | "length"> = {
    pixels,
    labels: Uint8Array.from(labels),
    length: crops.length,
  };
  return { faces, missed: rows.length - crops.length };
}

const rounded = (part: number) => Number(part.toFixed(4));

await runTask({
  help: HELP,
  options: {
    folder: { type: "string", default: FOLDER },
    frontal: { type: "boolean" },
    confusion: { type: "boolean" },
  },
  positionals: { least: 0, most: 20, what: "MODEL" },
}, async ({ folder, frontal, confusion }, models) => {
  const { faces, missed } = await findFaces(userPath(folder), frontal ?? false);
  for (
    const model of models.length > 0 ? models.map(userPath) : [defaultModel()]
  ) {
    const probabilities = await predictFaces(await loadModel(model), faces);
    const result = describeResult(probabilities, faces.labels);
    const recall = Object.fromEntries(
      result.perClass.map((
        figures,
      ) => [figures.emotion, rounded(figures.recall)]),
    );
    const sum = JUDGED.reduce((total, emotion) => total + recall[emotion], 0);
    console.log(JSON.stringify({
      bench: "photographs",
      model,
      found: faces.length,
      missed,
      right: rounded(result.accuracy),
      mean: rounded(sum / JUDGED.length),
      recall,
      ece: rounded(result.ece),
      ...(confusion ? { confusion: result.confusion } : {}),
    }));
  }
});
