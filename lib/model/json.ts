// Types and words for the content of a model.json that has not been checked.

/** Any JSON object. */
export type Json = Record<string, unknown>;

/** A JSON value in a few words. */
export function describe(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Whether a value is a JSON object: not a list, not null. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
