// The teachers of a distilled network: their mean probabilities become part of its targets (Hinton,
// Vinyals and Dean, 2015, arXiv:1503.02531). What part, and of what they see, is in
// training_config.ts; each training worker has teachers of its own (training_worker.ts).
import { FACE_PIXELS, FACE_SIZE } from "./faces.ts";
import { Network, type NetworkGraph } from "./network.ts";
import { fillInput } from "./preprocess.ts";

/** A trained network as plain data. */
export interface Teacher {
  graph: NetworkGraph;
  parameters: Float32Array;
  statistics: Float32Array;
}

/** Several networks that answer as one: with the mean over all of them, and over each face and its mirror image. */
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

  /** The probabilities of the first `count` inputs, count x classes. */
  answer(input: Float32Array, count: number): Float32Array {
    const straight = input.subarray(0, count * FACE_PIXELS);
    const mean = new Float32Array(count * this.classes);
    for (const view of [straight, mirrored(straight)]) {
      for (const network of this.networks) {
        network.input.set(view);
        network.predict(count);
        for (let i = 0; i < mean.length; i++) {
          mean[i] += network.outputs[i] / (2 * this.networks.length);
        }
      }
    }
    return mean;
  }

  /** The probabilities of faces `from` to `to`, into these faces' rows of `output`. */
  answerFaces(
    pixels: Uint8Array,
    from: number,
    to: number,
    output: Float32Array,
  ): void {
    const input = new Float32Array(this.batch * FACE_PIXELS);
    for (let first = from; first < to; first += this.batch) {
      const count = Math.min(this.batch, to - first);
      fillInput(input, pixels, first, count, false);
      output.set(this.answer(input, count), first * this.classes);
    }
  }
}

/** Inputs, mirrored left and right. */
function mirrored(input: Float32Array): Float32Array {
  const output = input.slice();
  for (let row = 0; row < output.length; row += FACE_SIZE) {
    output.subarray(row, row + FACE_SIZE).reverse();
  }
  return output;
}
