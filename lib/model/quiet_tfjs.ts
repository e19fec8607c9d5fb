// Imported for its side effect: suppresses the advice that tfjs prints at its first use, to install the
// Node backend, which Deno does not need.
import * as tf from "@tensorflow/tfjs";

tf.enableProdMode();
