// A teacher from its folder. What it says of the faces is teachers.ts, which runs in workers.
import { describeModel } from "../engine/describe_model.ts";
import { readWeights } from "../engine/weights.ts";
import { meaningOf } from "../model/emotions_of_model.ts";
import { loadModel } from "../model/saved_model.ts";
import { checkShapes } from "./classes.ts";
import type { Teacher } from "./teachers.ts";

/** @throws {TrainingError} when it is not for the same classes */
export async function loadTeacher(
  folder: string,
  emotions: readonly string[],
): Promise<Teacher> {
  const model = await loadModel(folder);
  const graph = describeModel(model);
  checkShapes(graph, `the teacher ${folder}`, emotions);
  const weights = readWeights(graph, model);
  const { scale } = meaningOf(model);
  model.dispose();
  return { graph, ...weights, scale };
}
