// Probabilities of many faces in this thread, batch after batch through one
// network. On all cores: predict_all.ts.

import { FACE_PIXELS } from "../emotions.ts";
import { fillInput, type Scale } from "./input.ts";

/** Faces at a time in a network that is made to predict many. */
export const PREDICTION_BATCH = 64;

/** What computes the faces in its `input`, as many as fit, into its `outputs`. */
export interface Predictor {
  readonly input: Float32Array;
  readonly outputs: Float32Array;
  predict(count: number): void;
}

/** Which faces of an array of pixels, and where their probabilities go. */
export interface FaceRange {
  /** Gray faces of 48x48 pixels, one after the other. */
  pixels: Uint8Array;
  from: number;
  /** One past the last face. */
  to: number;
  /** Whether the faces are seen mirrored left and right. */
  mirrored?: boolean;
  /** What black and white become in the input; by default this project's scale. */
  scale?: Scale;
  /** Probabilities of all faces, n x classes; the rows of these are written. */
  output: Float32Array;
}

/** Writes the probabilities of a range of faces, batch by batch. */
export function predictFaces(
  network: Predictor,
  { pixels, from, to, output, mirrored = false, scale }: FaceRange,
): void {
  const batch = network.input.length / FACE_PIXELS;
  const classes = network.outputs.length / batch;
  for (let first = from; first < to; first += batch) {
    const count = Math.min(batch, to - first);
    fillInput(network.input, pixels, first, count, mirrored, scale);
    network.predict(count);
    output.set(network.outputs.subarray(0, count * classes), first * classes);
  }
}

/**
 * Probabilities of all these faces; with `mirror` the mean of each and its mirror
 * image. Yields to other work now and then.
 */
export async function predictShare(
  network: Predictor,
  { pixels, mirror, scale, onProgress }: {
    pixels: Uint8Array;
    mirror?: boolean;
    scale?: Scale;
    onProgress?: (faces: number) => void;
  },
): Promise<Float32Array> {
  const batch = network.input.length / FACE_PIXELS;
  const classes = network.outputs.length / batch;
  const count = pixels.length / FACE_PIXELS;
  const output = new Float32Array(count * classes);
  const turned = mirror ? new Float32Array(output.length) : null;
  for (let from = 0; from < count; from += 8 * batch) {
    const to = Math.min(count, from + 8 * batch);
    predictFaces(network, { pixels, from, to, output, scale });
    if (turned) {
      const range = { pixels, from, to, output: turned, mirrored: true, scale };
      predictFaces(network, range);
      for (let i = from * classes; i < to * classes; i++) {
        output[i] = (output[i] + turned[i]) / 2;
      }
    }
    onProgress?.(to);
    await new Promise((resume) => setTimeout(resume));
  }
  return output;
}
