// A network of any tf.layers layers, computed by TensorFlow.js on its wasm backend with the gradient
// kernels of tfjs_kernels/, in one thread. Like those of the compiled network, its weights are flat
// arrays in a memory of its own, which network/optimizer.ts changes; they are copied into the model
// before each computation.
import * as tf from "@tensorflow/tfjs";
import { loadModule } from "../load_wasm.ts";
import { NetworkError, valuesOf } from "../network/graph.ts";
import type { NetworkOptions, Workspace } from "../network/network.ts";
import type { Kernels } from "../network/wasm/kernels.ts";
import { createRandom } from "../random.ts";
import { useWasmBackend } from "../tfjs_kernels/backend.ts";
import type { Engine } from "./engine.ts";
import {
  flatLayers,
  isNorm,
  type Loss,
  type TfjsGraph,
  variablesOf,
} from "./tfjs_graph.ts";

const PAGE = 65536;

/** Smaller probabilities count as this in logarithms, as in tf.layers. */
const TINY = 1e-7;

const paddedBytes = (count: number) => Math.ceil(count / 16) * 64;

/** The memory of a network's flat arrays and of its optimizer. */
async function createWorkspace(
  { parameters, statistics }: TfjsGraph,
): Promise<Workspace> {
  const parameterBytes = paddedBytes(parameters);
  const weightBytes = parameterBytes + paddedBytes(statistics);
  let top = 64; // Address 0 means "none".
  const take = (bytes: number) => (top += bytes) - bytes;
  const places = {
    weights: take(weightBytes),
    gradients: take(parameterBytes),
    l2: take(parameterBytes),
    decay: take(parameterBytes),
    first: take(parameterBytes),
    second: take(parameterBytes),
    average: take(weightBytes),
  };
  const memory = new WebAssembly.Memory({ initial: Math.ceil(top / PAGE) });
  const base = new URL("../network/wasm/", import.meta.url);
  const kernels = await loadModule<Kernels>(base, "kernels", memory);
  return { memory, kernels, ...places, parameterBytes, weightBytes };
}

/** A network in TensorFlow.js; see {@linkcode Engine}. */
export class TfjsEngine implements Engine {
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly statistics: Float32Array;
  readonly input: Float32Array;
  readonly targets: Float32Array;
  readonly outputs: Float32Array;
  readonly #variables: ReturnType<typeof variablesOf>;
  /** Batch normalizations that use their own statistics in training. */
  readonly #frozen: tf.layers.Layer[] = [];
  /** Each weight, in the flat arrays and as it is in the model. */
  readonly #parts: Float32Array[];
  readonly #known: Float32Array[];

