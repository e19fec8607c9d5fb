// Probabilities of many faces in this thread, batch after batch through one
// network. On all cores: predict_all.ts.

import { FACE_PIXELS } from "../emotions.ts";
import { fillInput } from "./input.ts";
import type { Network } from "./network.ts";
import { createTrained, type TrainedNetwork } from "./trained.ts";

/** Faces at a time in {@linkcode predictShare}. */
export const PREDICTION_BATCH = 64;

/** Which faces of an array of pixels, and where their probabilities go. */
export interface FaceRange {
  /** Gray faces of 48x48 pixels, one after the other. */
  pixels: Uint8Array;
  from: number;
  /** The first face that is not wanted. */
  to: number;
  /** Whether the faces are seen mirrored left and right. */
  mirrored?: boolean;
  /** Probabilities of all faces, n x classes; the rows of these are written. */
  output: Float32Array;
}

/** Writes the probabilities of a range of faces, batch by batch. */
export function predictFaces(
  network: Network,
  { pixels, from, to, output, mirrored = false }: FaceRange,
): void {
  const { batch } = network.options;
  const classes = network.graph.outputSize;
  for (let first = from; first < to; first += batch) {
    const count = Math.min(batch, to - first);
    fillInput(network.input, pixels, first, count, mirrored);
    network.predict(count);
    output.set(network.outputs.subarray(0, count * classes), first * classes);
  }
}

/**
 * Probabilities of all these faces; with `mirror` the mean of each and its mirror
 * image. Leaves time for other work now and then.
 *
 * @throws {NetworkError} as {@linkcode createTrained} does
 */
export async function predictShare(
  trained: TrainedNetwork,
  pixels: Uint8Array,
  mirror: boolean,
  onProgress: (faces: number) => void,
): Promise<Float32Array> {
  const batch = PREDICTION_BATCH;
  const network = await createTrained(trained, { batch, training: false });
  const count = pixels.length / FACE_PIXELS;
  const classes = trained.graph.outputSize;
  const output = new Float32Array(count * classes);
  const turned = mirror ? new Float32Array(output.length) : null;
  for (let from = 0; from < count; from += 8 * batch) {
    const to = Math.min(count, from + 8 * batch);
    predictFaces(network, { pixels, from, to, output });
    if (turned) {
      const range = { pixels, from, to, output: turned, mirrored: true };
      predictFaces(network, range);
      for (let i = from * classes; i < to * classes; i++) {
        output[i] = (output[i] + turned[i]) / 2;
      }
    }
    onProgress(to);
    await new Promise((resume) => setTimeout(resume));
  }
  return output;
}
