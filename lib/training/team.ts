// The workers of a training run, as the main thread uses them: start, ask all, stop. A worker that fails
// stops the others, which would wait for it forever. worker.ts is their work.
import { describeEngine } from "../engine/describe_model.ts";
import { isForTfjs } from "../engine/engine.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { TrainingError } from "./config.ts";
import { stopAll, type TrainingMemory } from "./shared_memory.ts";
import { Member, type OwnParts, type Reply, type Request } from "./worker.ts";

/** The outcome of a request to all workers. */
export type Outcome = "done" | "stopped";

const startWorker = () =>
  new Worker(new URL("./worker_thread.ts", import.meta.url), {
    type: "module",
  });

/** Lets this thread handle events, such as those of timers. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Why a network cannot be built in a worker, such as an unknown layer; `null` if it can. */
async function whyNotInWorkers(
  graph: NetworkGraph,
): Promise<string | null> {
  const worker = startWorker();
  try {
    const reply = await askWorker(worker, { kind: "probe", graph });
    return reply.kind === "failed" ? reply.reason : null;
  } finally {
    worker.terminate();
  }
}

/** Reports which engine runs; returns what keeps the run in this thread, if anything. */
export async function chooseThread(
  graph: NetworkGraph,
  { model, loss, onEngine }: OwnParts & { onEngine?: (line: string) => void },
): Promise<OwnParts | undefined> {
  const why = !isForTfjs(graph)
    ? null
    : loss
    ? "a function cannot be sent to workers"
    : await whyNotInWorkers(graph);
  const line = describeEngine(graph) +
    (why ? `, and in one thread (${why})` : "");
  if (onEngine) onEngine(line);
  else if (isForTfjs(graph)) console.log(line);
  return why ? { model, loss } : undefined;
}

function askWorker(worker: Worker, request: Request): Promise<Reply> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ kind: "failed", reason: event.message, expected: false });
    };
    worker.postMessage(request);
  });
}

/** The workers of a run; with `own` parts, the main thread is the only one. */
export class TrainingTeam {
  readonly #workers: Worker[];
  readonly #member: Member | undefined;
  readonly #control: Int32Array;

  constructor(memory: TrainingMemory, own?: OwnParts) {
    this.#control = memory.control;
    this.#member = own && new Member({ ...own, pause });
    this.#workers = own
      ? []
      : Array.from({ length: memory.workers }, startWorker);
  }

  /**
   * Asks every worker and waits for all answers. Meanwhile, `watch` is called a few times per second.
   *
   * @throws {TrainingError} when the user can fix the failure
   * @throws {Error} when a worker crashed
   */
  async ask(
    request: (worker: number) => Request,
    watch: () => void = () => {},
  ): Promise<Outcome> {
    const timer = setInterval(watch, 200);
    try {
      const answers = this.#member
        ? [this.#member.answer(request(0))]
        : this.#workers.map((worker, index) =>
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

  async #askOne(worker: Worker, request: Request): Promise<Reply> {
    const reply = await askWorker(worker, request);
    if (reply.kind === "failed") stopAll(this.#control);
    return reply;
  }

  /** Lets a request in progress end soon, as "stopped". */
  stop(): void {
    stopAll(this.#control);
  }

  /** Ends all workers. */
  end(): void {
    this.stop();
    for (const worker of this.#workers) worker.terminate();
  }
}
