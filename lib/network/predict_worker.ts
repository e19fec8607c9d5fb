// One worker of predictAll (predict_all.ts): answers with how many of its faces are
// done, then with their probabilities.

import { PREDICTION_BATCH, predictShare } from "./predict.ts";
import { createTrained, type TrainedNetwork } from "./trained.ts";

/** The faces of one worker. */
export interface PredictRequest {
  trained: TrainedNetwork;
  pixels: Uint8Array;
  mirror: boolean;
}

self.onmessage = async ({ data }: MessageEvent<PredictRequest>) => {
  const { trained, pixels, mirror } = data;
  const options = { batch: PREDICTION_BATCH, training: false };
  const network = await createTrained(trained, options);
  self.postMessage(
    await predictShare(network, {
      pixels,
      mirror,
      scale: trained.scale,
      onProgress: (faces) => self.postMessage(faces),
    }),
  );
};
