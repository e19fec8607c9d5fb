// Detection with several threads: each searches a share of the rows of every
// layer. For one thread, and without workers, use haar.ts.
import type { Cascade } from "./cascade.ts";
import { frontalFaceCascade } from "./frontal_face.ts";
import type { GrayImage } from "./gray.ts";
import { CascadeDetector, type Detection, type DetectOptions } from "./haar.ts";
import type { WorkerAnswer, WorkerStart, WorkerTask } from "./haar_worker.ts";

/** Where the parts are that a bundled page cannot find by itself. */
export interface PoolOptions {
  /** Threads, the calling one among them; default 2. */
  readonly threads?: number;
  /** The folder of the compiled core, see `CascadeDetector.create`. */
  readonly wasm?: string | URL;
  /** The script of haar_worker.ts. */
  readonly worker?: string | URL;
}

/**
 * A detector that shares its work with other threads. Its faces are those of
 * `CascadeDetector`, possibly in another order.
 *
 * @example
 * ```ts
 * import { drawScene } from "mien/drawn_scene.ts";
 * import { DetectorPool } from "mien/haar_pool.ts";
 *
 * const pool = await DetectorPool.create(undefined, { threads: 2 });
 * const scene = { width: 320, height: 240, faces: 2, seed: 1 };
 * console.log(await pool.detect(drawScene(scene).image));
 * pool.close();
 * ```
 */
export class DetectorPool {
  readonly #detector: CascadeDetector;
  readonly #workers: Worker[];
  #shared: Uint8Array = new Uint8Array(0);
  #boxes = new Int32Array(0);
  #scores = new Float64Array(0);
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(detector: CascadeDetector, workers: Worker[]) {
    this.#detector = detector;
    this.#workers = workers;
  }

  /**
   * Starts the threads.
   *
   * @throws RangeError naming a bad number of threads.
   * @throws Error where a thread cannot start.
   */
  static async create(
    cascade: Cascade = frontalFaceCascade(),
    options: PoolOptions = {},
  ): Promise<DetectorPool> {
    const { threads = 2, wasm } = options;
    const { worker = new URL("./haar_worker.ts", import.meta.url) } = options;
    if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
      throw new RangeError(`threads is ${threads}, not 1 to 64`);
    }
    const detector = await CascadeDetector.create(cascade, wasm);
    const workers = Array.from(
      { length: threads - 1 },
      () => new Worker(worker, { type: "module" }),
    );
    const start: WorkerStart = { cascade, wasm: wasm && String(wasm) };
    const pool = new DetectorPool(detector, workers);
    try {
      await Promise.all(workers.map((worker) => ask(worker, start)));
    } catch (error) {
      pool.close();
      throw error;
    }
    return pool;
  }

  /**
   * Finds objects as `CascadeDetector.detect` does. Images are searched one
   * after another, in the order of the calls.
   */
  detect(image: GrayImage, options: DetectOptions = {}): Promise<Detection[]> {
    const result = this.#busy.then(() => this.#detect(image, options));
    this.#busy = result.catch(() => {});
    return result;
  }

  /** Ends the threads. */
  close(): void {
    for (const worker of this.#workers) worker.terminate();
  }

  async #detect(
    image: GrayImage,
    options: DetectOptions,
  ): Promise<Detection[]> {
    const { width, height } = image;
    const parts = this.#workers.length + 1;
    const data = this.#share(image.data);
    const task = { width, height, data, options, parts };
    const answers = this.#workers.map((worker, i) =>
      ask(worker, { ...task, part: i + 1 })
    );
    const detector = this.#detector;
    let own = 0;
    let problem: unknown;
    try {
      own = detector.searchPart(image, options, 0, parts);
    } catch (error) {
      problem = error;
    }
    const others = await Promise.allSettled(answers);
    if (problem) throw problem;
    const found = others.map((other) => {
      if (other.status === "rejected") throw other.reason;
      return other.value;
    });
    const count = found.reduce((sum, { scores }) => sum + scores.length, own);
    if (count > this.#scores.length) {
      this.#boxes = new Int32Array(8 * count);
      this.#scores = new Float64Array(2 * count);
    }
    this.#boxes.set(detector.rawBoxes.subarray(0, 4 * own));
    this.#scores.set(detector.rawScores.subarray(0, own));
    for (const { boxes, scores } of found) {
      this.#boxes.set(boxes, 4 * own);
      this.#scores.set(scores, own);
      own += scores.length;
    }
    const raw = [this.#boxes, this.#scores, count] as const;
    return detector.listed(detector.group(image, options, ...raw));
  }

  /** The image where all threads see it; else messages copy it. */
  #share(data: Uint8Array): Uint8Array {
    if (typeof SharedArrayBuffer === "undefined") return data;
    if (this.#shared.length !== data.length) {
      this.#shared = new Uint8Array(new SharedArrayBuffer(data.length));
    }
    this.#shared.set(data);
    return this.#shared;
  }
}

function ask(
  worker: Worker,
  message: WorkerStart | WorkerTask,
): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) =>
      data.error ? reject(new Error(data.error)) : resolve(data);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault();
      reject(new Error(`a detection thread failed: ${event.message}`));
    };
    worker.postMessage(message);
  });
}
