// One thread of haar_pool.ts: searches its share of the windows of each image.
import type { Cascade } from "./cascade.ts";
import { CascadeDetector, type DetectOptions } from "./haar.ts";

/** The first message: what to detect. */
export interface WorkerStart {
  readonly cascade: Cascade;
  readonly wasm?: string;
}

/** The other messages: an image and the share to search. */
export interface WorkerTask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly options: DetectOptions;
  readonly part: number;
  readonly parts: number;
}

/** An answer: raw rectangles and scores, or why there are none. */
export interface WorkerAnswer {
  readonly boxes: Int32Array;
  readonly scores: Float64Array;
  readonly error?: string;
}

const nothing = { boxes: new Int32Array(0), scores: new Float64Array(0) };
let starting: Promise<CascadeDetector> | undefined;

async function answer(
  message: WorkerStart | WorkerTask,
): Promise<WorkerAnswer> {
  if ("cascade" in message) {
    starting = CascadeDetector.create(message.cascade, message.wasm);
    await starting;
    return nothing;
  }
  const detector = await starting!;
  const { options, part, parts } = message;
  const count = detector.searchPart(message, options, part, parts);
  return {
    boxes: detector.rawBoxes.slice(0, 4 * count),
    scores: detector.rawScores.slice(0, count),
  };
}

self.onmessage = async (event: MessageEvent) => {
  const reply = await answer(event.data).catch((error): WorkerAnswer => ({
    ...nothing,
    error: (error as Error).message,
  }));
  // TypeScript's DOM types know a window's postMessage only.
  (self as unknown as { postMessage(value: unknown): void })
    .postMessage(reply);
};
