// The state of one batch normalization in training: the batch's mean and
// variance, the scale and shift they give, and the coefficients of its gradient.
// The sums over pixels are made by wasm/kernels (normalization.ts); here are the
// few numbers per channel that follow from them, in double precision.

import type { NetworkGraph } from "../graph.ts";
import type { Arena } from "./buffers.ts";
import type { Norm } from "./fusion.ts";
import type { FlatArrays } from "./buffers.ts";

export class NormState {
  /** Addresses of one float per channel: y = x * scale + shift. */
  readonly scale: number;
  readonly shift: number;
  readonly mean: number;
  /** Sums of the gradient and of gradient times (x - mean), doubles. */
  readonly slopes: number;
  /** Gradient of x: a * g + b * x + c, then scale and shift. */
  readonly coefficients: number;
  /** 1 / standard deviation, one per channel. */
  readonly #deviations: number[] = [];
  #pivot = 0;
  #sums = 0;
  #memory!: WebAssembly.Memory;
  #arrays!: FlatArrays;

  constructor(
    readonly graph: NetworkGraph,
    readonly norm: Norm,
    arena: Arena,
    readonly channels: number,
    readonly pixels: number,
  ) {
    this.scale = arena.allocate(channels * 4);
    this.shift = arena.allocate(channels * 4);
    this.mean = arena.allocate(channels * 4);
    this.slopes = arena.allocate(channels * 16);
    this.coefficients = arena.allocate(channels * 20);
  }

  /** This state's moving mean is the pivot of the sums. */
  measures(pivot: number, sums: number): void {
    this.#pivot = pivot;
    this.#sums = sums;
  }

  attach(memory: WebAssembly.Memory, arrays: FlatArrays): void {
    this.#memory = memory;
    this.#arrays = arrays;
  }

  #floats(address: number, count = this.channels): Float32Array {
    return new Float32Array(this.#memory.buffer, address, count);
  }

  #doubles(address: number): Float64Array {
    return new Float64Array(this.#memory.buffer, address, 2 * this.channels);
  }

  #offset(index: number | null): number | null {
    return index === null ? null : this.graph.weights[index].offset;
  }

  /** Before a batch: empty sums, and the moving mean as pivot. */
  begin(): void {
    this.#doubles(this.slopes).fill(0);
    if (this.#sums === 0) return;
    this.#doubles(this.#sums).fill(0);
    const offset = this.#offset(this.norm.mean)!;
    const channels = this.graph.weights[this.norm.mean].shape[0];
    this.#floats(this.#pivot).set(
      this.#arrays.statistics.subarray(offset, offset + channels),
    );
  }

  /** After the forward sums: scale, shift and the moving statistics (population variance, as in tf.layers). */
  finish(count: number, pivotAddress: number, sumsAddress: number): void {
    const { norm, channels } = this;
    const { parameters, statistics } = this.#arrays;
    const pivot = this.#floats(pivotAddress);
    const sums = this.#doubles(sumsAddress);
    const scale = this.#floats(this.scale);
    const shift = this.#floats(this.shift);
    const means = this.#floats(this.mean);
    const movingMean = this.#offset(norm.mean)!;
    const movingVariance = this.#offset(norm.variance)!;
    const gamma = this.#offset(norm.gamma), beta = this.#offset(norm.beta);
    const total = count * this.pixels;
    const real = this.graph.weights[norm.mean].shape[0];
    for (let c = 0; c < real; c++) {
      const delta = sums[c] / total;
      const mean = pivot[c] + delta;
      const variance = Math.max(0, sums[channels + c] / total - delta * delta);
      const inverse = 1 / Math.sqrt(variance + norm.epsilon);
      scale[c] = (gamma === null ? 1 : parameters[gamma + c]) * inverse;
      shift[c] = (beta === null ? 0 : parameters[beta + c]) - mean * scale[c];
      means[c] = mean;
      this.#deviations[c] = inverse;
      statistics[movingMean + c] += (1 - norm.momentum) *
        (mean - statistics[movingMean + c]);
      statistics[movingVariance + c] += (1 - norm.momentum) *
        (variance - statistics[movingVariance + c]);
    }
  }

  /** After the backward sums: gamma's and beta's gradients, the coefficients. */
  finishGradient(count: number): void {
    const { norm, channels } = this;
    const { gradients } = this.#arrays;
    const slopes = this.#doubles(this.slopes);
    const scale = this.#floats(this.scale);
    const shift = this.#floats(this.shift);
    const means = this.#floats(this.mean);
    const table = this.#floats(this.coefficients, 5 * channels);
    const gamma = this.#offset(norm.gamma), beta = this.#offset(norm.beta);
    const total = count * this.pixels;
    const real = this.graph.weights[norm.mean].shape[0];
    for (let c = 0; c < real; c++) {
      const inverse = this.#deviations[c];
      const sum = slopes[c], product = slopes[channels + c] * inverse;
      if (gamma !== null) gradients[gamma + c] = product;
      if (beta !== null) gradients[beta + c] = sum;
      const slope = -scale[c] * inverse * product / total;
      table[c] = scale[c];
      table[channels + c] = slope;
      table[2 * channels + c] = -scale[c] * sum / total - slope * means[c];
      table[3 * channels + c] = scale[c];
      table[4 * channels + c] = shift[c];
    }
  }
}
