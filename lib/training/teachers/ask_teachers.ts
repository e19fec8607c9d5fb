// Computes the answers of a run's teachers for a worker's training faces.
import { createEngine } from "../../engine/create_engine.ts";
import { applyTemperature } from "../../evaluation/metrics.ts";
import { predictFaces, PREDICTION_BATCH } from "../../network/predict.ts";
import type { TrainedNetwork } from "../../network/trained.ts";
import type { TrainingConfig } from "../config.ts";
import { partOf, type TrainingMemory } from "../shared_memory.ts";

/** Adds `values`, multiplied by `part`, to `sum`. */
export function addTimes(
  sum: Float32Array,
  values: Float32Array,
  part: number,
): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i] * part;
}

/**
 * Writes the teachers' answers for this worker's training faces: the mean over all teachers and over
 * each face and its mirror image.
 */
export async function askTeachers(
  { teachers, config, memory, worker }: {
    teachers: TrainedNetwork[];
    config: TrainingConfig;
    memory: TrainingMemory;
    worker: number;
  },
): Promise<void> {
  if (!config.teacher || teachers.length === 0) return;
  const { training, taught, workers } = memory;
  const classes = taught.length / training.length;
  const [from, to] = partOf(training.length, worker, workers);
  const own = taught.subarray(from * classes, to * classes);
  const mean = new Float32Array(own.length);
  for (const { graph, parameters, statistics, scale } of teachers) {
    const network = await createEngine(graph, {
      batch: PREDICTION_BATCH,
      training: false,
    });
    network.parameters.set(parameters);
    network.statistics.set(statistics);
    for (const mirrored of [false, true]) {
      const { pixels } = training;
      predictFaces(network, {
        pixels,
        from,
        to,
        mirrored,
        scale,
        output: taught,
      });
      addTimes(mean, own, 1 / (2 * teachers.length));
    }
  }
  own.set(applyTemperature(mean, classes, config.teacher.temperature));
}
