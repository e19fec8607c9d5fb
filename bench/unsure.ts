// `deno task bench unsure`: how the accuracy of shown answers depends on the confidence threshold.
// The threshold in models/default.json was chosen with this curve.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatasetError } from "mien/data/faces.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { scoreBoxes } from "mien/haar/score.ts";
import { toGray } from "mien/image/gray.ts";
import { readImage } from "mien/image/image.ts";
import { createProgress } from "mien/progress.ts";
import { loadRecognizer } from "mien/recognition/recognize.ts";
import { readNumber, runTask, userPath } from "../tasks/command_line.ts";

const FOLDER = resolve(import.meta.dirname!, "../../shared/photos_labelled");

const HELP = `Usage: deno task bench unsure [FOLDER] [--model DIR] [--every N]

Classifies the largest face of each labeled photograph and prints, for each
threshold, {"bench":"unsure","threshold","coverage","right","rightBelow",
"falseBoxes"}: the share of faces whose confidence reaches the threshold, the share
of these that are right, the share of the others that are right, and the share of
boxes without a face (in drawn scenes) that reach it.

  FOLDER        photographs and labels.csv with the columns file and emotion
                (default: ../shared/photos_labelled)
  --model DIR   use another trained model
  --every N     use only every Nth photograph (default 1)
  --scenes N    number of drawn scenes (default 200)
  --help        show this text`;

interface Answer {
  readonly confidence: number;
  readonly right: boolean;
}

await runTask({
  help: HELP,
  options: {
    model: { type: "string" },
    every: { type: "string" },
    scenes: { type: "string" },
  },
  positionals: { least: 0, most: 1, what: "FOLDER" },
}, async (options, positionals) => {
  const range = { least: 1, whole: true };
  const every = readNumber("every", options.every, range) ?? 1;
  const scenes = readNumber("scenes", options.scenes, range) ?? 200;
  const folder = positionals.length > 0 ? userPath(positionals[0]) : FOLDER;
  const recognizer = await loadRecognizer(
    options.model && userPath(options.model),
  );

  const file = join(folder, "labels.csv");
  const [, ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const rows = lines.filter((_, i) => i % every === 0);
  const answers: Answer[] = [];
  const bar = createProgress("Classifying", rows.length, "photographs");
  for (const [i, row] of rows.entries()) {
    const [name, label] = row.split(",");
    if (!label) throw new DatasetError(file, "has no emotion", i * every + 1);
    const image = toGray(await readImage(join(folder, name)));
    const [face] = recognizer.recognize(image)
      .sort((a, b) => b.box.width - a.box.width);
    if (face) {
      const { confidence, emotion } = face;
      answers.push({ confidence, right: emotion === label });
    }
    bar.update(i + 1);
  }
  bar.stop();

  const falseBoxes: number[] = [];
  for (let seed = 0; seed < scenes; seed++) {
    const scene = { width: 640, height: 480, faces: seed % 5, seed };
    const { image, boxes } = drawScene(scene);
    for (const { box, confidence } of recognizer.recognize(image)) {
      if (scoreBoxes(boxes, [box], 0.4).wrong > 0) falseBoxes.push(confidence);
    }
  }

  const part = (of: number, all: number) =>
    all === 0 ? null : Number((of / all).toFixed(4));
  const rightOf = (some: readonly Answer[]) =>
    part(some.filter(({ right }) => right).length, some.length);
  for (let percent = 0; percent <= 90; percent += 5) {
    const threshold = percent / 100;
    const sure = answers.filter((a) => a.confidence >= threshold);
    const unsure = answers.filter((a) => a.confidence < threshold);
    console.log(JSON.stringify({
      bench: "unsure",
      threshold,
      coverage: part(sure.length, answers.length),
      right: rightOf(sure),
      rightBelow: rightOf(unsure),
      falseBoxes: part(
        falseBoxes.filter((confidence) => confidence >= threshold).length,
        falseBoxes.length,
      ),
    }));
  }
});
