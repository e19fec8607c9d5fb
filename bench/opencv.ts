// OpenCV in a Python process, for comparisons: asks opencv_answers.py one
// question after another. Needs Debian's python3-opencv.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

/** A running Python with OpenCV. */
export class OpenCv {
  readonly #child;
  readonly #lines;

  private constructor(python: string) {
    const script = resolve(import.meta.dirname!, "opencv_answers.py");
    this.#child = spawn(python, [script], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  /** Starts it; `null` if there is no such Python or it has no OpenCV. */
  static async start(
    python: string,
  ): Promise<{ opencv: OpenCv; version: string } | null> {
    const opencv = new OpenCv(python);
    const failed = once(opencv.#child, "error").catch(() => {});
    const first = await Promise.race([failed, opencv.#lines.next()]);
    if (!first || Array.isArray(first) || first.done) return null;
    return { opencv, version: JSON.parse(first.value).version };
  }

  /** Asks a question about an image and returns the answer. */
  // deno-lint-ignore no-explicit-any
  async ask(question: object, data: ArrayLike<number>): Promise<any> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    this.#child.stdin.write(Uint8Array.from(data));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`OpenCV gave up at ${JSON.stringify(question)}`);
    return JSON.parse(value);
  }

  /** Ends it. */
  stop(): void {
    this.#child.stdin.end();
  }
}
