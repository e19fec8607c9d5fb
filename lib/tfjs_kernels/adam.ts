// Adam on the wasm backend with one kernel call per variable. tfjs's
// AdamOptimizer makes about twelve, and in a network of fifty variables the calls
// cost more than the arithmetic. The optimizer keeps its own state, so that
// saving and loading it works as before. Left out: the other optimizers, which
// make two to eight calls per variable, and variables that are not float32.

import * as tf from "@tensorflow/tfjs";
import { call, type KernelCall, wasmKernel } from "./wasm_module.ts";

const ADAM = "AdamUpdate";

export const adamKernel = wasmKernel(ADAM, (
  { inputs, backend, attrs }: KernelCall<
    "value" | "gradient" | "moment1" | "moment2" | "power1" | "power2",
    Record<"learningRate" | "beta1" | "beta2" | "epsilon", number>
  >,
) => {
  const { shape } = inputs.value;
  const make = () => backend.makeOutput(shape, "float32");
  const newValue = make(), newMoment1 = make(), newMoment2 = make();
  const outputs = { newValue, newMoment1, newMoment2 };
  const count = tf.util.sizeFromShape(shape);
  call(backend, "adamUpdate", { ...inputs, ...outputs, count, ...attrs });
  return [newValue, newMoment1, newMoment2];
});

interface Moment {
  originalName: string;
  variable: tf.Variable;
}

/** What tfjs's AdamOptimizer holds. */
interface Adam {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  accBeta1: tf.Variable;
  accBeta2: tf.Variable;
  accumulatedFirstMoment: Moment[];
  accumulatedSecondMoment: Moment[];
  incrementIterations(): void;
}

function momentOf(
  moments: Moment[],
  i: number,
  value: tf.Variable,
  tag: string,
) {
  moments[i] ??= {
    originalName: `${value.name}/${tag}`,
    variable: tf.tidy(() => tf.zerosLike(value).variable(false)),
  };
  return moments[i].variable;
}

/** One step of Adam for every variable that has a gradient. */
function applyGradients(
  adam: Adam,
  gradients: [name: string, gradient: tf.Tensor | null][],
): void {
  const { learningRate, beta1, beta2, epsilon, accBeta1, accBeta2 } = adam;
  const attributes = { learningRate, beta1, beta2, epsilon };
  tf.tidy(() => {
    gradients.forEach(([name, gradient], i) => {
      const value = tf.engine().registeredVariables[name];
      const moment1 = momentOf(adam.accumulatedFirstMoment, i, value, "m");
      const moment2 = momentOf(adam.accumulatedSecondMoment, i, value, "v");
      if (!gradient) return;
      const [newValue, newMoment1, newMoment2] = tf.engine().runKernel(ADAM, {
        value,
        gradient,
        moment1,
        moment2,
        power1: accBeta1,
        power2: accBeta2,
      }, attributes) as tf.Tensor[];
      value.assign(newValue);
      moment1.assign(newMoment1);
      moment2.assign(newMoment2);
    });
    accBeta1.assign(tf.mul(accBeta1, beta1));
    accBeta2.assign(tf.mul(accBeta2, beta2));
  });
  adam.incrementIterations();
}

/** Makes tfjs's Adam optimizer use the kernel; call it once. */
export function patchAdamOptimizer(): void {
  const prototype = tf.AdamOptimizer.prototype;
  const original = prototype.applyGradients;
  prototype.applyGradients = function (this: tf.AdamOptimizer, gradients) {
    const named = Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) =>
        [name, tensor] as [string, tf.Tensor]
      )
      : Object.entries(gradients);
    const ours = tf.getBackend() === "wasm" &&
      named.every(([name]) =>
        tf.engine().registeredVariables[name].dtype === "float32"
      );
    if (!ours) return original.call(this, gradients);
    applyGradients(this as unknown as Adam, named);
  };
}
