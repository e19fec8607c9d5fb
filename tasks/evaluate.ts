// Measures a model on one split of FER-2013: accuracy, macro-F1, each emotion, calibration.
// The figures themselves come from lib/evaluation/evaluate.ts.

import * as path from "node:path";
import { loadModel } from "mien/model/saved_model.ts";
import { evaluate, type Evaluation } from "mien/evaluation/evaluate.ts";
import { SPLITS } from "mien/data/faces.ts";
import { declareMeaning, meaningOf } from "mien/model/emotions_of_model.ts";
import { findVotes, majorityFaces } from "mien/data/ferplus.ts";
import { loadFaces } from "mien/data/fer2013.ts";
import { defaultModel } from "mien/recognition/recognize.ts";
import { createProgress } from "mien/progress.ts";
import { readChoice, runTask, UsageError, userPath } from "./command_line.ts";

const HELP =
  `Usage: deno task evaluate --data PATH --split SPLIT [--model FOLDER] [options]

Measures a model on the unchanged faces of one split.

  --data PATH       FER-2013 in any form: CSV, plain or zipped, or folders of
                    pictures
  --split SPLIT     Training, PublicTest or PrivateTest
  --model FOLDER    the folder of a saved model (default: the project's own)
  --labels NAME     fer2013 (default), or ferplus: the faces for which at least
                    five of FER+'s ten people agree on an emotion
  --votes FILE      FER+'s fer2013new.csv (default: next to the data or in data/)
  --emotions A,B    the names of the model's classes, in its order, if it has
                    none (default: the data's classes)
  --scale 0..1      the values it expects for black and white, if not -1..1
  --tta             test-time augmentation: the mean over each face and its
                    mirror image
  --json            print one JSON object and nothing else
  --help            show this text`;

const percent = (part: number) => `${(100 * part).toFixed(2)} %`;

/** The confusion counts as a table: labels in rows, predictions in columns. */
function formatConfusion(
  confusion: number[][],
  emotions: readonly string[],
): string {
  const width = Math.max(9, ...emotions.map((name) => name.length + 1));
  const cells = (values: (string | number)[]) =>
    values.map((value) => String(value).padStart(width)).join("");
  return [
    " ".repeat(width) + cells([...emotions]),
    ...confusion.map((row, k) => emotions[k].padEnd(width) + cells(row)),
  ].join("\n");
}

function format(result: Evaluation, model: string): string {
  const { perClass, n, params, unseen } = result;
  const names = perClass.map(({ emotion }) => emotion);
  const width = Math.max(9, ...names.map((name) => name.length));
  const lines = perClass.map(({ emotion, precision, recall, f1, support }) =>
    `  ${emotion.padEnd(width)} precision ${percent(precision).padStart(8)}` +
    `   recall ${percent(recall).padStart(8)}   F1 ${f1.toFixed(3)}` +
    `   ${support} faces`
  );
  return `${model}: ${params.toLocaleString("en")} parameters
${result.split}: ${n.toLocaleString("en")} faces${
    result.tta ? ", each also mirrored" : ""
  }

accuracy           ${percent(result.accuracy)} (95 %: ± ${
    percent(result.halfWidth)
  })
  of unseen faces  ${
    unseen.accuracy === null
      ? "none: all are in Training"
      : `${percent(unseen.accuracy)} of the ${
        unseen.n.toLocaleString("en")
      } that are not in Training`
  }
macro-F1           ${result.macroF1.toFixed(4)}
cross-entropy      ${result.loss.toFixed(4)}
calibration error  ${result.ece.toFixed(4)}, and ${
    result.eceWithTemperature.toFixed(4)
  } with the temperature ${result.temperature}, fitted here

${lines.join("\n")}

labels in rows, predictions in columns
${formatConfusion(result.confusion, names)}`;
}

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;

await runTask({
  help: HELP,
  options: {
    data: text,
    split: text,
    model: text,
    labels: text,
    votes: text,
    emotions: text,
    scale: text,
    tta: yes,
    json: yes,
  },
}, async (args) => {
  const split = readChoice("split", args.split, SPLITS);
  if (!split) throw new UsageError(`--split ${SPLITS.join(" or ")} is missing`);
  if (!args.data) throw new UsageError("--data PATH is missing");
  const place = args.model ? userPath(args.model) : defaultModel();
  const model = await loadModel(place);
  declareMeaning(model, args);
  const labels = readChoice("labels", args.labels, ["fer2013", "ferplus"]) ??
    "fer2013";
  const given = await loadFaces(userPath(args.data));
  const faces = labels === "ferplus"
    ? majorityFaces(await findVotes(given, args.votes && userPath(args.votes)))
    : given;
  if (!meaningOf(model).named) {
    console.error(
      `The model has no class names; assuming ${given.emotions.join(", ")}.`,
    );
  }
  const bar = createProgress("Evaluating", 0, "faces");
  const result = await evaluate(model, faces, split, {
    tta: args.tta,
    onProgress: (done) => bar.update(done),
  });
  bar.stop();
  // Safe for the user to share: no paths above the project or the given folder.
  const name = path.relative(".", place).replaceAll("\\", "/") || ".";
  if (!args.json) return console.log(format(result, name));
  const { name: source, hash } = faces.source;
  console.log(
    JSON.stringify({
      ...result,
      labels,
      model: name,
      data: { name: source, hash },
    }),
  );
});
