// The state that a training run begins with, or goes on from: is it the run that was asked for?
//
// Reading and writing it is in run_folder.ts.
import type * as tf from "@tensorflow/tfjs";
import { createHash } from "node:crypto";
import { EMOTIONS, FACE_PIXELS } from "../emotions.ts";
import type { Faces } from "../data/faces.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { readWeights } from "../network/weights.ts";
import { readRun, type RunState } from "./run_folder.ts";
import { startPlateau } from "./schedule.ts";
import {
  completeConfig,
  differingFields,
  type PartialConfig,
  type TrainingConfig,
  TrainingError,
} from "./config.ts";

/** The run that is asked for. */
export interface RunRequest {
  faces: Faces;
  model: tf.LayersModel;
  config?: PartialConfig;
  out?: string;
  name?: string;
}

/** @throws {TrainingError} when a network does not take faces or does not give seven probabilities */
export function checkShapes(graph: NetworkGraph, which: string): void {
  const [inputs, outputs] = [graph.inputSize, graph.outputSize];
  if (inputs === FACE_PIXELS && outputs === EMOTIONS.length) return;
  throw new TrainingError(
    `${which} takes ${inputs} numbers and gives ${outputs}; it must take faces of 48x48x1 and give ${EMOTIONS.length} probabilities`,
  );
}

/** A digest of layers and shapes, without names: these count up within one process. */
function fingerprint(graph: NetworkGraph): string {
  const text = JSON.stringify(
    [graph.nodes, graph.weights],
    (key, value) => key === "name" || key === "inputs" ? undefined : value,
  );
  return createHash("sha256").update(text).digest("hex");
}

/** A digest of the votes, where they are a target. */
function votesDigest({ votes }: Faces, config: TrainingConfig) {
  if (!votes || config.votes === 0) return undefined;
  return createHash("sha256").update(votes).digest("hex");
}

/** The state a run begins with. */
export function firstState(
  options: RunRequest,
  graph: NetworkGraph,
): RunState {
  const { faces, model } = options;
  const config = completeConfig(options.config);
  const { parameters, statistics } = readWeights(graph, model);
  const { name, path, hash } = faces.source;
  return {
    notes: {
      config,
      name: options.name ?? model.name,
      network: fingerprint(graph),
      data: { name, path, hash, votes: votesDigest(faces, config) },
      epoch: 0,
      step: 0,
      plateau: startPlateau(),
      best: null,
      waited: 0,
      history: [],
    },
    arrays: {
      parameters,
      statistics,
      ...(config.averageDecay === null ? {} : {
        averageParameters: parameters.slice(),
        averageStatistics: statistics.slice(),
      }),
      ...firstMoments(config, parameters.length),
    },
  };
}

/** The state of the run in `out`, if it is the one that is asked for. */
export function resumedState(
  options: RunRequest,
  graph: NetworkGraph,
): RunState {
  const state = readRun(options.out!);
  const { notes } = state;
  notes.config = completeConfig(notes.config); // An older run lacks newer fields.
  const asked = completeConfig(options.config, notes.config);
  const refuse = (what: string) =>
    new TrainingError(
      `${options.out} cannot be resumed: ${what}. Train in another folder instead`,
    );
  const differing = differingFields(asked, notes.config).filter((name) =>
    !(name === "epochs" && notes.config.schedule.kind === "plateau")
  );
  if (differing.length > 0) {
    throw refuse(`its configuration differs in ${differing.join(", ")}`);
  }
  if (notes.network !== fingerprint(graph)) {
    throw refuse("it trains a different network");
  }
  if (notes.data.hash !== options.faces.source.hash) {
    throw refuse(
      `it trains on other faces (${notes.data.path ?? notes.data.name})`,
    );
  }
  if (notes.data.votes !== votesDigest(options.faces, asked)) {
    throw refuse("it trains on other votes");
  }
  notes.config = asked;
  return state;
}

/** What the optimizer remembers of past gradients: nothing yet. */
function firstMoments(
  { optimizer }: TrainingConfig,
  parameters: number,
): Record<string, Float32Array> {
  const zeros = () => new Float32Array(parameters);
  return optimizer.kind === "adam"
    ? { first: zeros(), second: zeros() }
    : { velocity: zeros() };
}
