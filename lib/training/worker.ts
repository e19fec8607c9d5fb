// One worker of a training run: it computes its part of every batch on its own network.
//
// All workers have the same weights and take the same steps; they share gradients through
// shared_memory.ts. The main thread (train.ts) requests epochs and saves the results. This module works
// in any thread; worker_thread.ts is a worker's entry point.
import type * as tf from "@tensorflow/tfjs";
import { augmentFace } from "./augment.ts";
import { FACE_PIXELS } from "../emotions.ts";
import { likeliest } from "../evaluation/metrics.ts";
import { createEngine } from "../engine/create_engine.ts";
import { type Engine, normsOf } from "../engine/engine.ts";
import type { Loss } from "../engine/tfjs_graph.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { Optimizer } from "../network/optimizer.ts";
import { predictFaces } from "../network/predict.ts";
import { rescale, type Scale } from "../network/input.ts";
import { createRandom } from "../random.ts";
import { type PlateauState, scaleAt } from "./schedule.ts";
import { orderOfEpoch } from "./order.ts";
import { addTimes, askTeachers } from "./teachers/ask_teachers.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { UserError } from "../user_error.ts";
import type { TrainingConfig } from "./config.ts";
import { gammaOf } from "./loss.ts";
import type { Frozen } from "./freeze.ts";
import {
  meet,
  partOf,
  PROGRESS,
  SLOT,
  type Slot,
  stopAll,
  Stopped,
  type TrainingMemory,
  viewSlots,
} from "./shared_memory.ts";

/** What cannot be sent to another thread. */
export interface OwnParts {
  model?: tf.LayersModel;
  loss?: Loss;
  /** Awaited between steps, so that the thread can handle other events. */
  pause?: () => Promise<void>;
}

/** A request of the main thread. */
export type Request =
  | {
    kind: "start";
    worker: number;
    graph: NetworkGraph;
    config: TrainingConfig;
    /** One weight per emotion, or `null`. */
    classWeights: number[] | null;
    teachers: TrainedNetwork[];
    /** Parameters and statistics that stay as they are. */
    frozen: Pick<Frozen, "parameterRanges" | "statisticRanges">;
    /** The network's input for black and white. */
    scale: Scale;
    memory: TrainingMemory;
  }
  /** Whether the network can be built in this thread. */
  | { kind: "probe"; graph: NetworkGraph }
  | { kind: "epoch"; epoch: number; step: number; plateau: PlateauState };

/** A worker's answer. */
export type Reply =
  | { kind: "done" }
  | { kind: "stopped" }
  | { kind: "failed"; reason: string; expected: boolean };

const DROPOUT_STREAM = 3;

/** A step that failed in a way that the user can fix. */
class BadStep extends UserError {}

/** What a worker keeps from one epoch to the next. */
class Shard {
  readonly #slots;
  readonly #classes: number;
  /** The most likely answer in each training face's target. */
  readonly #wanted: ArrayLike<number>;
  readonly #live: Float32Array;
  readonly #liveStatistics: Float32Array;
  readonly #before: Float32Array;
  #barriers = 0;

  constructor(
    readonly request: Request & { kind: "start" },
    readonly network: Engine,
    readonly optimizer: Optimizer,
  ) {
    this.#slots = viewSlots(request.memory);
    this.#classes = request.memory.validated.length /
      request.memory.validation.length;
    this.#wanted = likeliest(request.memory.training.targets, this.#classes);
    this.#live = new Float32Array(request.memory.parameters);
    this.#liveStatistics = new Float32Array(request.memory.statistics);
    this.#before = new Float32Array(request.memory.statistics);
  }

  /** Takes the network, the optimizer and the averages from the shared state. */
  load(step: number): void {
    const { state } = this.request.memory;
    this.network.parameters.set(state.parameters);
    this.network.statistics.set(state.statistics);
    this.optimizer.stepCount = step;
    for (const [name, array] of Object.entries(this.optimizer.state)) {
      array.set(state[name]);
    }
  }

  /** Writes all of it back. One worker does this, because all have the same. */
  save(): void {
    const { state } = this.request.memory;
    state.parameters.set(this.network.parameters);
    state.statistics.set(this.network.statistics);
    for (const [name, array] of Object.entries(this.optimizer.state)) {
      state[name].set(array);
    }
  }

