/**
 * What the page omits from the modules it shares: hashing data sets, and
 * networks that need TensorFlow.js. `import_map.json` substitutes this for
 * `node:crypto` and `engine/tfjs_engine.ts`.
 *
 * @module
 */

/** Stands in for the function of `node:crypto`: faces in the page have no hash. */
export function createHash() {
  const hash = { update: () => hash, digest: () => "" };
  return hash;
}
