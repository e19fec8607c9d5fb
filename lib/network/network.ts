// The fast network: a tf.layers model (graph.ts) compiled into steps of
// our own WebAssembly kernels, with its own memory, allocated once. It runs in
// workers without tfjs. One thread; training data in parallel is training/train.ts.
// Weights change only from outside: see optimizer.ts.

import { NetworkError } from "./graph.ts";
import type { NetworkGraph } from "./graph.ts";
import { TrainingBackward } from "./compiler/backward.ts";
import { Arena, padded, type PixelBuffer } from "./compiler/buffers.ts";
import { TrainingForward } from "./compiler/forward.ts";
import { Prediction } from "./compiler/prediction.ts";
import { addLosses } from "./loss.ts";
import { loadModule } from "../load_wasm.ts";
import type { Kernels } from "./wasm/kernels.ts";

const PAGE = 65536;

/** The two halves of a training program. */
interface Training {
  forward: TrainingForward;
  backward: TrainingBackward;
}

/** What an `Optimizer` works on: places in the network's memory. */
export interface Workspace {
  memory: WebAssembly.Memory;
  kernels: Kernels;
  /** Parameters, then statistics. */
  weights: number;
  gradients: number;
  /** The optimizer's own: penalties, decays, moments, averages. */
  l2: number;
  decay: number;
  first: number;
  second: number;
  average: number;
  parameterBytes: number;
  weightBytes: number;
}

interface Parts {
  memory: WebAssembly.Memory;
  kernels: Kernels;
  prediction: Prediction;
  training: Training | null;
  /** Weights (parameters, then statistics), their copy as last packed, gradients. */
  address: {
    weights: number;
    known: number;
    gradients: number;
    optimizer: number;
  };
  parameterBytes: number;
  weightBytes: number;
}

/** What a network is made for. */
export interface NetworkOptions {
  /** The most examples at a time. */
  batch: number;
  /** Whether `gradient` will be called; training takes far more memory. */
  training: boolean;
  /** The focal loss's exponent (loss.ts); without it or 0, the cross-entropy. */
  gamma?: number;
}

/**
 * A compiled network. Its arrays are views into its own memory: write to
 * `input`, `targets` and `parameters`, read `outputs` and `gradients`.
 *
 * @example
 * ```ts
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { describeNetwork } from "mien/network/describe_network.ts";
 * import { Network } from "mien/network/network.ts";
 *
 * const graph = describeNetwork(buildMiniXception());
 * const network = await Network.create(graph, { batch: 1, training: false });
 * network.predict(1); // of a gray face, all zero
 * console.log(network.outputs); // seven probabilities
 * ```
 */
export class Network {
  /** All weights trained by gradient, in the graph's order. */
  readonly parameters: Float32Array;
  /** The mean gradient of the last batch's loss, without L2 penalties. */
  readonly gradients: Float32Array;
  /** Moving means and variances of the batch normalizations. */
  readonly statistics: Float32Array;
  /** batch x inputs: rows, columns, channels. */
  readonly input: Float32Array;
  /** batch x classes: the target distribution of each example. */
  readonly targets: Float32Array;
  /** batch x classes: probabilities. */
  readonly outputs: Float32Array;
  readonly #parts: Parts;
  #packed = false;

  private constructor(
    readonly graph: NetworkGraph,
    readonly options: NetworkOptions,
    parts: Parts,
  ) {
    this.#parts = parts;
    const { memory, prediction, training, address } = parts;
    const { batch } = options;
    const view = (at: number, count: number) =>
      new Float32Array(memory.buffer, at, count);
    this.parameters = view(address.weights, graph.parameters);
    this.statistics = view(
      address.weights + parts.parameterBytes,
      graph.statistics,
    );
    this.gradients = view(address.gradients, training ? graph.parameters : 0);
    this.input = view(prediction.layout.input.at(0), batch * graph.inputSize);
    this.targets = new Float32Array(training ? batch * graph.outputSize : 0);
    this.outputs = new Float32Array(batch * graph.outputSize);
    for (const { kind, offset, shape, name } of graph.weights) {
      if (!/\/(gamma|moving_variance)$/.test(name)) continue;
      const flat = kind === "parameter" ? this.parameters : this.statistics;
      flat.fill(1, offset, offset + shape[0]);
    }
    for (const norm of training?.forward.norms ?? []) norm.attach(memory, this);
  }

  /**
   * Compiles a network and allocates all it needs. Its weights are zero, scales
   * and variances one: set `parameters` and `statistics`, as from
   * `readWeights`.
   *
   * @throws {NetworkError} if the batch is not a positive integer, or the
   * memory cannot be allocated
   */
  static async create(
    graph: NetworkGraph,
    options: NetworkOptions,
  ): Promise<Network> {
    const { batch } = options;
    if (!(Number.isInteger(batch) && batch > 0)) {
      throw new NetworkError(`batch must be 1 or more, not ${batch}`);
    }
    const memory = new WebAssembly.Memory({ initial: 1 });
    const kernels = await loadModule<Kernels>(
      new URL("./wasm/", import.meta.url),
      "kernels",
      memory,
    );
    const arena = new Arena();
    const parameterBytes = Math.ceil(graph.parameters / 16) * 64;
    const weightBytes = parameterBytes + Math.ceil(graph.statistics / 16) * 64;
    const address = {
      weights: arena.allocate(weightBytes),
      known: arena.allocate(weightBytes),
      gradients: arena.allocate(parameterBytes),
      optimizer: options.training
        ? arena.allocate(4 * parameterBytes + weightBytes)
        : 0,
    };
    const prediction = new Prediction(graph, kernels, arena);
    const training = options.training
      ? createTraining(graph, kernels, arena, prediction)
      : null;
    prediction.layout.layOut(batch);
    training?.forward.layout.layOut(batch);
    try {
      memory.grow(Math.ceil(arena.bytes / PAGE) - 1);
    } catch {
      const megabytes = Math.ceil(arena.bytes / 2 ** 20);
      throw new NetworkError(
        `no ${megabytes} MB of memory for a batch of ${batch}: take a smaller batch`,
      );
    }
    prediction.layout.writeTables(memory);
    training?.forward.layout.writeTables(memory);
    return new Network(graph, options, {
      memory,
      kernels,
      prediction,
      training,
      address,
      parameterBytes,
      weightBytes,
    });
  }

