// Learning-rate schedules: how the learning rate changes while a network trains.
//
// `cosine` and `one-cycle` depend on the length of the run and change with every step; `plateau` depends
// on the validation loss after each epoch. The configuration (config.ts) names one of them.

/** The learning rate stays constant, and is cut when the validation loss no longer falls. */
export interface PlateauSchedule {
  kind: "plateau";
  /** What the learning rate is multiplied by, 0..1. */
  factor: number;
  /** Epochs without a lower validation loss before a cut. */
  patience: number;
  /** The loss must fall by more than this to count. */
  tolerance: number;
}

/** Half a cosine from the learning rate to almost zero, after a linear warm-up. */
export interface CosineSchedule {
  kind: "cosine";
  /** Fraction of the run, 0..1, in which the learning rate rises from zero. */
  warmup: number;
  /** The last learning rate as a fraction of the highest. */
  final: number;
}

/** Up along half a cosine, then down along another (Smith and Topin, 2018; PyTorch's `OneCycleLR`). */
export interface OneCycleSchedule {
  kind: "one-cycle";
  /** Fraction of the run, 0..1, in which the learning rate rises. */
  rise: number;
  /** The first learning rate as a fraction of the highest. */
  start: number;
  /** The last learning rate as a fraction of the highest. */
  final: number;
}

/** One of the three schedules. */
export type Schedule = PlateauSchedule | CosineSchedule | OneCycleSchedule;

/** The schedules with their usual settings. */
export const schedules = {
  // Arriaga et al.: ReduceLROnPlateau("val_loss", factor=0.1, patience=50 / 4); Keras's min_delta.
  plateau: { kind: "plateau", factor: 0.1, patience: 12, tolerance: 1e-4 },
  cosine: { kind: "cosine", warmup: 0.02, final: 1e-3 },
  "one-cycle": { kind: "one-cycle", rise: 0.3, start: 0.04, final: 1e-4 },
} as const satisfies Record<Schedule["kind"], Schedule>;

/** What `plateau` remembers between epochs. */
export interface PlateauState {
  /** The current factor of the learning rate: 1, then `factor`, then `factor`², … */
  scale: number;
  /** The lowest loss seen, `null` before the first epoch. */
  best: number | null;
  /** Epochs since then. */
  waited: number;
}

/** The state before the first epoch. */
export function startPlateau(): PlateauState {
  return { scale: 1, best: null, waited: 0 };
}

/**
 * The state after an epoch that ended with `loss`, as in Keras's `ReduceLROnPlateau` without cooldown:
 * the learning rate is cut after `patience` epochs without improvement.
 */
export function stepPlateau(
  schedule: PlateauSchedule,
  state: PlateauState,
  loss: number,
): PlateauState {
  if (state.best === null || loss < state.best - schedule.tolerance) {
    return { ...state, best: loss, waited: 0 };
  }
  const waited = state.waited + 1;
  return waited < schedule.patience
    ? { ...state, waited }
    : { ...state, scale: state.scale * schedule.factor, waited: 0 };
}

const halfCosine = (from: number, to: number, part: number) =>
  to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * part));

/**
 * What the learning rate is multiplied by at a step.
 *
 * @param step the step, counted from 0 over all epochs
 * @param steps how many steps the whole run has
 * @param plateau the state after the last epoch; only `plateau` reads it
 *
 * @example
 * ```ts
 * import { scaleAt, schedules } from "mien/training/schedule.ts";
 * scaleAt(schedules["one-cycle"], 30, 101); // 1: the highest, after 30 % of the run
 * ```
 */
export function scaleAt(
  schedule: Schedule,
  step: number,
  steps: number,
  plateau: PlateauState = startPlateau(),
): number {
  const part = steps > 1 ? step / (steps - 1) : 0;
  switch (schedule.kind) {
    case "plateau":
      return plateau.scale;
    case "cosine": {
      const warm = Math.round(schedule.warmup * steps);
      if (step < warm) return (step + 1) / warm;
      const rest = Math.max(1, steps - 1 - warm);
      return halfCosine(1, schedule.final, (step - warm) / rest);
    }
    case "one-cycle":
      return part < schedule.rise
        ? halfCosine(schedule.start, 1, part / schedule.rise)
        : halfCosine(
          1,
          schedule.final,
          (part - schedule.rise) / (1 - schedule.rise),
        );
  }
}
