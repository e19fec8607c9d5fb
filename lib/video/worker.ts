/**
 * A worker of `video.ts`: finds and classifies the faces in frames. The frames
 * are in shared memory; the answers are small.
 *
 * @module
 */
import { profileFaceCascade } from "../haar/profile_face.ts";
import {
  type RecognizedFace,
  Recognizer,
  VIDEO_SEARCH,
} from "../recognition/recognizer.ts";
import type { TrainedNetwork } from "../network/trained.ts";

/** The first message: everything that stays the same. */
export interface VideoWorkerStart {
  readonly trained: TrainedNetwork;
  readonly thorough: boolean;
  readonly width: number;
  readonly height: number;
  /** Gray frames, `width * height` bytes each. */
  readonly slots: SharedArrayBuffer[];
}

/** Every answer; the first, with slot -1, says that the worker is ready. */
export interface VideoWorkerAnswer {
  readonly slot: number;
  readonly faces: RecognizedFace[];
  /** Why it failed, if it did. */
  readonly error?: string;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(answer: VideoWorkerAnswer): void;
};

let recognizeSlot: ((slot: number) => RecognizedFace[]) | undefined;

scope.onmessage = async ({ data }: MessageEvent<VideoWorkerStart | number>) => {
  try {
    if (typeof data === "number") {
      scope.postMessage({ slot: data, faces: recognizeSlot!(data) });
      return;
    }
    const { trained, thorough, width, height } = data;
    const profile = thorough ? profileFaceCascade() : undefined;
    const recognizer = await Recognizer.create(trained, undefined, profile);
    const frames = data.slots.map((slot) => new Uint8Array(slot));
    recognizeSlot = (slot) =>
      recognizer.recognize({ width, height, data: frames[slot] }, VIDEO_SEARCH);
    scope.postMessage({ slot: -1, faces: [] });
  } catch (error) {
    const slot = typeof data === "number" ? data : -1;
    const words = error instanceof Error ? error.message : String(error);
    scope.postMessage({ slot, faces: [], error: words });
  }
};
