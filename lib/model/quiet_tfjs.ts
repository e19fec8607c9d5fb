// Imported for its effect: tfjs keeps to itself, at its first use, the advice to install the backend of
// Node, which Deno does not need.
import * as tf from "@tensorflow/tfjs";

tf.enableProdMode();
