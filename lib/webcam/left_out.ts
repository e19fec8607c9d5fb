/**
 * What the page leaves out of the modules it shares: hashing data sets.
 * `import_map.json` puts this in the place of `node:crypto`.
 *
 * @module
 */

/** Stands in for the function of `node:crypto`; nobody calls it. */
export function createHash(): never {
  throw new Error("The webcam page does not hash data sets");
}
