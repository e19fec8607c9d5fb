// The losses that a configuration names, for both engines. A loss of one's own is a
// function, and an option of train().

/** The cross-entropy, or the focal loss (Lin et al., 2017). */
export type LossChoice =
  | { kind: "cross-entropy" }
  | {
    kind: "focal";
    /** The exponent of 1 - p: the higher, the less does count what is right already. */
    gamma: number;
  };

/** The losses with their usual numbers. */
export const losses = {
  "cross-entropy": { kind: "cross-entropy" },
  focal: { kind: "focal", gamma: 2 },
} as const satisfies Record<LossChoice["kind"], LossChoice>;

/** The focal loss's exponent; 0 is the cross-entropy. */
export function gammaOf(loss: LossChoice): number {
  return loss.kind === "focal" ? loss.gamma : 0;
}
