/**
 * The workers of `video.ts` and the frames they share with it: a fixed number
 * of frames in memory, each used by one side at a time.
 *
 * @module
 */
import type { VideoInfo } from "./probe.ts";
import type { RecognizedFace } from "../recognition/recognizer.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import type { VideoWorkerAnswer, VideoWorkerStart } from "./worker.ts";
import type { YuvFrame } from "./yuv.ts";

/** A frame in memory, and its gray values where workers see them. */
export interface Slot {
  readonly number: number;
  readonly frame: YuvFrame;
  readonly gray: Uint8Array;
  busy: boolean;
}

/** Workers that find and classify the faces of frames, each one at a time. */
export class FrameTeam {
  private readonly waiting = new Map<
    number,
    { resolve(faces: RecognizedFace[]): void; reject(error: Error): void }
  >();
  private next = 0;

  private constructor(
    readonly slots: Slot[],
    private readonly workers: Worker[],
  ) {}

  /** Starts `count` workers and waits until they are ready. */
  static async start(
    info: VideoInfo,
    trained: TrainedNetwork,
    thorough: boolean,
    count: number,
  ): Promise<FrameTeam> {
    const { width, height } = info;
    const buffers = Array.from(
      { length: count * 3 },
      () => new SharedArrayBuffer(width * height),
    );
    const slots = buffers.map((buffer, number) => ({
      number,
      frame: { width, height, data: new Uint8Array(width * height * 3 / 2) },
      gray: new Uint8Array(buffer),
      busy: false,
    }));
    const workers = Array.from(
      { length: count },
      () =>
        new Worker(new URL("./worker.ts", import.meta.url), {
          type: "module",
        }),
    );
    const team = new FrameTeam(slots, workers);
    const start = { trained, thorough, width, height, slots: buffers };
    try {
      await Promise.all(workers.map((worker) => team.prepare(worker, start)));
    } catch (error) {
      team.stop();
      throw error;
    }
    return team;
  }

  private prepare(worker: Worker, start: VideoWorkerStart): Promise<void> {
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<VideoWorkerAnswer>) => {
        const { slot, faces, error } = data;
        if (slot < 0) return error ? reject(new Error(error)) : resolve();
        const waiting = this.waiting.get(slot)!;
        this.waiting.delete(slot);
        if (error) waiting.reject(new Error(error));
        else waiting.resolve(faces);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        const error = new Error(`A video worker failed: ${event.message}`);
        reject(error);
        for (const waiting of this.waiting.values()) waiting.reject(error);
      };
      worker.postMessage(start);
    });
  }

  /** Starts on a slot's frame; workers take turns. */
  recognize(slot: Slot): Promise<RecognizedFace[]> {
    slot.busy = true;
    const worker = this.workers[this.next++ % this.workers.length];
    const work = new Promise<RecognizedFace[]>((resolve, reject) =>
      this.waiting.set(slot.number, { resolve, reject })
    );
    work.catch(() => {}); // It is awaited when its turn comes.
    worker.postMessage(slot.number);
    return work;
  }

  /** Stops the workers, whatever they are doing. */
  stop(): void {
    for (const worker of this.workers) worker.terminate();
  }
}
