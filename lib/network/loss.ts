// The loss of a batch and its gradient for the logits: cross-entropy, or the focal
// loss (Lin et al., 2017), which weights each example's term by (1 - p) ** gamma, so
// that confident answers count less. Cross-entropy is the focal loss with gamma 0.

/** The least number whose logarithm or power is taken. */
const TINY = 1e-37;

/** A batch's outputs and targets, one row per example. */
export interface Answers {
  /** Examples x classes: probabilities. */
  outputs: Float32Array;
  /** Examples x classes: the target distribution. */
  targets: Float32Array;
  count: number;
  classes: number;
  /** One factor per example. */
  weights?: Float32Array;
  gamma: number;
}

/**
 * The sum of the examples' losses; writes the gradient of their mean for the logits, in
 * rows of `room` floats.
 */
export function addLosses(
  { outputs, targets, count, classes, weights, gamma }: Answers,
  slopes: Float32Array,
  room: number,
): number {
  let loss = 0;
  // dL/dp * p of each class; the softmax passes it on to the logits.
  const parts = new Float64Array(classes);
  for (let i = 0; i < count; i++) {
    const weight = weights?.[i] ?? 1;
    let sum = 0, own = 0;
    for (let k = 0; k < classes; k++) {
      const target = targets[i * classes + k];
      parts[k] = 0;
      if (target === 0) continue;
      const p = outputs[i * classes + k];
      const logarithm = Math.log(Math.max(p, TINY));
      const doubt = Math.max(1 - p, TINY);
      const factor = gamma === 0 ? 1 : doubt ** gamma;
      own -= target * factor * logarithm;
      const turn = gamma && gamma * doubt ** (gamma - 1) * p * logarithm;
      parts[k] = target * (turn - factor);
      sum += parts[k];
    }
    for (let k = 0; k < classes; k++) {
      slopes[i * room + k] = weight / count *
        (parts[k] - outputs[i * classes + k] * sum);
    }
    loss += weight * own;
  }
  return loss;
}
