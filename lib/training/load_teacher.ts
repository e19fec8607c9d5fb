// Loads a teacher from its folder. teachers.ts, which runs in workers, computes its answers.
import { resolve } from "node:path";
import { describeModel } from "../engine/describe_model.ts";
import { readWeights } from "../engine/weights.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import { loadModel } from "../model/saved_model.ts";
import { checkShapes } from "./classes.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { TrainingError } from "./config.ts";

/** @throws {TrainingError} when it is for other classes */
export async function loadTeacher(
  folder: string,
  emotions: readonly string[],
): Promise<TrainedNetwork> {
  const model = await loadModel(folder).catch((error: Error) => {
    throw new TrainingError(
      `teacher.models: ${error.message} ("${folder}" is relative to ${resolve()})`,
    );
  });
  const graph = describeModel(model);
  checkShapes(graph, `the teacher ${folder}`, emotions);
  const weights = readWeights(graph, model);
  const { scale } = meaningOf(model);
  model.dispose();
  return { graph, ...weights, scale };
}
