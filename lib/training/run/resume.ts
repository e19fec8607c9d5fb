// The state with which a training run starts, or from which it continues if it is the requested run.
// run_folder.ts reads and writes it.
import type * as tf from "@tensorflow/tfjs";
import * as path from "node:path";
import { CheckpointError } from "../../model/model_file.ts";
import { EMOTIONS } from "../../emotions.ts";
import { type Faces, hashFaces } from "../../data/faces.ts";
import type { NetworkGraph } from "../../network/graph.ts";
import { isForTfjs } from "../../engine/engine.ts";
import type { Loss } from "../../engine/tfjs_graph.ts";
import { freezeLayers } from "../freeze.ts";
import { readRun, type RunState } from "./run_folder.ts";
import { digestOf } from "./state_file.ts";
import { startPlateau } from "../schedule.ts";
import {
  completeConfig,
  differingFields,
  type PartialConfig,
  type TrainingConfig,
  TrainingError,
} from "../config.ts";

/** The requested run. */
export interface RunRequest {
  faces: Faces;
  model: tf.LayersModel;
  config?: PartialConfig;
  out?: string;
  name?: string;
  loss?: Loss;
}

/** Fields with layers' names, which contain numbers that count up within a process. */
const LEFT_OUT = [
  "name",
  "inputs",
  "inbound_nodes",
  "input_layers",
  "output_layers",
];

/** A digest of a network's layers and shapes, without names. */
function fingerprint(graph: NetworkGraph): string {
  return digestOf(JSON.stringify(
    [
      graph.nodes,
      graph.weights,
      ...(isForTfjs(graph) ? [graph.topology] : []),
    ],
    (key, value) => LEFT_OUT.includes(key) ? undefined : value,
  ));
}

/** A digest of the votes, if they are part of the targets. */
function votesDigest({ votes }: Faces, config: TrainingConfig) {
  return votes && config.votes > 0 ? digestOf(votes) : undefined;
}

/** @throws {TrainingError} for a name that leaves the run's folder or makes hidden files */
function checkName(name: string): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(name)) return name;
  throw new TrainingError(
    `the name "${name}" cannot be the prefix of folder names: use letters, digits, ".", "_" and "-", such as first_try`,
  );
}

/** A digest of a custom loss. @throws {TrainingError} if the configuration names one too */
function lossDigest(
  { loss }: RunRequest,
  config: TrainingConfig,
): string | undefined {
  if (loss && config.loss.kind !== "cross-entropy") {
    throw new TrainingError(
      `the configuration says loss ${config.loss.kind}, and a custom loss is given: leave one of them out`,
    );
  }
  return loss && digestOf(String(loss));
}

/** The state with which a run starts. */
export function firstState(
  options: RunRequest,
  graph: NetworkGraph,
): RunState {
  const { faces, model } = options;
  const config = completeConfig(options.config);
  const { parameters, statistics } = freezeLayers(graph, model, config.freeze);
  const { name, path: file } = faces.source;
  const hash = hashFaces(faces); // Their source's hash may be that of other faces.
  return {
    notes: {
      config,
      name: checkName(options.name ?? model.name),
      network: fingerprint(graph),
      loss: lossDigest(options, config),
      data: {
        name,
        path: file,
        hash,
        emotions: faces.emotions,
        votes: votesDigest(faces, config),
      },
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

/**
 * The state of the run in `out`.
 *
 * @throws {TrainingError} when it is not the requested run
 * @throws {CheckpointError} when it is damaged
 */
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
  if (notes.loss !== lossDigest(options, asked)) {
    throw refuse("it uses a different loss");
  }
  if (notes.data.hash !== hashFaces(options.faces)) {
    throw refuse(
      `it trains on different faces (${notes.data.path ?? notes.data.name})`,
    );
  }
  const { emotions = EMOTIONS } = notes.data; // Old runs have none.
  if (emotions.join() !== options.faces.emotions.join()) {
    throw refuse(`its faces have the classes ${emotions.join(", ")}`);
  }
  if (notes.data.votes !== votesDigest(options.faces, asked)) {
    throw refuse("it trains on different votes");
  }
  checkFit(options.out!, state, graph);
  notes.config = asked;
  return state;
}

/** @throws {CheckpointError} when a state's arrays do not fit its network and optimizer */
function checkFit(out: string, state: RunState, graph: NetworkGraph): void {
  const { notes: { config, epoch, step, history }, arrays } = state;
  const averaged = config.averageDecay === null ? [] : ["average"];
  const { parameters, statistics } = graph;
  const expected = [
    ["parameters", parameters],
    ["statistics", statistics],
    ...averaged.flatMap((name) => [
      [`${name}Parameters`, parameters],
      [`${name}Statistics`, statistics],
    ]),
    ...Object.keys(firstMoments(config, 0)).map((name) => [name, parameters]),
  ];
  const found = Object.entries(arrays).map(([name, { length }]) => [
    name,
    length,
  ]);
  const same = JSON.stringify(found.sort()) === JSON.stringify(expected.sort());
  const counted = Number.isSafeInteger(epoch) && Number.isSafeInteger(step) &&
    Array.isArray(history) && history.length === epoch;
  if (same && counted) return;
  throw new CheckpointError(
    path.join(out, "resume", "state.bin"),
    "does not match its own network: it is damaged; train in another folder",
  );
}

/** The optimizer's memory of past gradients, all zero. */
function firstMoments(
  { optimizer }: TrainingConfig,
  parameters: number,
): Record<string, Float32Array> {
  const zeros = () => new Float32Array(parameters);
  return optimizer.kind === "adam"
    ? { first: zeros(), second: zeros() }
    : { velocity: zeros() };
}
