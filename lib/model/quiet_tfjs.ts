// Imported for its side effect: suppresses the advice to install the Node backend, which tfjs prints at
// its first use and which Deno does not need.
import * as tf from "@tensorflow/tfjs";

tf.enableProdMode();