  async trainEpoch(
    epoch: number,
    firstStep: number,
    plateau: PlateauState,
    pause: OwnParts["pause"],
  ): Promise<void> {
    const { config, memory, worker } = this.request;
    const count = memory.training.length;
    const steps = Math.ceil(count / config.batchSize);
    const order = orderOfEpoch(count, config.seed, epoch);
    if (worker === 0) memory.progress.fill(0);
    for (let step = 0; step < steps; step++) {
      const from = step * config.batchSize;
      const batch = order.subarray(from, from + config.batchSize);
      const rate = config.learningRate *
        scaleAt(
          config.schedule,
          firstStep + step,
          steps * config.epochs,
          plateau,
        );
      this.#step(batch, epoch, firstStep + step, rate);
      if (worker === 0) {
        memory.progress[PROGRESS.rate] = rate;
        memory.progress[PROGRESS.step] = step + 1;
      }
      if (pause) await pause();
    }
  }

  #step(batch: Uint32Array, epoch: number, step: number, rate: number): void {
    const { config, memory, worker } = this.request;
    const { network } = this;
    const [from, to] = partOf(batch.length, worker, memory.workers);
    const mine = batch.subarray(from, to);
    const slots = this.#slots[step % 2];
    this.#before.set(network.statistics);
    const slot = slots[worker];
    slot.numbers.fill(0);
    if (mine.length > 0) {
      const weights = this.#fill(mine, epoch);
      const dropout = createRandom(config.seed, DROPOUT_STREAM, step, worker);
      slot.numbers[SLOT.loss] = network.gradient(
        mine.length,
        weights,
        dropout.integer(2 ** 31),
      );
      slot.numbers[SLOT.right] = this.#countRight(mine);
      slot.numbers[SLOT.faces] = mine.length;
      slot.gradients.set(network.gradients);
      slot.statistics.set(network.statistics);
    }
    meet(memory.control, worker, ++this.#barriers);
    const loss = this.#combine(slots, batch.length);
    this.#hasten(step);
    if (!Number.isFinite(loss)) {
      throw new BadStep(
        `the loss became ${loss} in epoch ${epoch + 1}, step ${
          step + 1
        }; try a smaller learning rate (${config.learningRate} is the highest of this run)`,
      );
    }
    if (config.averageDecay !== null) {
      this.optimizer.options.averageDecay = earlyDecay(
        config.averageDecay,
        step,
      );
    }
    this.optimizer.step(rate);
    // An average of equal numbers is rounded; frozen ones stay exact.
    const { averageParameters, averageStatistics } = this.optimizer.state;
    const { frozen } = this.request;
    for (const [from, to] of averageParameters ? frozen.parameterRanges : []) {
      averageParameters.set(this.network.parameters.subarray(from, to), from);
    }
    for (const [from, to] of averageStatistics ? frozen.statisticRanges : []) {
      averageStatistics.set(this.network.statistics.subarray(from, to), from);
    }
  }

