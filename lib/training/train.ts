// The trainer: trains a network on the Training split, validates it on PublicTest after each epoch, and
// saves everything that a run needs to continue after any interruption.
//
// Workers (worker.ts) do the work; the main thread starts and watches them, keeps the log and writes
// files (run/run_folder.ts). config.ts has the choices, tasks/train.ts the command. Left out: a search
// for good choices.
import type * as tf from "@tensorflow/tfjs";
import * as path from "node:path";
import { saveModel } from "../model/saved_model.ts";
import type { Faces } from "../data/faces.ts";
import {
  accuracyOf,
  countConfusion,
  likeliest,
  macroF1Of,
  softCrossEntropy,
} from "../evaluation/metrics.ts";
import { describeModel } from "../engine/describe_model.ts";
import type { Loss } from "../engine/tfjs_graph.ts";
import { writeWeights } from "../engine/weights.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { penaltyOf } from "../network/weights.ts";
import {
  beginRun,
  type EpochRecord,
  modelFolderName,
  type RunState,
  saveRun,
} from "./run/run_folder.ts";
import { checkFaces } from "./run/check_faces.ts";
import { claimRun } from "./run/claim.ts";
import { FileError } from "../write_whole.ts";
import { stepPlateau } from "./schedule.ts";
import {
  type PartialConfig,
  type TrainingConfig,
  TrainingError,
} from "./config.ts";
import {
  createTrainingMemory,
  PROGRESS,
  shareFaces,
  type TrainingMemory,
} from "./shared_memory.ts";
import {
  agreeOnClasses,
  checkEnd,
  checkShapes,
  resolveClassWeights,
} from "./classes.ts";
import { freezeLayers, type Frozen } from "./freeze.ts";
import { firstState, resumedState } from "./run/resume.ts";
import { chooseThread, TrainingTeam } from "./team.ts";
import type { OwnParts } from "./worker.ts";
import { loadTeachers } from "./teachers/load_teachers.ts";

/** The progress of an epoch. */
export interface BatchProgress {
  /** Counted from 1. */
  epoch: number;
  epochs: number;
  /** Steps done in this epoch, of `steps`. */
  step: number;
  steps: number;
  /** Means over the epoch so far. */
  loss: number;
  accuracy: number;
  learningRate: number;
}

/** What to train, on which faces, and where to save it. */
export interface TrainOptions {
  /** With faces in Training and in PublicTest. */
  faces: Faces;
  /** Any network from 48x48x1 to one probability per class of the faces; a run starts with its weights. */
  model: tf.LayersModel;
  /** What differs from `defaultTraining`. */
  config?: PartialConfig;
  /** The run's folder. Without it nothing is saved. */
  out?: string;
  /** The prefix of the saved models' names; by default the model's name. */
  name?: string;
  /** Continues the run in `out`, if there is one; by default that is an error. */
  resume?: boolean;
  /** Stops the run in the middle of an epoch, which `resume` then repeats. */
  signal?: AbortSignal;
  /**
   * A custom loss in place of the configuration's, made of TensorFlow.js operations: one number per face,
   * or their mean. It runs in this thread, without workers. `valLoss` remains the cross-entropy.
   */
  loss?: Loss;
  /** Called once with a line that says which engine is used and why; by default it is printed if that is slow. */
  onEngine?: (line: string) => void;
  /** Called a few times per second. */
  onBatch?: (progress: BatchProgress) => void;
  /** Called after each epoch, when everything is saved. The next epoch waits for it. */
  onEpoch?: (record: EpochRecord, history: EpochRecord[]) => unknown;
}

/** The result of {@linkcode train}. */
export interface TrainResult {
  /** The given model, now with the last epoch's weights, or their average if the run has one. */
  model: tf.LayersModel;
  history: EpochRecord[];
  /** The epoch with the best validation, as the run monitors it; `undefined` before the first. */
  best: EpochRecord | undefined;
  config: TrainingConfig;
  /** Why it ended: all epochs are done, no improvement for `patience` epochs, or the signal. */
  ended: "epochs" | "patience" | "signal";
}

/** A run in progress. */
class Run {
  readonly #team: TrainingTeam;

