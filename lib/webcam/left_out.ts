/**
 * What the page leaves out of the modules it shares: hashing data sets, and
 * weights from and to TensorFlow.js, which would make it ten times as large.
 * `import_map.json` puts this in their place.
 *
 * @module
 */
function leftOut(): never {
  throw new Error("This is not part of the webcam page");
}

export {
  leftOut as createHash,
  leftOut as penaltyOf,
  leftOut as readWeights,
  leftOut as writeWeights,
};
