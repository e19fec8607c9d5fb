// The teachers of a distilled network: their mean probabilities become part of its targets (Hinton,
// Vinyals and Dean, 2015, arXiv:1503.02531). What part, and of what they see, is in
// training_config.ts; each training worker has teachers of its own (training_worker.ts).
import { FACE_PIXELS } from "./faces.ts";
import { Network, type NetworkGraph } from "./network.ts";
import { fillInput } from "./preprocess.ts";

/** A trained network as plain data. */
export interface Teacher {
  graph: NetworkGraph;
  parameters: Float32Array;
  statistics: Float32Array;
}

/** Several networks that answer as one. */
export class Teachers {
  private constructor(
    readonly networks: Network[],
    readonly batch: number,
    readonly classes: number,
  ) {}

  /** @param batch the most faces at a time */
  static async create(teachers: Teacher[], batch: number): Promise<Teachers> {
    const networks = await Promise.all(
      teachers.map(async ({ graph, parameters, statistics }) => {
        const network = await Network.create(graph, { batch, training: false });
        network.parameters.set(parameters);
        network.statistics.set(statistics);
        return network;
      }),
    );
    return new Teachers(networks, batch, teachers[0].graph.outputSize);
  }

  /** Their mean probabilities of the first `count` inputs, count x classes. */
  answer(input: Float32Array, count: number): Float32Array {
    const mean = new Float32Array(count * this.classes);
    for (const network of this.networks) {
      network.input.set(input.subarray(0, count * FACE_PIXELS));
      network.predict(count);
      for (let i = 0; i < mean.length; i++) {
        mean[i] += network.outputs[i] / this.networks.length;
      }
    }
    return mean;
  }

  /**
   * Their mean probabilities of whole faces and their mirror images, for faces `from` to `to`, into
   * these faces' rows of `output`.
   */
  answerFaces(
    pixels: Uint8Array,
    from: number,
    to: number,
    output: Float32Array,
  ): void {
    const input = new Float32Array(this.batch * FACE_PIXELS);
    for (let first = from; first < to; first += this.batch) {
      const count = Math.min(this.batch, to - first);
      const [plain, mirrored] = [false, true].map((mirror) => {
        fillInput(input, pixels, first, count, mirror);
        return this.answer(input, count);
      });
      output.set(
        plain.map((p, i) => (p + mirrored[i]) / 2),
        first * this.classes,
      );
    }
  }
}
