// Trains a network in the terminal, with a progress bar, one line per epoch, and nothing lost if it
// is interrupted. The trainer itself is lib/training/train.ts.

import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";
import type * as tf from "@tensorflow/tfjs";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { evaluate } from "mien/evaluation/evaluate.ts";
import { countSplits, type Faces } from "mien/data/faces.ts";
import { findVotes } from "mien/data/ferplus.ts";
import { describeFaces, findFaces } from "mien/drawn/find_faces.ts";
import { meaningOf } from "mien/model/emotions_of_model.ts";
import { replaceClasses } from "mien/model/replace_classes.ts";
import { buildMiniXception } from "mien/model/mini_xception.ts";
import { createProgress, formatSeconds, type Progress } from "mien/progress.ts";
import { noAugmentation } from "mien/training/augment.ts";
import { losses } from "mien/training/loss.ts";
import { recalibrate } from "mien/training/recalibrate.ts";
import { checkRunFolder } from "mien/training/run/claim.ts";
import {
  hasRun,
  readFirstModel,
  readRun,
} from "mien/training/run/run_folder.ts";
import { schedules } from "mien/training/schedule.ts";
import { type BatchProgress, train } from "mien/training/train.ts";
import type { EpochRecord } from "mien/training/run/run_folder.ts";
import { buildWideXception } from "mien/model/wide_xception.ts";
import {
  completeConfig,
  defaultTraining,
  optimizers,
  type PartialConfig,
  referenceTraining,
  type TrainingConfig,
} from "mien/training/config.ts";
import {
  readChoice,
  readNumber,
  runTask,
  UsageError,
  userPath,
} from "./command_line.ts";

const HELP = `Usage: deno task train --out FOLDER [--data PATH] [options]

Trains on the Training split, validates on PublicTest after each epoch, and
keeps the run in FOLDER: config.json, log.csv, a model each time validation
improves, and the state that --resume continues from. At the end, the last
model's batch-normalization statistics are re-estimated on the unchanged
training faces (blurred, if the run blurs), and it is saved again in
FOLDER/recalibrated. FOLDER must be new, empty, or a run to resume: nothing else
in it is ever overwritten.

  --data PATH           FER-2013 in any form (default: FER2013 or data/, or
                        drawn faces if there is no data)
  --votes FILE          FER+'s fer2013new.csv (default: next to the data or in
                        data/); needed if the vote weight is above 0
  --out FOLDER          the run's folder, such as models/first
  --resume              continue the run in FOLDER, if there is one, with its
                        choices
  --recipe NAME         default, or reference: that of mini-Xception's authors
  --config FILE.json    choices to change, as in a run's config.json
  --architecture NAME   mini-xception, wide-xception, or a model.json to
                        start from, including its weights; if its classes
                        differ from the data's, its last layer starts over
  --name NAME           the prefix of the saved models' names
  --epochs N  --batch-size N  --workers N  --seed N  --learning-rate X
  --vote-weight X       the share of each target, 0 to 1, that comes from the
                        votes of FER+'s ten people; the rest is the label
  --freeze LAYERS       fine-tuning: how many of the first layers to freeze,
                        the name of the last of them, or block1, block2 …
  --optimizer NAME      adam or sgd
  --schedule NAME       plateau, cosine or one-cycle
  --loss NAME           cross-entropy or focal
  --help                show this text

Ctrl-C stops at once; --resume repeats the epoch in progress from its start.`;

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;
const OPTIONS = {
  data: text,
  votes: text,
  "vote-weight": text,
  out: text,
  resume: yes,
  recipe: text,
  config: text,
  architecture: text,
  name: text,
  epochs: text,
  "batch-size": text,
  workers: text,
  seed: text,
  "learning-rate": text,
  freeze: text,
  optimizer: text,
  schedule: text,
  loss: text,
};

type Arguments =
  & { [Name in Exclude<keyof typeof OPTIONS, "resume">]?: string }
  & { resume?: boolean };

const keysOf = <Kind extends string>(choices: Record<Kind, unknown>) =>
  Object.keys(choices) as Kind[];

