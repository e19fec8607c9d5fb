// Checks each field of a configuration (config.ts), and describes wrong ones. Written by hand, because a
// schema library would word its messages for programmers.

export const inside = (low: number, high: number) => (value: unknown) =>
  typeof value === "number" && value >= low && value <= high
    ? null
    : `must be a number from ${low} to ${high}`;
const whole = (low: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= low
    ? null
    : `must be a whole number, at least ${low}`;
const orNull = (check: (value: unknown) => string | null) => (value: unknown) =>
  value === null ? null : check(value);
const oneOf = (...names: string[]) => (value: unknown) =>
  names.includes(value as string) ? null : `must be ${names.join(" or ")}`;

export const checks: Record<string, (value: unknown) => string | null> = {
  batchSize: whole(1),
  epochs: whole(1),
  patience: orNull(whole(1)),
  monitor: oneOf("loss", "accuracy"),
  "loss.kind": oneOf("cross-entropy", "focal"),
  "loss.gamma": inside(0, 10),
  "optimizer.kind": oneOf("adam", "sgd"),
  "optimizer.beta1": inside(0, 0.99999),
  "optimizer.beta2": inside(0, 0.999999),
  "optimizer.epsilon": inside(0, 1),
  "optimizer.momentum": inside(0, 0.99999),
  learningRate: inside(0, 100),
  "schedule.kind": oneOf("plateau", "cosine", "one-cycle"),
  "schedule.factor": inside(0, 1),
  "schedule.patience": whole(1),
  "schedule.tolerance": inside(0, 100),
  "schedule.warmup": inside(0, 1),
  "schedule.rise": inside(0, 0.99),
  "schedule.start": inside(0, 1),
  "schedule.final": inside(0, 1),
  weightDecay: inside(0, 10),
  votes: inside(0, 1),
  labelSmoothing: inside(0, 0.99),
  averageDecay: orNull(inside(0, 0.999999)),
  "augmentation.mirror": (value) =>
    typeof value === "boolean" ? null : "must be true or false",
  "augmentation.rotation": inside(0, 180),
  "augmentation.shift": inside(0, 1),
  "augmentation.zoom": inside(0, 0.9),
  "augmentation.scale": inside(0, 0.9),
  "augmentation.blur": inside(0, 0.33),
  "augmentation.brightness": inside(0, 1),
  "augmentation.contrast": inside(0, 1),
  "teacher.models": (value) =>
    Array.isArray(value) && value.every((folder) => typeof folder === "string")
      ? null
      : "must be a list of model folders",
  "teacher.answers": (value) =>
    typeof value === "string" ? null : "must be a file's path",
  "teacher.weight": inside(0, 1),
  "teacher.temperature": inside(0.01, 100),
  freeze: orNull((value) =>
    typeof value === "string" && value !== "" ? null : whole(0)(value) &&
      "must be a number of layers, a layer's name, or null"
  ),
  seed: whole(0),
  workers: whole(1),
};

/** A value for a message, which tells numbers from text. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `the text ${JSON.stringify(value)}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object") return String(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The known name that is most similar to another, by their Levenshtein distance. */
export function nearest(name: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const change = row[j - 1] + Number(a[i - 1] !== b[j - 1]);
        next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
      }
      row = next;
    }
    return row[b.length];
  };
  const plain = (text: string) =>
    text.slice(0, 40).toLowerCase().replace(/[^a-z.]/g, "");
  const far = known.map((other) => distance(plain(name), plain(other)));
  return known[far.indexOf(Math.min(...far))];
}