  constructor(
    readonly options: TrainOptions,
    readonly graph: NetworkGraph,
    readonly state: RunState,
    readonly memory: TrainingMemory,
    own: OwnParts | undefined,
    /** The network in the form in which it is trained. */
    readonly frozen: Frozen,
  ) {
    this.#team = new TrainingTeam(memory, own);
    for (const [name, array] of Object.entries(state.arrays)) {
      memory.state[name].set(array);
    }
  }

  async start(): Promise<void> {
    const { memory, frozen: { graph, parameterRanges, statisticRanges } } =
      this;
    const { notes } = this.state;
    const { config } = notes;
    const { emotions } = this.options.faces;
    const teachers = await loadTeachers(notes, memory, emotions);
    const classWeights = resolveClassWeights(
      config,
      memory.training.labels,
      emotions.length,
    );
    await this.#team.ask((worker) => ({
      kind: "start",
      worker,
      graph,
      config,
      classWeights,
      teachers,
      frozen: { parameterRanges, statisticRanges },
      scale: meaningOf(this.options.model).scale,
      memory,
    }));
  }

  /** All remaining epochs; returns why it ended. */
  async go(): Promise<TrainResult["ended"]> {
    const { notes } = this.state;
    const { signal } = this.options;
    const stop = () => this.#team.stop();
    signal?.addEventListener("abort", stop);
    try {
      while (notes.epoch < notes.config.epochs) {
        if (patienceIsOver(notes)) return "patience";
        if (signal?.aborted || !await this.#epoch()) return "signal";
      }
      return "epochs";
    } catch (error) {
      const { out } = this.options;
      if (!(error instanceof TrainingError) || !out || notes.epoch === 0) {
        throw error;
      }
      throw new TrainingError(
        `${error.message}. ${out} keeps the run as it was after epoch ${notes.epoch}; train with other choices in another folder`,
      );
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** One epoch, its validation and saving; `false` if it was stopped. */
  async #epoch(): Promise<boolean> {
    const { options, memory, state } = this;
    const { notes } = state;
    const started = performance.now();
    const outcome = await this.#team.ask(
      () => ({
        kind: "epoch",
        epoch: notes.epoch,
        step: notes.step,
        plateau: notes.plateau,
      }),
      () => options.onBatch?.(this.#readProgress()),
    );
    if (outcome === "stopped") return false;
    const progress = this.#readProgress();
    options.onBatch?.(progress);
    const record: EpochRecord = {
      epoch: progress.epoch,
      learningRate: progress.learningRate,
      loss: progress.loss,
      accuracy: progress.accuracy,
      ...this.#validation(),
      penalty: penaltyOf(
        this.graph,
        memory.state.averageParameters ?? memory.state.parameters,
      ),
      seconds: (performance.now() - started) / 1000,
      saved: null,
    };
    if (!Number.isFinite(record.valLoss + record.penalty)) {
      throw new TrainingError(
        `the validation loss became ${record.valLoss} in epoch ${record.epoch}; try a smaller learning rate`,
      );
    }
    for (const [name, array] of Object.entries(memory.state)) {
      state.arrays[name].set(array);
    }
    notes.epoch++;
    notes.step += progress.steps;
    await this.#judge(record);
    notes.history.push(record);
    if (options.out) saveRun(options.out, state);
    await options.onEpoch?.(record, notes.history);
    return true;
  }

  /** Advances the schedule, and saves the model if it is the best so far or the last one. */
  async #judge(record: EpochRecord): Promise<void> {
    const { out, model } = this.options;
    const { notes } = this.state;
    const { schedule, epochs } = notes.config;
    const score = scoreOf(record, notes.config);
    const better = notes.best === null || score < notes.best;
    notes.waited = better ? 0 : notes.waited + 1;
    if (better) notes.best = score;
    if (schedule.kind === "plateau") {
      const loss = record.valLoss + record.penalty;
      notes.plateau = stepPlateau(schedule, notes.plateau, loss);
    }
    const last = notes.epoch === epochs || patienceIsOver(notes);
    if (!out || !better && !last) return;
    record.saved = modelFolderName(
      notes.name,
      record.epoch,
      record.valAccuracy,
    );
    this.writeWeights();
    await saveModel(model, path.join(out, record.saved));
  }

  /** Copies what is validated and saved, the weights or their average, into the model. */
  writeWeights(): void {
    const { arrays } = this.state;
    writeWeights(this.graph, {
      parameters: arrays.averageParameters ?? arrays.parameters,
      statistics: arrays.averageStatistics ?? arrays.statistics,
    }, this.options.model);
  }

  #readProgress(): BatchProgress {
    const { progress, training } = this.memory;
    const { epoch, config } = this.state.notes;
    const faces = progress[PROGRESS.faces] || 1;
    return {
      epoch: epoch + 1,
      epochs: config.epochs,
      step: progress[PROGRESS.step],
      steps: Math.ceil(training.length / config.batchSize),
      loss: progress[PROGRESS.loss] / faces,
      accuracy: progress[PROGRESS.right] / faces,
      learningRate: progress[PROGRESS.rate],
    };
  }

  #validation() {
    const { validated, validation: { targets } } = this.memory;
    const classes = this.options.faces.emotions.length;
    const confusion = countConfusion(
      likeliest(targets, classes),
      likeliest(validated, classes),
      classes,
    );
    return {
      valLoss: softCrossEntropy(validated, targets, classes),
      valAccuracy: accuracyOf(confusion),
      valMacroF1: macroF1Of(confusion),
    };
  }

  end(): void {
    this.#team.end();
  }
}

