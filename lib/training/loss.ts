// The losses that a configuration can name, for both engines. A custom loss is an option of train().

/** The cross-entropy, or the focal loss (Lin et al., 2017). */
export type LossChoice =
  | { kind: "cross-entropy" }
  | {
    kind: "focal";
    /** The exponent of 1 - p: the higher it is, the less faces count that are already right. */
    gamma: number;
  };

/** The losses with their usual settings. */
export const losses = {
  "cross-entropy": { kind: "cross-entropy" },
  focal: { kind: "focal", gamma: 2 },
} as const satisfies Record<LossChoice["kind"], LossChoice>;

/** The exponent of the focal loss; 0 for the cross-entropy. */
export function gammaOf(loss: LossChoice): number {
  return loss.kind === "focal" ? loss.gamma : 0;
}
