// The configuration of a training run: every choice in one object, saved with the run as config.json.
//
// `defaultTraining` is our recipe, `referenceTraining` that of mini-Xception's authors. config_checks.ts
// has the range of each field.
import {
  type Augmentation,
  noAugmentation,
  referenceAugmentation,
} from "./augment.ts";
import { type Schedule, schedules } from "./schedule.ts";
import { type LossChoice, losses } from "./loss.ts";
import { checks, inside, nearest, shown } from "./config_checks.ts";
import { UserError } from "../user_error.ts";

/** Adam; with `weightDecay` in the configuration it is AdamW (Loshchilov and Hutter, 2019). */
export interface AdamChoice {
  kind: "adam";
  beta1: number;
  beta2: number;
  epsilon: number;
}

/** Stochastic gradient descent with Nesterov's momentum. */
export interface SgdChoice {
  kind: "sgd";
  momentum: number;
}

/** The two optimizers. */
export type OptimizerChoice = AdamChoice | SgdChoice;

/** The optimizers with their usual settings (Keras's for Adam). */
export const optimizers = {
  adam: { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  sgd: { kind: "sgd", momentum: 0.9 },
} as const satisfies Record<OptimizerChoice["kind"], OptimizerChoice>;

/**
 * Networks that teach: the mean of their probabilities becomes part of the targets (Hinton, Vinyals
 * and Dean, 2015). Even a student of the same size gains (Furlanello et al., 2018).
 */
export interface TeacherChoice {
  /** The folders of their saved models. */
  models: string[];
  /** A file of teachers' answers, in place of models; teachers/teacher_answers.ts defines its format. */
  answers?: string;
  /** The teachers' share of each target, 0..1; the rest is the label. */
  weight: number;
  /** Above 1 softens their answers: this root of their mean probabilities. */
  temperature: number;
}

/** Every choice of a training run. */
export interface TrainingConfig {
  /** Faces per step, of all workers together. */
  batchSize: number;
  /** The most passes over the training faces. */
  epochs: number;
  /** Epochs without improvement after which the run ends early; `null`: never. */
  patience: number | null;
  /** What "better" means: a lower validation loss or a higher validation accuracy. */
  monitor: "loss" | "accuracy";
  /** What training minimizes; `valLoss` is always the cross-entropy. */
  loss: LossChoice;
  optimizer: OptimizerChoice;
  /** The highest learning rate; the schedule reduces it. */
  learningRate: number;
  schedule: Schedule;
  /** Decoupled from the gradient and multiplied by the learning rate, as in AdamW, also for SGD. */
  weightDecay: number;
  /**
   * The share of each target, 0..1, that comes from people's votes (`Faces.votes`); the rest is the
   * label, before label smoothing and teachers.
   */
  votes: number;
  /** The share of each target, 0..1, that is spread equally over all emotions. */
  labelSmoothing: number;
  /** How much of the weights' running average each step keeps; `null`: no average. The average is validated and saved. */
  averageDecay: number | null;
  /** One weight per emotion in the loss, "balanced" by its faces, or `null`: all equal. */
  classWeights: "balanced" | number[] | null;
  augmentation: Augmentation;
  teacher: TeacherChoice | null;
  /**
   * Layers that do not learn, for fine-tuning: how many of the first ones, the name of the last, or
   * "block3" for all up to the end of the third residual block; `null`: none.
   */
  freeze: number | string | null;
  /** The source of all randomness: initial weights, order, augmentation, dropout. */
  seed: number;
  /** Threads that share each step. The same seed and number give the same weights, bit for bit. */
  workers: number;
}

/** Our recipe. Change what you like: `{ ...defaultTraining, epochs: 3 }`. */
export const defaultTraining: TrainingConfig = {
  batchSize: 64,
  epochs: 85,
  patience: null,
  monitor: "loss",
  loss: losses["cross-entropy"],
  optimizer: optimizers.adam,
  learningRate: 4e-3,
  schedule: schedules["one-cycle"],
  weightDecay: 1e-2,
  votes: 0,
  labelSmoothing: 0.05,
  averageDecay: 0.999,
  classWeights: null,
  augmentation: {
    ...noAugmentation,
    mirror: true,
    rotation: 10,
    shift: 0.05,
    zoom: 0.08,
    brightness: 0.05,
    contrast: 0.1,
  },
  teacher: null,
  freeze: null,
  seed: 2013,
  workers: navigator.hardwareConcurrency,
};

/**
 * The recipe of Arriaga et al.'s `train_emotion_classifier.py`, with the course report's 85 epochs: Adam
 * at 0.001, divided by ten after 12 epochs without a lower validation loss, and batches of 32.
 */
export const referenceTraining: TrainingConfig = {
  ...defaultTraining,
  batchSize: 32,
  patience: 50,
  learningRate: 1e-3,
  schedule: schedules.plateau,
  weightDecay: 0,
  labelSmoothing: 0,
  averageDecay: null,
  augmentation: referenceAugmentation,
};

/** A configuration, folder or result with which training cannot continue. */
export class TrainingError extends UserError {
  override readonly name = "TrainingError";
}

/** The fields of a configuration in one list: `schedule.kind`, `seed`, … */
function flatten(value: object, prefix = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? flatten(inner, `${prefix}${name}.`)
      : [[prefix + name, inner] as [string, unknown]]
  );
}

