// The memory that the workers of a training run share: faces, gradients, results, and a barrier.
//
// Each worker has a slot for its part of a step. All write, meet at the barrier, and read every slot in
// the same order, so all take exactly the same step and none has to send its weights to the others.
// There are two sets of slots, used in turn: with one barrier per step, a worker that is ahead cannot
// overwrite what another is still reading. worker.ts does the training.
import {
  type Faces,
  facesError,
  selectSplit,
  type Split,
  SPLITS,
} from "../data/faces.ts";
import { blendedTargets } from "../data/ferplus.ts";

/** Faces of one split in shared memory. */
export interface SharedFaces {
  length: number;
  /** n x 48 x 48 gray values. */
  pixels: Uint8Array<SharedArrayBuffer>;
  labels: Uint8Array<SharedArrayBuffer>;
  /** n x classes: the run's blend of labels and votes, before smoothing and teachers. */
  targets: Float32Array<SharedArrayBuffer>;
}

/**
 * Copies the faces of a split into shared memory.
 *
 * @param voteWeight the share of each target, 0 to 1, that comes from people's votes
 * @throws {DatasetError} for a split without faces, a wrong label, or missing votes
 */
export function shareFaces(
  faces: Faces,
  split: Split,
  voteWeight = 0,
): SharedFaces {
  const { emotions } = faces;
  const place = SPLITS.indexOf(split);
  const wrong = faces.labels.findIndex((label, row) =>
    label >= emotions.length && faces.splits[row] === place
  );
  if (wrong >= 0) {
    throw facesError(
      faces,
      `the label ${faces.labels[wrong]} is not between 0 and ${
        emotions.length - 1
      }`,
      wrong + 1,
    );
  }
  const chosen = selectSplit(faces, split);
  const pixels = sharedBytes(chosen.pixels.length);
  const labels = sharedBytes(chosen.length);
  const blended = blendedTargets(chosen, voteWeight);
  const targets = sharedFloats(blended.length);
  pixels.set(chosen.pixels);
  labels.set(chosen.labels);
  targets.set(blended);
  return { length: chosen.length, pixels, labels, targets };
}

const sharedBytes = (length: number) =>
  new Uint8Array(new SharedArrayBuffer(length));
const sharedFloats = (length: number) =>
  new Float32Array(new SharedArrayBuffer(length * 4));
const sharedDoubles = (length: number) =>
  new Float64Array(new SharedArrayBuffer(length * 8));

/** The numbers of a worker's part of a step, besides its gradient: indices in a slot. */
export const SLOT = { loss: 0, right: 1, faces: 2 } as const;
const SLOT_NUMBERS = 3;

/** What worker 0 reports of the epoch so far: indices in `progress`. */
export const PROGRESS = {
  step: 0,
  loss: 1,
  right: 2,
  faces: 3,
  rate: 4,
} as const;

/** Everything that workers and the main thread share. Posted to each worker once. */
export interface TrainingMemory {
  workers: number;
  /** The numbers of trained weights and of batch normalization's statistics. */
  parameters: number;
  statistics: number;
  training: SharedFaces;
  validation: SharedFaces;
  /** The teachers' answers for each training face, n x classes; empty without teachers. */
  taught: Float32Array<SharedArrayBuffer>;
  /** The network's answers for each validation face, n x classes. */
  validated: Float32Array<SharedArrayBuffer>;
  /** 2 x workers x (parameters + statistics): mean gradient, updated statistics. */
  slots: Float32Array<SharedArrayBuffer>;
  /** 2 x workers x the numbers of {@linkcode SLOT}. */
  slotNumbers: Float64Array<SharedArrayBuffer>;
  progress: Float64Array<SharedArrayBuffer>;
  /** Index 0: nonzero when all must stop. Then each worker's last barrier. */
  control: Int32Array<SharedArrayBuffer>;
  /** The network between two epochs, by name, as saved with the run. */
  state: Record<string, Float32Array<SharedArrayBuffer>>;
}

/** Allocates the memory of a run; `state` gives the length of each of its arrays. */
export function createTrainingMemory(options: {
  workers: number;
  parameters: number;
  statistics: number;
  classes: number;
  taught: boolean;
  training: SharedFaces;
  validation: SharedFaces;
  state: Record<string, number>;
}): TrainingMemory {
  const { workers, parameters, statistics, classes } = options;
  return {
    workers,
    parameters,
    statistics,
    training: options.training,
    validation: options.validation,
    taught: sharedFloats(
      options.taught ? options.training.length * classes : 0,
    ),
    validated: sharedFloats(options.validation.length * classes),
    slots: sharedFloats(2 * workers * (parameters + statistics)),
    slotNumbers: sharedDoubles(2 * workers * SLOT_NUMBERS),
    progress: sharedDoubles(5),
    control: new Int32Array(new SharedArrayBuffer(4 * (1 + workers))),
    state: Object.fromEntries(
      Object.entries(options.state).map((
        [name, length],
      ) => [name, sharedFloats(length)]),
    ),
  };
}

/** One worker's slot in a step, as views. */
export interface Slot {
  gradients: Float32Array;
  statistics: Float32Array;
  numbers: Float64Array;
}

/** All slots as views, `[step % 2][worker]`. */
export function viewSlots(memory: TrainingMemory): Slot[][] {
  const { workers, parameters, statistics, slots, slotNumbers } = memory;
  const size = parameters + statistics;
  return [0, 1].map((turn) =>
    Array.from({ length: workers }, (_, worker) => {
      const index = turn * workers + worker;
      const at = index * size, first = index * SLOT_NUMBERS;
      return {
        gradients: slots.subarray(at, at + parameters),
        statistics: slots.subarray(at + parameters, at + size),
        numbers: slotNumbers.subarray(first, first + SLOT_NUMBERS),
      };
    })
  );
}

/** Thrown in a worker when all have been told to stop. */
export class Stopped extends Error {}

/** Tells all workers to stop, including those that are waiting. */
export function stopAll(control: Int32Array): void {
  Atomics.store(control, 0, 1);
  for (let place = 1; place < control.length; place++) {
    Atomics.notify(control, place);
  }
}

/** How many times to check for a worker before sleeping. */
const LOOKS_BEFORE_SLEEP = 2000;
/** How often, in ms, a sleeping worker checks whether all must stop. */
const LONGEST_SLEEP = 100;

/**
 * Waits until all workers have reached their barrier number `count`; never in the main thread.
 *
 * @throws {Stopped} when all have been told to stop
 */
export function meet(control: Int32Array, worker: number, count: number): void {
  Atomics.store(control, 1 + worker, count);
  Atomics.notify(control, 1 + worker);
  for (let place = 1; place < control.length; place++) {
    let looks = 0;
    for (;;) {
      const there = Atomics.load(control, place);
      if (Atomics.load(control, 0)) throw new Stopped("told to stop");
      if (there >= count) break;
      if (++looks > LOOKS_BEFORE_SLEEP) {
        Atomics.wait(control, place, there, LONGEST_SLEEP);
      }
    }
  }
}

/** A worker's faces: an equal share of `count`, or one more. */
export function partOf(
  count: number,
  worker: number,
  workers: number,
): [from: number, to: number] {
  return [
    Math.floor(worker * count / workers),
    Math.floor((worker + 1) * count / workers),
  ];
}
