// Loads the teachers of a run, or their answers. ask_teachers.ts, which runs in workers, computes the
// answers of loaded teachers.
import { resolve } from "node:path";
import { describeModel } from "../../engine/describe_model.ts";
import { readWeights } from "../../engine/weights.ts";
import { meaningOf } from "../../model/emotions_of_model.ts";
import { loadModel } from "../../model/saved_model.ts";
import { checkShapes } from "../classes.ts";
import type { TrainedNetwork } from "../../network/trained.ts";
import { applyTemperature } from "../../evaluation/metrics.ts";
import { TrainingError } from "../config.ts";
import type { RunNotes } from "../run/run_folder.ts";
import { digestOf } from "../run/state_file.ts";
import type { TrainingMemory } from "../shared_memory.ts";
import { readTeacherAnswers } from "./teacher_answers.ts";

/**
 * The networks that workers ask; none if a file has the answers, which are written to `memory.taught`.
 *
 * @param notes the run's; the answers' digest is added if it is missing
 * @throws {TrainingError} when a teacher or the file is for other classes or faces, or the file has
 * other answers than when the run began
 */
export async function loadTeachers(
  notes: RunNotes,
  { training, taught }: Pick<TrainingMemory, "training" | "taught">,
  emotions: readonly string[],
): Promise<TrainedNetwork[]> {
  const { teacher } = notes.config;
  if (!teacher) return [];
  const { models, answers, temperature } = teacher;
  if (answers) {
    const given = await readTeacherAnswers(answers, training, emotions);
    const digest = digestOf(given);
    notes.answers ??= digest; // Older runs lack it.
    if (notes.answers !== digest) {
      throw new TrainingError(
        `teacher.answers: ${answers} has other answers than when the run began; restore that file to resume, or train in another folder`,
      );
    }
    taught.set(applyTemperature(given, emotions.length, temperature));
  }
  return await Promise.all(
    models.map((folder) => loadTeacher(folder, emotions)),
  );
}

async function loadTeacher(
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