/** Names of the fields in which two configurations differ, such as `schedule.kind`. */
export function differingFields(
  one: TrainingConfig,
  other: TrainingConfig,
): string[] {
  const a = new Map(flatten(one)), b = new Map(flatten(other));
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) =>
    JSON.stringify(a.get(name) ?? null) !== JSON.stringify(b.get(name) ?? null)
  );
}

/**
 * A configuration with gaps, at both levels: `{ schedule: { kind: "cosine" } }`, which may be written
 * `{ schedule: "cosine" }`.
 */
export type PartialConfig =
  & Partial<
    Omit<
      TrainingConfig,
      "loss" | "optimizer" | "schedule" | "augmentation" | "teacher"
    >
  >
  & {
    loss?: LossChoice["kind"] | Partial<LossChoice>;
    optimizer?: OptimizerChoice["kind"] | Partial<OptimizerChoice>;
    schedule?: Schedule["kind"] | Partial<Schedule>;
    augmentation?: Partial<Augmentation>;
    teacher?: Partial<TeacherChoice> | null;
  };

function unknownField(name: string, known: string[], more = "") {
  return new TrainingError(
    `unknown field in the training configuration: ${name}. Did you mean ${
      nearest(name, known)
    }?${more}`,
  );
}

/** The defaults of a field that is an object, by its kind if it has kinds. */
function nestedDefaults(name: string, kind: unknown, base: TrainingConfig) {
  const kinds: Record<string, object> = KINDS[name];
  switch (name) {
    case "augmentation":
      return base.augmentation;
    case "teacher":
      return { models: [], weight: 0.5, temperature: 1 };
    default:
      return Object.hasOwn(kinds, kind as string) ? kinds[kind as string] : {};
  }
}

/** Fills the gaps, including those in fields that are objects themselves. */
function fillGaps(given: PartialConfig, base: TrainingConfig): TrainingConfig {
  const filled: Record<string, unknown> = { ...base };
  for (const [name, said] of Object.entries(given)) {
    if (said === undefined) continue;
    filled[name] = said;
    if (!Object.hasOwn(examples, name)) continue;
    if (said === null && name === "teacher") continue;
    const hasKind = Object.hasOwn(KINDS, name);
    const value = hasKind && typeof said === "string" ? { kind: said } : said;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new TrainingError(
        `${name} is ${shown(said)}; it must be an object, such as ${
          JSON.stringify(examples[name])
        }${
          name === "loss"
            ? "; pass a function next to the configuration: train({ loss, config, ... })"
            : ""
        }`,
      );
    }
    const kind = (value as { kind?: unknown }).kind ??
      base[name as "optimizer"]?.kind;
    filled[name] = { ...nestedDefaults(name, kind, base), ...value };
  }
  return filled as unknown as TrainingConfig;
}

/** Fields that have kinds, each with its usual numbers. */
const KINDS: Record<string, Record<string, object>> = {
  loss: losses,
  optimizer: optimizers,
  schedule: schedules,
};

const examples: Record<string, object> = {
  loss: { kind: "focal" },
  optimizer: { kind: "adam" },
  schedule: { kind: "plateau" },
  augmentation: { mirror: true, rotation: 10 },
  teacher: { models: ["models/report/recalibrated"] },
};

/**
 * Fills in missing fields from `base`, checks all of them, and returns the whole configuration.
 * An optimizer or schedule given only by its kind gets its usual settings.
 *
 * @throws {TrainingError} naming the field and what it may be
 *
 * @example
 * ```ts
 * import { completeConfig } from "mien/training/config.ts";
 * const config = completeConfig({ epochs: 3, seed: 1 });
 * ```
 */
export function completeConfig(
  given: PartialConfig = {},
  base: TrainingConfig = defaultTraining,
): TrainingConfig {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TrainingError(
      `the training configuration is ${
        shown(given)
      }; it must be an object, such as {"epochs": 3}`,
    );
  }
  const known = Object.keys(defaultTraining);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw unknownField(name, known, ` The fields are ${known.join(", ")}`);
  }
  const config = fillGaps(given, base);
  for (const [name, value] of flatten(config)) {
    if (name === "classWeights" || value === null && name === "teacher") {
      continue;
    }
    if (!Object.hasOwn(checks, name)) {
      throw unknownField(name, Object.keys(checks));
    }
    const complaint = checks[name](value);
    if (complaint) {
      throw new TrainingError(`${name} ${complaint}, not ${shown(value)}`);
    }
  }
  const { classWeights, teacher } = config;
  if (teacher && (teacher.models.length > 0) === Boolean(teacher.answers)) {
    throw new TrainingError(
      `teacher must have either models, such as ${
        JSON.stringify(examples.teacher)
      }, or answers, the path of a file`,
    );
  }
  const usable = classWeights === null || classWeights === "balanced" ||
    Array.isArray(classWeights) &&
      classWeights.every((weight) => inside(0, 1e6)(weight) === null);
  if (!usable) {
    throw new TrainingError(
      `classWeights must be null, "balanced" or one number of at least 0 per class`,
    );
  }
  return config;
}
