// What a user would choose for a forward pass in JavaScript: TensorFlow.js on WebAssembly, and
// onnxruntime, on the network that `deno task export` writes. Each runs in its own process.
// onnxruntime is a large download (33 MB for the web, 114 MB for Node), so this project does not
// depend on it: Deno downloads it into its cache the first time.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type * as tf from "@tensorflow/tfjs";
import { toOnnx } from "../lib/model/onnx.ts";
import { saveModel } from "../lib/model/saved_model.ts";
import { scalePixels } from "../lib/network/input.ts";
import { readTrained } from "../lib/network/trained.ts";
import { childEnvironment } from "../tasks/setup.ts";

/** What runs a network: a package with its version, or TensorFlow.js of this project. */
export const RUNTIMES = [
  "tfjs",
  "onnxruntime-web@1.30.0",
  "onnxruntime-node@1.30.0",
] as const;

/** What a runtime is asked to compute. */
export interface PeerQuestion {
  runtime: typeof RUNTIMES[number];
  /** An .onnx file; for TensorFlow.js the folder of a saved model. */
  model: string;
  /** A file of float32 values, one 48 x 48 face after another. */
  input: string;
  /** The batch sizes to measure, in turn. */
  batches: number[];
  /** TensorFlow.js always uses one in Deno. */
  threads: number;
  /** Timed passes with each batch size. */
  runs: number;
}

/** What it answers. */
export interface PeerAnswer {
  /** Its name, version and abilities. */
  peer: string;
  /** For each batch size: milliseconds per pass, and the last pass's probabilities, flattened. */
  passes: { times: number[]; output: number[] }[];
}

/**
 * Asks a runtime in a new process.
 *
 * @param cachedOnly downloads nothing: the runtime must be in Deno's cache
 * @returns the answer, or the reason there is none
 */
export function askPeer(
  question: PeerQuestion,
  cachedOnly = false,
): PeerAnswer | string {
  const { status, stdout, stderr, error } = spawnSync(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    "--quiet",
    ...question.runtime === "tfjs"
      ? []
      : ["--node-modules-dir=none", "--no-lock"],
    ...cachedOnly ? ["--cached-only"] : [],
    resolve(import.meta.dirname!, "javascript_peer.ts"),
    JSON.stringify(question),
  ], {
    encoding: "utf8",
    timeout: 300_000,
    maxBuffer: 2 ** 26,
    env: { ...childEnvironment(), NO_COLOR: "1" },
  });
  if (status === 0) return JSON.parse(stdout);
  const reason = stderr.split("\n").find((line) => line.includes("error:"));
  return error?.message ?? reason ?? stderr.slice(0, 300);
}

/** A runtime's times. */
export interface ForwardTimes {
  peer: string;
  threads: number;
  /** Medians, for a batch and for one face. */
  forward_ms: number;
  one_face_ms: number;
}

/** All runtimes, ready to be measured. */
export class JavascriptPeers {
  private constructor(
    readonly folder: string,
    /** A runtime that fails is reported once and left out. */
    private settings: { runtime: PeerQuestion["runtime"]; threads: number }[],
  ) {}

  /** Writes the network and the faces (gray pixels) to files that the runtimes read. */
  static async prepare(
    model: tf.LayersModel,
    pixels: Uint8Array,
  ): Promise<JavascriptPeers> {
    const folder = mkdtempSync(join(tmpdir(), "mien-peers-"));
    await saveModel(model, join(folder, "tfjs"));
    writeFileSync(join(folder, "onnx"), toOnnx(readTrained(model)));
    const faces = scalePixels(pixels);
    writeFileSync(join(folder, "faces"), new Uint8Array(faces.buffer));
    const settings = RUNTIMES.flatMap((runtime) =>
      (runtime === "tfjs" ? [1] : [1, 2])
        .map((threads) => ({ runtime, threads }))
    );
    return new JavascriptPeers(folder, settings);
  }

  /** Measures each runtime once. */
  measure(batch: number, runs: number): ForwardTimes[] {
    const answers = this.settings.map((setting) => ({
      ...setting,
      answer: askPeer({
        ...setting,
        runs,
        batches: [batch, 1],
        model: join(
          this.folder,
          setting.runtime === "tfjs" ? "tfjs" : "onnx",
        ),
        input: join(this.folder, "faces"),
      }),
    }));
    this.settings = this.settings.filter((_, i) => {
      const { runtime, answer } = answers[i];
      if (typeof answer !== "string") return true;
      console.error(`no ${runtime}: ${answer}`);
      return false;
    });
    return answers.flatMap(({ answer, threads }) => {
      if (typeof answer === "string") return [];
      const [forward_ms, one_face_ms] = answer.passes.map(({ times }) =>
        times.toSorted((a, b) => a - b)[times.length >> 1]
      );
      return [{ peer: answer.peer, threads, forward_ms, one_face_ms }];
    });
  }

  /** Removes the files. */
  stop(): void {
    rmSync(this.folder, { recursive: true });
  }
}