/** What the run monitors, as a score that is better when lower. */
function scoreOf(record: EpochRecord, { monitor }: TrainingConfig): number {
  return monitor === "loss"
    ? record.valLoss + record.penalty
    : -record.valAccuracy;
}

function bestOf(history: EpochRecord[], config: TrainingConfig) {
  const scores = history.map((record) => scoreOf(record, config));
  return history[scores.indexOf(Math.min(...scores))];
}

function patienceIsOver({ waited, config }: RunState["notes"]): boolean {
  return config.patience !== null && waited >= config.patience;
}

/**
 * Trains a model. After each epoch everything is saved in `out`: at most the epoch in progress can be
 * lost, and a resumed run ends with the same weights, bit for bit.
 *
 * @throws {TrainingError} for a configuration that cannot be trained with, a folder that has another run
 * or other files or is in use, or a loss that is not a number
 * @throws {CheckpointError} when `out` cannot be written; what was saved before remains
 * @throws {DatasetError} when a split has no faces, or a label is not a class of the network
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { train } from "mien/training/train.ts";
 *
 * const { history } = await train({
 *   faces: drawFaces({ count: 700, seed: 1 }),
 *   model: buildMiniXception(),
 *   config: { epochs: 2 },
 * });
 * console.log(history[1].valAccuracy);
 * ```
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { faces, model, out } = options;
  const graph = describeModel(model, options.loss);
  checkFaces(faces);
  checkShapes(graph, "the network", faces.emotions);
  if (!options.loss) checkEnd(model);
  agreeOnClasses(model, faces.emotions);
  if (out === undefined) return await trainNetwork(options, graph, false);
  const claim = claimRun(out, options.resume);
  try {
    return await trainNetwork(options, graph, claim.going);
  } catch (error) {
    // If writing failed, what was written stays: the disk may have room later.
    if (!(error instanceof FileError)) claim.giveUp();
    throw error;
  } finally {
    claim.release();
  }
}

async function trainNetwork(
  options: TrainOptions,
  graph: NetworkGraph,
  going: boolean,
): Promise<TrainResult> {
  const { faces, model, out } = options;
  const state = going
    ? resumedState(options, graph)
    : firstState(options, graph);
  const { config } = state.notes;
  const own = await chooseThread(graph, options);
  const frozen = freezeLayers(graph, model, config.freeze);
  const memory = createTrainingMemory({
    workers: own ? 1 : config.workers,
    parameters: state.arrays.parameters.length,
    statistics: state.arrays.statistics.length,
    classes: faces.emotions.length,
    taught: config.teacher !== null,
    training: shareFaces(faces, "Training", config.votes),
    validation: shareFaces(faces, "PublicTest", config.votes),
    state: Object.fromEntries(
      Object.entries(state.arrays).map(([name, { length }]) => [name, length]),
    ),
  });
  if (out !== undefined && !going) await beginRun(out, model, state);
  const run = new Run(options, graph, state, memory, own, frozen);
  try {
    await run.start();
    const ended = await run.go();
    run.writeWeights();
    const { history } = state.notes;
    return { model, history, best: bestOf(history, config), config, ended };
  } finally {
    run.end();
  }
}
