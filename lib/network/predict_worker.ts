// One worker of predictAll (predict_all.ts): answers with how many of its faces are
// done, then with their probabilities.

import { predictShare } from "./predict.ts";
import type { TrainedNetwork } from "./trained.ts";

/** The faces of one worker. */
export interface PredictRequest {
  trained: TrainedNetwork;
  pixels: Uint8Array;
  mirror: boolean;
}

self.onmessage = async ({ data }: MessageEvent<PredictRequest>) => {
  const { trained, pixels, mirror } = data;
  const report = (faces: number) => self.postMessage(faces);
  self.postMessage(await predictShare(trained, pixels, mirror, report));
};