function readConfigFile(file: string): PartialConfig {
  let content;
  try {
    content = JSON.parse(fs.readFileSync(userPath(file), "utf8"));
  } catch (error) {
    throw new UsageError(
      `--config ${file} cannot be read: ${(error as Error).message}`,
    );
  }
  return content?.training ?? content;
}

const recipes = { default: defaultTraining, reference: referenceTraining };

/** The command line's choices override those of the file, the recipe or the resumed run. */
function chooseConfig(
  args: Arguments,
  running: TrainingConfig | undefined,
): TrainingConfig {
  const recipe = readChoice("recipe", args.recipe, keysOf(recipes));
  const base = recipe ? recipes[recipe] : running ?? defaultTraining;
  const given = args.config === undefined ? {} : readConfigFile(args.config);
  const single: PartialConfig = {
    epochs: readNumber("epochs", args["epochs"]),
    batchSize: readNumber("batch-size", args["batch-size"]),
    workers: readNumber("workers", args["workers"]),
    seed: readNumber("seed", args["seed"]),
    learningRate: readNumber("learning-rate", args["learning-rate"]),
    votes: readNumber("vote-weight", args["vote-weight"]),
  };
  if (args.freeze !== undefined) {
    const count = Number(args.freeze);
    single.freeze = Number.isInteger(count) ? count : args.freeze;
  }
  const optimizer = readChoice("optimizer", args.optimizer, keysOf(optimizers));
  const schedule = readChoice("schedule", args.schedule, keysOf(schedules));
  const loss = readChoice("loss", args.loss, keysOf(losses));
  if (loss) single.loss = { kind: loss };
  if (optimizer) single.optimizer = { kind: optimizer };
  if (schedule) single.schedule = { kind: schedule };
  const chosen = Object.entries(single).filter(([, value]) =>
    value !== undefined
  );
  return completeConfig(
    { ...given, ...Object.fromEntries(chosen) },
    base,
  );
}

const architectures = {
  "mini-xception": buildMiniXception,
  "wide-xception": buildWideXception,
};

/** A model from a file; if it names other classes, it gets an output for these. */
async function fitClasses(
  model: tf.LayersModel,
  classes: readonly string[],
  seed: number,
): Promise<tf.LayersModel> {
  const { named, emotions } = meaningOf(model);
  if (!named || emotions.join() === classes.join()) return model;
  console.log(
    `The model is for ${emotions.join(", ")}: it gets a new output for ${
      classes.join(", ")
    }.`,
  );
  return await replaceClasses(model, classes, { seed });
}

/** A network by its name, or from a file. */
async function buildArchitecture(
  args: Arguments,
  seed: number,
  classes: readonly string[],
): Promise<tf.LayersModel> {
  const { architecture } = args;
  if (architecture?.endsWith(".json")) {
    const model = await loadModel(userPath(architecture));
    return fitClasses(model, classes, seed);
  }
  const name = readChoice("architecture", architecture, keysOf(architectures));
  return architectures[name ?? "mini-xception"]({ seed, classes });
}

function describeEpoch(record: EpochRecord): string {
  const percent = (part: number) => `${(100 * part).toFixed(1)} %`;
  return [
    `epoch ${String(record.epoch).padStart(3)}`,
    `loss ${record.loss.toFixed(4)}`,
    `accuracy ${percent(record.accuracy)}`,
    `validation loss ${record.valLoss.toFixed(4)}`,
    `accuracy ${percent(record.valAccuracy)}`,
    `macro-F1 ${record.valMacroF1.toFixed(3)}`,
    `learning rate ${record.learningRate.toPrecision(3)}`,
    formatSeconds(record.seconds) + (record.saved ? " · saved" : ""),
  ].join(" · ");
}

/** A bar for the rest of the run, removed while each epoch's line is written. */
class RunBar {
  #bar: Progress | undefined;
  #first: number;

  constructor(firstEpoch: number) {
    this.#first = firstEpoch;
  }

