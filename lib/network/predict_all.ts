// Probabilities of many faces on all cores: the faces are shared out among
// workers where there are enough of them.

import { FACE_PIXELS } from "../emotions.ts";
import { PREDICTION_BATCH, predictShare } from "./predict.ts";
import type { PredictRequest } from "./predict_worker.ts";
import { createTrained, type TrainedNetwork } from "./trained.ts";

/** A worker gets at least this many faces. */
const FACES_A_WORKER = 512;

/** How {@linkcode predictAll} works. */
export interface PredictOptions {
  /** Also look at each mirrored face, and take the mean. */
  mirror?: boolean;
  /** Called with the number of faces done. */
  onProgress?: (faces: number) => void;
  /** The most threads; by default one per core. */
  workers?: number;
}

/**
 * Probabilities of faces, n x classes, row by row; the same for any number of
 * workers.
 *
 * @throws {NetworkError} where the network cannot be created
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 * import { buildMiniXception } from "mien/model/mini_xception.ts";
 * import { predictAll } from "mien/network/predict_all.ts";
 * import { readTrained } from "mien/network/trained.ts";
 *
 * const { pixels } = drawFaces({ count: 70, seed: 1 });
 * const trained = readTrained(buildMiniXception());
 * console.log((await predictAll(trained, pixels)).length); // 490
 * ```
 */
export async function predictAll(
  trained: TrainedNetwork,
  pixels: Uint8Array,
  options: PredictOptions = {},
): Promise<Float32Array> {
  const count = pixels.length / FACE_PIXELS;
  const most = options.workers ?? navigator.hardwareConcurrency ?? 1;
  const workers = Math.max(1, Math.min(most, count / FACES_A_WORKER | 0));
  const shares = Array.from({ length: workers }, (_, worker) => ({
    first: Math.floor(worker * count / workers),
    end: Math.floor((worker + 1) * count / workers),
  }));
  const done = shares.map(() => 0);
  const parts = await Promise.all(shares.map(({ first, end }, worker) => {
    const own = pixels.subarray(first * FACE_PIXELS, end * FACE_PIXELS);
    const mirror = options.mirror ?? false;
    const onProgress = (faces: number) => {
      done[worker] = faces;
      options.onProgress?.(done.reduce((a, b) => a + b));
    };
    return workers === 1
      ? predictHere(trained, own, mirror, onProgress)
      : askWorker({ trained, pixels: own.slice(), mirror }, onProgress);
  }));
  const classes = trained.graph.outputSize;
  const output = new Float32Array(count * classes);
  parts.forEach((part, i) => output.set(part, shares[i].first * classes));
  return output;
}

/** {@linkcode predictShare} in this thread. */
async function predictHere(
  trained: TrainedNetwork,
  pixels: Uint8Array,
  mirror: boolean,
  onProgress: (faces: number) => void,
): Promise<Float32Array> {
  const options = { batch: PREDICTION_BATCH, training: false };
  const network = await createTrained(trained, options);
  const { scale } = trained;
  return await predictShare(network, { pixels, mirror, scale, onProgress });
}

/** {@linkcode predictShare} in a worker, to which the pixels are transferred. */
function askWorker(
  request: PredictRequest & { pixels: Uint8Array<ArrayBuffer> },
  onProgress: (faces: number) => void,
): Promise<Float32Array> {
  const worker = new Worker(new URL("./predict_worker.ts", import.meta.url), {
    type: "module",
  });
  return new Promise<Float32Array>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<number | Float32Array>) => {
      if (typeof data === "number") onProgress(data);
      else resolve(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`a prediction worker failed: ${event.message}`));
    };
    worker.postMessage(request, [request.pixels.buffer]);
  }).finally(() => worker.terminate());
}