  /**
   * Where an `Optimizer` finds the weights and keeps its own state.
   *
   * @throws {NetworkError} where the network was not created for training
   */
  workspace(): Workspace {
    const { memory, kernels, address, parameterBytes, weightBytes } =
      this.#training().parts;
    const own = (place: number) => address.optimizer + place * parameterBytes;
    return {
      memory,
      kernels,
      weights: address.weights,
      gradients: address.gradients,
      l2: own(0),
      decay: own(1),
      first: own(2),
      second: own(3),
      average: own(4),
      parameterBytes,
      weightBytes,
    };
  }

  #training(): { parts: Parts; training: Training } {
    const parts = this.#parts;
    if (parts.training) return { parts, training: parts.training };
    throw new NetworkError("this network was created without training: true");
  }

  /** Bytes of the network's memory, which never grows. */
  get bytes(): number {
    return this.#parts.memory.buffer.byteLength;
  }

  /**
   * Computes the probabilities of the first `count` inputs, with the moving
   * statistics of the batch normalizations, into `outputs`.
   *
   * @throws {NetworkError} where `count` is not 1 to the batch
   */
  predict(count: number): void {
    this.#check(count);
    const { memory, kernels, prediction, address, weightBytes } = this.#parts;
    const { weights, known } = address;
    if (!this.#packed || !kernels.same(weights, known, weightBytes)) {
      prediction.refresh(memory, this.parameters, this.statistics);
      const bytes = new Uint8Array(memory.buffer);
      bytes.copyWithin(known, weights, weights + weightBytes);
      this.#packed = true;
    }
    for (const segment of prediction.layout.segments) segment.run(count);
    softmax(this.#view(prediction.logits), this.outputs, this.graph, count);
  }

  /**
   * One training pass over the first `count` inputs: computes their
   * probabilities with the batch's own statistics into `outputs`, the mean
   * gradient into `gradients`, and moves `statistics`. Deterministic.
   *
   * @param weights One factor per example for its loss and gradient.
   * @param seed What dropout draws from; another number for each batch.
   * @returns the sum of the examples' losses
   * @throws {NetworkError} where `count` is not 1 to the batch, or the network
   * was not created for training
   */
  gradient(count: number, weights?: Float32Array, seed = 0): number {
    this.measure(count, seed);
    const { parts: { kernels, address }, training } = this.#training();
    const { raw, segments, slope } = training.backward;
    for (const { address: at, bytes } of raw) kernels.zero(at, bytes);
    const { outputs, targets, options: { gamma = 0 } } = this;
    const loss = addLosses(
      {
        outputs,
        targets,
        count,
        classes: this.graph.outputSize,
        weights,
        gamma,
      },
      this.#view(slope),
      slope.channels,
    );
    for (const segment of segments) segment.run(count);
    for (const { address: from, offset, index, table } of raw) {
      const to = address.gradients + offset * 4;
      kernels.gather(to, from, table, index.length);
    }
    return loss;
  }

  /**
   * The first half of `gradient`: the probabilities of the first `count` inputs with the
   * batch's own statistics into `outputs`, and `statistics` moved towards these.
   *
   * @throws {NetworkError} as `gradient` does
   */
  measure(count: number, seed = 0): void {
    this.#check(count);
    const { parts: { kernels, address }, training } = this.#training();
    const { forward } = training;
    for (const { address: to, index, table } of forward.packed) {
      kernels.gather(to, address.weights, table, index.length);
    }
    for (const norm of forward.norms) norm.begin();
    forward.seed = seed;
    for (const segment of forward.segments) segment.run(count);
    softmax(this.#view(forward.logits), this.outputs, this.graph, count);
  }

  #view(buffer: PixelBuffer): Float32Array {
    const length = this.options.batch * buffer.channels;
    return new Float32Array(this.#parts.memory.buffer, buffer.at(0), length);
  }

  #check(count: number): void {
    const { batch } = this.options;
    if (Number.isInteger(count) && count > 0 && count <= batch) return;
    throw new NetworkError(`count must be 1 to ${batch}, not ${count}`);
  }
}

function createTraining(
  graph: NetworkGraph,
  kernels: Kernels,
  arena: Arena,
  prediction: Prediction,
): Training {
  const { input } = prediction.layout;
  const forward = new TrainingForward(graph, kernels, arena, input);
  return { forward, backward: new TrainingBackward(forward) };
}

/** Probabilities from padded rows of logits. */
function softmax(
  logits: Float32Array,
  outputs: Float32Array,
  { outputSize }: NetworkGraph,
  count: number,
): void {
  const channels = padded(outputSize);
  for (let i = 0; i < count; i++) {
    const row = logits.subarray(i * channels, i * channels + outputSize);
    const most = Math.max(...row);
    let sum = 0;
    for (const logit of row) sum += Math.exp(logit - most);
    row.forEach((logit, k) => {
      outputs[i * outputSize + k] = Math.exp(logit - most) / sum;
    });
  }
}