  batch({ epoch, epochs, step, steps, loss, accuracy }: BatchProgress): void {
    const total = (epochs - this.#first) * steps;
    this.#bar ??= createProgress("Training", total, "steps");
    this.#bar.update(
      (epoch - 1 - this.#first) * steps + step,
      `epoch ${epoch}/${epochs} · loss ${loss.toFixed(3)} · accuracy ${
        (100 * accuracy).toFixed(1)
      } %`,
    );
  }

  line(text: string): void {
    // The bar owns the terminal's last line: clear it, write, and let the bar draw again.
    if (Deno.stderr.isTerminal()) process.stderr.write("\r\x1b[K");
    console.log(text);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

/** Saves the model as `recalibrated`, and prints its accuracy. */
async function saveRecalibrated(
  model: tf.LayersModel,
  faces: Faces,
  { seed, augmentation: { blur } }: TrainingConfig,
  out: string,
): Promise<void> {
  const [training] = countSplits(faces);
  const bar = createProgress("Recalibrating", training, "faces");
  try {
    await recalibrate(model, faces, {
      seed,
      augmentation: { ...noAugmentation, blur },
      onProgress: (done) => bar.update(done),
    });
  } finally {
    bar.stop();
  }
  const place = path.join(out, "recalibrated");
  await saveModel(model, place);
  const { accuracy } = await evaluate(model, faces, "PublicTest");
  console.log(
    `Recalibrated: ${(100 * accuracy).toFixed(2)} % on PublicTest, ${place}`,
  );
}

async function runTraining(args: Arguments): Promise<number> {
  if (!args.out) throw new UsageError("--out FOLDER is missing");
  const out = userPath(args.out);
  checkRunFolder(out, args.resume);
  const resume = args.resume && hasRun(out);
  const running = resume ? readRun(out).notes : undefined;
  if (args.resume && !resume) {
    console.log(`Nothing to resume in ${out}: starting from scratch.`);
  }
  const config = chooseConfig(args, running?.config);
  const found = await findFaces(
    args.data ? userPath(args.data) : running?.data.path,
  );
  const faces = config.votes > 0
    ? await findVotes(found, args.votes && userPath(args.votes))
    : found;
  console.log(describeFaces(faces));
  const model = args.architecture === undefined && resume
    ? await readFirstModel(out)
    : await buildArchitecture(args, config.seed, faces.emotions);
  console.log(
    `${
      model.countParams().toLocaleString("en")
    } parameters, ${config.workers} workers, ${
      running ? `resuming after epoch ${running.epoch} of` : "up to"
    } ${config.epochs} epochs, in ${out}`,
  );
  const { architecture = "mini_xception" } = args;
  const name = args.name ??
    path.basename(architecture, ".json").replaceAll("-", "_");
  const bar = new RunBar(running?.epoch ?? 0);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  Deno.addSignalListener("SIGINT", stop);
  try {
    const { ended, best, history, config: { monitor } } = await train({
      faces,
      model,
      config,
      out,
      name,
      resume,
      signal: stopping.signal,
      onEngine: (line) => console.log(line),
      onBatch: (progress) => bar.batch(progress),
      onEpoch: (record) => bar.line(describeEpoch(record)),
    });
    bar.stop();
    Deno.removeSignalListener("SIGINT", stop); // From here on nothing can be lost.
    if (ended === "signal") {
      console.log(
        `Stopped. Continue with: deno task train --resume --out ${out}`,
      );
      return 130;
    }
    const describe = ({ epoch, valAccuracy, saved }: EpochRecord) =>
      `epoch ${epoch}, ${(100 * valAccuracy).toFixed(2)} % on PublicTest${
        saved ? `, ${path.join(out, saved)}` : ""
      }`;
    const last = history.at(-1)!;
    console.log(
      ended === "patience" ? "No longer improving." : "All epochs done.",
    );
    console.log(`Best validation ${monitor}: ${describe(best!)}`);
    if (last !== best) console.log(`Last: ${describe(last)}`);
    // A frozen layer's statistics come from many faces: better than estimates from a few.
    if (!config.freeze) {
      await saveRecalibrated(model, faces, config, out);
    }
    return 0;
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    bar.stop();
  }
}

await runTask({ help: HELP, options: OPTIONS }, (args) => runTraining(args));
