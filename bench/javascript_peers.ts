// What a user would pick in JavaScript for a forward pass: TensorFlow.js on WebAssembly, and
// onnxruntime, on the network that `deno task export` writes. Each runs in a process of its own.
// onnxruntime is large (33 MB to download for the web, 114 MB for Node), so it is no package of this
// project: Deno fetches it into its own cache when it is first asked for.

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

/** What a runtime is to compute. */
export interface PeerQuestion {
  runtime: typeof RUNTIMES[number];
  /** An .onnx file; for TensorFlow.js the folder of a saved model. */
  model: string;
  /** A file of float32, one face of 48 x 48 after the other. */
  input: string;
  /** How many of them at once, in turn. */
  batches: number[];
  /** TensorFlow.js has one in Deno. */
  threads: number;
  /** Timed passes with each of the batches. */
  runs: number;
}

/** What it answers. */
export interface PeerAnswer {
  /** Its name, version and abilities. */
  peer: string;
  /** By batch: milliseconds of each pass, and the probabilities of the last, in a row. */
  passes: { times: number[]; output: number[] }[];
}

/**
 * Asks a runtime in a fresh process.
 *
 * @param cachedOnly takes a runtime that is in Deno's cache only, and downloads nothing
 * @returns a text that says why where it cannot be asked
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
  /** Medians of a batch and of one face. */
  forward_ms: number;
  one_face_ms: number;
}

/** All of them, ready to be measured. */
export class JavascriptPeers {
  private constructor(
    readonly folder: string,
    /** A runtime that cannot be asked is told about once and left out. */
    private settings: { runtime: PeerQuestion["runtime"]; threads: number }[],
  ) {}

  /** Writes the network and the faces, which are gray pixels, where the others read them. */
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

  /** One round. */
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

  /** Removes what was written. */
  stop(): void {
    rmSync(this.folder, { recursive: true });
  }
}