  /** Fills in the network's input and targets; returns the faces' weights in the loss. */
  #fill(faces: Uint32Array, epoch: number): Float32Array | undefined {
    const { config, memory, classWeights } = this.request;
    const { training, taught } = memory;
    const { input, targets } = this.network;
    const classes = this.#classes;
    const smoothed = config.labelSmoothing / classes;
    const sure = 1 - config.labelSmoothing;
    const { augmentation, seed } = config;
    const taughtPart = config.teacher?.weight ?? 0;
    faces.forEach((face, index) => {
      augmentFace({
        pixels: training.pixels,
        face,
        augmentation,
        seed,
        epoch,
        output: input,
        at: index * FACE_PIXELS,
      });
      const at = index * classes;
      targets.fill(smoothed, at, at + classes);
      for (let k = 0; k < classes; k++) {
        targets[at + k] += sure * training.targets[face * classes + k];
      }
      if (taughtPart === 0) return;
      for (let k = 0; k < classes; k++) {
        targets[at + k] += taughtPart *
          (taught[face * classes + k] - targets[at + k]);
      }
    });
    rescale(input.subarray(0, faces.length * FACE_PIXELS), this.request.scale);
    return classWeights
      ? Float32Array.from(faces, (face) => classWeights[training.labels[face]])
      : undefined;
  }

  #countRight(faces: Uint32Array): number {
    const classes = this.#classes;
    const answers = likeliest(
      this.network.outputs.subarray(0, faces.length * classes),
      classes,
    );
    return answers.reduce(
      (right, answer, index) =>
        right + Number(answer === this.#wanted[faces[index]]),
      0,
    );
  }

  /** Adds up the batch's gradient and statistics, in the same order in every worker; returns its loss. */
  #combine(slots: Slot[], faces: number): number {
    const { gradients, statistics } = this.network;
    const { progress } = this.request.memory;
    gradients.fill(0);
    statistics.fill(0);
    let loss = 0, right = 0;
    for (const { numbers, ...slot } of slots) {
      if (numbers[SLOT.faces] === 0) continue;
      const part = numbers[SLOT.faces] / faces;
      addTimes(gradients, slot.gradients, part);
      addTimes(statistics, slot.statistics, part);
      loss += numbers[SLOT.loss];
      right += numbers[SLOT.right];
    }
    const { parameterRanges, statisticRanges } = this.request.frozen;
    for (const range of parameterRanges) gradients.fill(0, ...range);
    for (const [from, to] of statisticRanges) {
      statistics.set(this.#before.subarray(from, to), from);
    }
    if (this.request.worker === 0) {
      progress[PROGRESS.loss] += loss;
      progress[PROGRESS.right] += right;
      progress[PROGRESS.faces] += faces;
    }
    return loss;
  }

  /**
   * Moves the statistics of batch normalization faster than their momentum in the first steps: a run of
   * a few dozen steps would otherwise be validated with its initial ones.
   */
  #hasten(step: number): void {
    const { graph } = this.request;
    const { statistics } = this.network;
    for (const { momentum, mean, variance } of normsOf(graph)) {
      const early = earlyDecay(momentum, step);
      if (early === momentum || momentum === 1) continue;
      for (const index of [mean, variance]) {
        const { offset, shape } = graph.weights[index];
        for (let i = offset; i < offset + shape[0]; i++) {
          const change = (statistics[i] - this.#before[i]) / (1 - momentum);
          statistics[i] = this.#before[i] + (1 - early) * change;
        }
      }
    }
  }

  /** Computes the answers of the network, or its average, for this worker's validation faces. */
  validate(): void {
    const { config, memory, worker } = this.request;
    const { validation, validated, workers } = memory;
    const { network, optimizer } = this;
    const averaged = config.averageDecay !== null;
    if (averaged) {
      this.#live.set(network.parameters);
      this.#liveStatistics.set(network.statistics);
      network.parameters.set(optimizer.state.averageParameters);
      network.statistics.set(optimizer.state.averageStatistics);
    }
    const [from, to] = partOf(validation.length, worker, workers);
    const { scale } = this.request;
    const { pixels } = validation;
    predictFaces(network, { pixels, from, to, output: validated, scale });
    if (averaged) {
      network.parameters.set(this.#live);
      network.statistics.set(this.#liveStatistics);
    }
  }
}

/** How much of an average a step keeps: less at first, so that it moves away from its start. */
function earlyDecay(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

function createOptimizer(network: Engine, config: TrainingConfig): Optimizer {
  const { optimizer, weightDecay, averageDecay } = config;
  return new Optimizer(network, { ...optimizer, weightDecay, averageDecay });
}

/** A worker, which answers requests one after the other, and never throws. */
export class Member {
  #shard: Shard | undefined;
  #control: Int32Array | undefined;

  constructor(readonly own: OwnParts = {}) {}

  async answer(request: Request): Promise<Reply> {
    if (request.kind === "start") this.#control = request.memory.control;
    try {
      await this.#do(request);
      return { kind: "done" };
    } catch (error) {
      if (error instanceof Stopped) return { kind: "stopped" };
      if (this.#control) stopAll(this.#control);
      const { message, stack } = error as Error;
      const expected = error instanceof UserError;
      return { kind: "failed", reason: expected ? message : stack!, expected };
    }
  }

  async #do(request: Request): Promise<void> {
    const { model, loss, pause } = this.own;
    if (request.kind === "probe") {
      await createEngine(request.graph, { batch: 1, training: false });
      return;
    }
    if (request.kind === "start") {
      const { config, memory, graph } = request;
      await askTeachers(request);
      const options = {
        batch: Math.ceil(config.batchSize / memory.workers),
        training: true,
        gamma: gammaOf(config.loss),
      };
      const network = await createEngine(graph, options, { model, loss });
      const optimizer = createOptimizer(network, config);
      this.#shard = new Shard(request, network, optimizer);
      return;
    }
    const shard = this.#shard!;
    const { epoch, step, plateau } = request;
    shard.load(step);
    await shard.trainEpoch(epoch, step, plateau, pause);
    shard.validate();
    if (shard.request.worker === 0) shard.save();
  }
}
