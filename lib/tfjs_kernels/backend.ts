// Sets up tfjs's wasm backend in Deno, with the gradient kernels it lacks, in a
// notebook, a script or a worker.

import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { fileURLToPath } from "node:url";
import { registerKernels } from "./register.ts";
import { UserError } from "../user_error.ts";

/** The wasm backend does not start; the message says what to do. */
export class BackendError extends UserError {
  override name = "BackendError";
}

/**
 * Makes tfjs's wasm backend the current one and registers the gradient kernels
 * of lib/tfjs_kernels, so that `model.fit` trains convolutional networks. It
 * works from any folder. The backend runs in one thread; each worker calls this
 * for its own. Calling it again is cheap and changes nothing.
 *
 * @throws {BackendError} if the packages or compiled modules are missing.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { useWasmBackend } from "mien/tfjs_kernels/backend.ts";
 *
 * await useWasmBackend();
 * console.log(tf.getBackend()); // wasm
 * ```
 */
export async function useWasmBackend(): Promise<void> {
  if (!tf.engine().registry["wasm"]) {
    const main = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(fileURLToPath(new URL("./", main)));
  }
  const started = await tf.setBackend("wasm");
  if (!started) {
    throw new BackendError(
      "tfjs's wasm backend does not start. Its .wasm files come with the " +
        "package @tensorflow/tfjs-backend-wasm: run `deno task setup`.",
    );
  }
  try {
    await registerKernels();
  } catch (error) {
    throw new BackendError(
      `the gradient kernels cannot be loaded: ${(error as Error).message}. ` +
        "Run `deno task wasm` to compile them.",
      { cause: error },
    );
  }
}
