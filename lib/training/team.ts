// The workers of a training run, as the main thread sees them: start, ask all, stop.
//
// One that fails must not leave the others waiting: it stops all. What they do is in
// worker.ts.
import { TrainingError } from "./config.ts";
import { stopAll, type TrainingMemory } from "./shared_memory.ts";
import type { Reply, Request } from "./worker.ts";

/** What became of a request to all workers. */
export type Outcome = "done" | "stopped";

/** The workers of a run. */
export class TrainingTeam {
  readonly #workers: Worker[];
  readonly #control: Int32Array;

  constructor(memory: TrainingMemory) {
    this.#control = memory.control;
    this.#workers = Array.from(
      { length: memory.workers },
      () =>
        new Worker(new URL("./worker.ts", import.meta.url), {
          type: "module",
        }),
    );
  }

  /**
   * Asks every worker and waits for all answers. `watch` is called a few times a second meanwhile.
   *
   * @throws {TrainingError} when the training itself went wrong
   * @throws {Error} when a worker broke
   */
  async ask(
    request: (worker: number) => Request,
    watch: () => void = () => {},
  ): Promise<Outcome> {
    const timer = setInterval(watch, 200);
    try {
      const answers = this.#workers.map((worker, index) =>
        this.#askOne(worker, request(index))
      );
      const replies = await Promise.all(answers);
      const failed = replies.find((reply) => reply.kind === "failed");
      if (failed?.kind === "failed") {
        if (failed.expected) throw new TrainingError(failed.reason);
        throw new Error(`A training worker failed: ${failed.reason}`);
      }
      return replies.some(({ kind }) => kind === "stopped")
        ? "stopped"
        : "done";
    } finally {
      clearInterval(timer);
    }
  }

  #askOne(worker: Worker, request: Request): Promise<Reply> {
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        stopAll(this.#control);
        resolve({ kind: "failed", reason: event.message, expected: false });
      };
      worker.postMessage(request);
    });
  }

  /** Makes a request in progress end as "stopped", soon. */
  stop(): void {
    stopAll(this.#control);
  }

  /** Ends all workers. */
  end(): void {
    this.stop();
    for (const worker of this.#workers) worker.terminate();
  }
}