  private constructor(
    readonly graph: TfjsGraph,
    readonly options: NetworkOptions,
    readonly model: tf.LayersModel,
    readonly loss: Loss | undefined,
    readonly places: Workspace,
  ) {
    const { batch } = options;
    const { buffer } = places.memory;
    const { parameters, statistics } = graph;
    const after = places.weights + places.parameterBytes;
    this.parameters = new Float32Array(buffer, places.weights, parameters);
    this.gradients = new Float32Array(buffer, places.gradients, parameters);
    this.statistics = new Float32Array(buffer, after, statistics);
    this.input = new Float32Array(batch * graph.inputSize);
    this.targets = new Float32Array(batch * graph.outputSize);
    this.outputs = new Float32Array(batch * graph.outputSize);
    this.#variables = variablesOf(model);
    this.#parts = graph.weights.map((weight) => valuesOf(weight, this));
    this.#known = this.#parts.map(({ length }) =>
      new Float32Array(length).fill(NaN)
    );
    for (const layer of flatLayers(model)) {
      const norm = graph.norms.find(({ name }) => name === layer.name);
      if (isNorm(layer) && norm) layer.momentum = norm.momentum;
      if (graph.frozenNorms?.includes(layer.name)) this.#frozen.push(layer);
    }
  }

  /**
   * @param own.model holds the weights from now on; by default a model is built from the graph
   * @throws {NetworkError} for a layer that is unknown in this thread
   */
  static async create(
    graph: TfjsGraph,
    options: NetworkOptions,
    own: { model?: tf.LayersModel; loss?: Loss } = {},
  ): Promise<TfjsEngine> {
    await useWasmBackend();
    const model = own.model ?? await buildModel(graph);
    const places = await createWorkspace(graph);
    return new TfjsEngine(graph, options, model, own.loss, places);
  }

  workspace(): Workspace {
    return this.places;
  }

  predict(count: number): void {
    this.#check(count);
    this.#upload();
    tf.tidy(() => {
      const answers = this.model.apply(this.#inputs(count), {
        training: false,
      });
      this.#read(this.#probabilities(answers as tf.Tensor, count));
    });
  }

  gradient(count: number, weights?: Float32Array, seed = 0): number {
    this.#check(count);
    this.#upload();
    let total = 0;
    this.#inTraining(seed, () => {
      const { trained } = this.#variables;
      const variables = trained.map((variable) => variable.read());
      const targets = tf.tensor2d(
        this.targets.slice(0, count * this.graph.outputSize),
        [count, this.graph.outputSize],
      );
      const { grads } = tf.variableGrads(() => {
        const answers = this.#answersInTraining(count);
        const loss = this.#meanLoss(targets, answers, count, weights);
        total = count * loss.dataSync()[0];
        if (!this.graph.penalties) return loss;
        return tf.addN([loss, ...this.model.calculateLosses()]) as tf.Scalar;
      }, variables);
      this.gradients.fill(0);
      trained.forEach((_, i) =>
        this.gradients.set(
          grads[variables[i].name]?.dataSync() ?? [],
          this.graph.weights[i].offset,
        )
      );
    });
    return total;
  }

  measure(count: number, seed = 0): void {
    this.#check(count);
    this.#upload();
    this.#inTraining(seed, () => {
      this.#answersInTraining(count);
    });
  }

  /** Runs with all randomness from a seed, then copies the statistics from the model. */
  #inTraining(seed: number, work: () => void): void {
    const random = createRandom(seed);
    const before = Math.random;
    // Layers without a seed get theirs from here; those with one would draw the same each time.
    Math.random = () => random.next();
    const seeded = flatLayers(this.model).filter(({ seed }) => seed != null);
    const seeds = seeded.map((layer) => layer.seed);
    for (const layer of seeded) layer.seed = undefined;
    for (const layer of this.#frozen) {
      layer.call = (inputs) =>
        Object.getPrototypeOf(layer).call.call(layer, inputs, {
          training: false,
        });
    }
    try {
      tf.tidy(work);
    } finally {
      Math.random = before;
      seeded.forEach((layer, i) => layer.seed = seeds[i]);
      for (const layer of this.#frozen) {
        delete (layer as Partial<tf.layers.Layer>).call;
      }
    }
    const { trained, kept } = this.#variables;
    kept.forEach((variable, i) => {
      const values = variable.read().dataSync();
      this.#parts[trained.length + i].set(values);
      this.#known[trained.length + i].set(values);
    });
  }

  #inputs(count: number): tf.Tensor {
    const { inputSize, inputShape } = this.graph;
    const values = this.input.slice(0, count * inputSize);
    return tf.tensor(values, [count, ...inputShape]);
  }

  #answersInTraining(count: number): tf.Tensor {
    const inputs = this.#inputs(count);
    const answers = this.model.apply(inputs, { training: true }) as tf.Tensor;
    this.#read(this.#probabilities(answers, count));
    return answers.reshape([count, this.graph.outputSize]);
  }

  #read(probabilities: tf.Tensor): void {
    this.outputs.set(probabilities.dataSync());
  }

  /** The network's outputs as rows that add up to 1. */
  #probabilities(answers: tf.Tensor, count: number): tf.Tensor {
    const rows = answers.reshape([count, this.graph.outputSize]);
    if (this.graph.end === "logits") return rows.softmax();
    return rows.div(rows.sum(1, true).maximum(TINY));
  }

  #meanLoss(
    targets: tf.Tensor,
    answers: tf.Tensor,
    count: number,
    weights: Float32Array | undefined,
  ): tf.Scalar {
    const losses = this.loss
      ? this.loss(targets, answers)
      : this.#crossEntropy(targets, answers, count);
    if (losses.size === 1 && losses.rank === 0) {
      if (!weights) return losses as tf.Scalar;
      throw new NetworkError(
        "with class weights, the loss must return one number per face, not their mean",
      );
    }
    if (losses.size !== count) {
      throw new NetworkError(
        `the loss must return one number per face or their mean, not [${losses.shape}] for ${count} faces`,
      );
    }
    const each = losses.reshape([count]);
    return (weights ? each.mul(tf.tensor1d(weights)) : each).mean();
  }

  #crossEntropy(
    targets: tf.Tensor,
    answers: tf.Tensor,
    count: number,
  ): tf.Tensor {
    const logarithms = this.graph.end === "logits"
      ? tf.logSoftmax(answers)
      : this.#probabilities(answers, count).maximum(TINY).log();
    const { gamma } = this.options;
    const losses = targets.mul(logarithms).neg();
    if (!gamma) return losses.sum(1);
    const doubts = tf.sub(1, logarithms.exp()).maximum(TINY);
    return losses.mul(doubts.pow(gamma)).sum(1);
  }

  /** Copies the weights that have changed into the model. */
  #upload(): void {
    this.#variables.all.forEach((variable, i) => {
      const values = this.#parts[i], known = this.#known[i];
      if (values.every((value, k) => value === known[k])) return;
      const { shape, dtype } = variable.read();
      tf.tidy(() => {
        variable.write(tf.tensor(values.slice(), shape, dtype));
      });
      // A constraint may have changed them.
      if (variable.constraint) values.set(variable.read().dataSync());
      known.set(values);
    });
  }

  #check(count: number): void {
    const { batch } = this.options;
    if (Number.isInteger(count) && count > 0 && count <= batch) return;
    throw new NetworkError(`count must be 1 to ${batch}, not ${count}`);
  }
}

async function buildModel({ topology }: TfjsGraph): Promise<tf.LayersModel> {
  try {
    return await tf.loadLayersModel(
      tf.io.fromMemory({ modelTopology: topology as object }),
    );
  } catch (error) {
    const { message } = error as Error;
    const unknown = /^Unknown layer: ([^.\s]+)/.exec(message)?.[1];
    throw new NetworkError(
      unknown
        ? `the layer ${unknown} is known only where it was defined`
        : `the network cannot be rebuilt: ${message.split("\n")[0]}`,
    );
  }
}
