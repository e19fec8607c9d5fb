// What networks say of a worker's faces: the teachers of its training faces, the run's own network
// of its validation faces.
import { createEngine } from "../engine/create_engine.ts";
import type { Engine } from "../engine/engine.ts";
import { FACE_PIXELS } from "../emotions.ts";
import { applyTemperature } from "../evaluation/metrics.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { fillInput, type Scale } from "../network/input.ts";
import type { TrainingConfig } from "./config.ts";
import { partOf, type TrainingMemory } from "./shared_memory.ts";

/** A network and its weights, as a worker gets a teacher. */
export interface Teacher {
  graph: NetworkGraph;
  parameters: Float32Array;
  statistics: Float32Array;
  scale: Scale;
}

/** Adds a part of `values` to `sum`. */
export function addTimes(
  sum: Float32Array,
  values: Float32Array,
  part: number,
): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i] * part;
}

/** Probabilities of faces `from` to `to` as they are, into their rows of `output`. */
export function predictFaces(
  network: Engine,
  pixels: Uint8Array,
  from: number,
  to: number,
  output: Float32Array,
  scale: Scale,
  mirrored = false,
): void {
  const most = network.input.length / FACE_PIXELS;
  const classes = network.outputs.length / most;
  for (let first = from; first < to; first += most) {
    const count = Math.min(most, to - first);
    fillInput(network.input, pixels, first, count, mirrored, scale);
    network.predict(count);
    output.set(network.outputs.subarray(0, count * classes), first * classes);
  }
}

/**
 * What the teachers say of this worker's training faces: the mean over all of them, and over each
 * face and its mirror image.
 */
export async function askTeachers(
  { teachers, config, memory, worker }: {
    teachers: Teacher[];
    config: TrainingConfig;
    memory: TrainingMemory;
    worker: number;
  },
): Promise<void> {
  if (!config.teacher) return;
  const { training, taught, workers } = memory;
  const classes = taught.length / training.length;
  const [from, to] = partOf(training.length, worker, workers);
  const own = taught.subarray(from * classes, to * classes);
  const mean = new Float32Array(own.length);
  for (const { graph, parameters, statistics, scale } of teachers) {
    const network = await createEngine(graph, { batch: 32, training: false });
    network.parameters.set(parameters);
    network.statistics.set(statistics);
    for (const mirrored of [false, true]) {
      predictFaces(
        ...[
          network,
          training.pixels,
          from,
          to,
          taught,
          scale,
          mirrored,
        ] as const,
      );
      addTimes(mean, own, 1 / (2 * teachers.length));
    }
  }
  own.set(applyTemperature(mean, classes, config.teacher.temperature));
}
