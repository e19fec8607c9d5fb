// Updates a network's weights from its gradients: all of them in one call of a
// kernel. Adam with decoupled weight decay (AdamW) and gradient descent with
// Nesterov's momentum; L2 penalties as the graph says; a running average of the
// weights. Learning-rate schedules are training/schedule.ts.

import type { Network, Workspace } from "./network.ts";

/** The kind of optimizer and its numbers. */
export type OptimizerOptions =
  & (
    | { kind: "adam"; beta1: number; beta2: number; epsilon: number }
    | { kind: "sgd"; momentum: number }
  )
  & {
    /** Decoupled from the gradient, times the learning rate; for kernels only. */
    weightDecay?: number;
    /** The share of the running average kept at each step; `null`: no average. */
    averageDecay?: number | null;
  };

/**
 * An optimizer of one network. Its state lies in the network's memory; a network
 * has one optimizer at a time.
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { Optimizer } from "mien/network/optimizer.ts";
 * import { createTrained, readTrained } from "mien/network/trained.ts";
 *
 * const options = { batch: 8, training: true };
 * const network = await createTrained(readTrained(buildMiniXception()), options);
 * network.targets.fill(1 / 7);
 * const optimizer = new Optimizer(network, {
 *   kind: "adam",
 *   beta1: 0.9,
 *   beta2: 0.999,
 *   epsilon: 1e-7,
 * });
 * network.gradient(8);
 * optimizer.step(1e-3);
 * ```
 */
export class Optimizer {
  /**
   * All state kept from step to step, besides the network's own arrays and
   * `stepCount`: `first` and `second` moments of Adam, `velocity` of gradient
   * descent, `averageParameters` and `averageStatistics` where there is an
   * average. Views: to restore a state, write to them.
   */
  readonly state: Record<string, Float32Array>;
  /** Steps taken so far. */
  stepCount = 0;
  readonly #workspace: Workspace;

  /** @throws {NetworkError} where the network was not created for training */
  constructor(
    readonly network: Pick<
      Network,
      "graph" | "parameters" | "statistics" | "workspace"
    >,
    readonly options: OptimizerOptions,
  ) {
    const workspace = this.#workspace = network.workspace();
    const { memory, parameterBytes } = workspace;
    const { l2, decay, first, second, average } = workspace;
    const { graph } = network;
    const view = (address: number, count: number) =>
      new Float32Array(memory.buffer, address, count);
    for (const address of [l2, decay, first, second]) {
      view(address, parameterBytes / 4).fill(0);
    }
    for (const weight of graph.weights) {
      if (weight.kind === "statistic") continue;
      const { offset, shape } = weight;
      const end = offset + shape.reduce((a, b) => a * b, 1);
      view(l2, graph.parameters).fill(weight.l2, offset, end);
      view(decay, graph.parameters).fill(Number(weight.decays), offset, end);
    }
    this.state = options.kind === "adam"
      ? {
        first: view(first, graph.parameters),
        second: view(second, graph.parameters),
      }
      : { velocity: view(first, graph.parameters) };
    if (options.averageDecay == null) return;
    this.state.averageParameters = view(average, graph.parameters);
    this.state.averageStatistics = view(
      average + parameterBytes,
      graph.statistics,
    );
    this.state.averageParameters.set(network.parameters);
    this.state.averageStatistics.set(network.statistics);
  }

  /** Changes the network's parameters by one step against their gradients. */
  step(learningRate: number): void {
    const { options } = this;
    const { kernels, weights, gradients, l2, decay, first, second } =
      this.#workspace;
    const { average, parameterBytes, weightBytes } = this.#workspace;
    this.stepCount++;
    const count = parameterBytes / 4;
    const weightDecay = options.weightDecay ?? 0;
    if (options.kind === "adam") {
      const { beta1, beta2, epsilon } = options;
      kernels.adam(
        weights,
        gradients,
        l2,
        decay,
        first,
        second,
        count,
        learningRate,
        beta1,
        beta2,
        1 - beta1 ** this.stepCount,
        1 - beta2 ** this.stepCount,
        epsilon,
        weightDecay,
      );
    } else {
      kernels.sgd(
        weights,
        gradients,
        l2,
        decay,
        first,
        count,
        learningRate,
        options.momentum,
        1,
        weightDecay,
      );
    }
    if (options.averageDecay == null) return;
    kernels.track(weights, average, weightBytes / 4, options.averageDecay);
  }
}
