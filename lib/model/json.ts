// What a model.json may contain before it has been checked.

/** Any JSON object. */
export type Json = Record<string, unknown>;

/** What a JSON value is, in a few words. */
export function describe(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Whether a value is an object with names, not a list and not null. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
