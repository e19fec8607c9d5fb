// Which emitter computes which operation.

import type { Operation } from "../fusion.ts";
import { convEmitter } from "./conv.ts";
import { depthwiseEmitter } from "./depthwise.ts";
import {
  activationEmitter,
  addEmitter,
  dropoutEmitter,
  multiplyEmitter,
} from "./element.ts";
import type { Emitter } from "./emitter.ts";
import { layerNormEmitter } from "./layer_norm.ts";
import { noiseEmitter } from "./noise.ts";
import { normEmitter } from "./norm.ts";
import {
  averagePoolEmitter,
  globalAverageEmitter,
  maxPoolEmitter,
} from "./pool.ts";
import { preluEmitter } from "./prelu.ts";
import { concatenateEmitter, flattenEmitter, padEmitter } from "./rearrange.ts";

/** The emitter of each kind of operation. */
export const EMITTERS: Record<Operation["op"], Emitter> = {
  conv: convEmitter,
  depthwise: depthwiseEmitter,
  norm: normEmitter,
  maxPool: maxPoolEmitter,
  averagePool: averagePoolEmitter,
  globalAverage: globalAverageEmitter,
  activation: activationEmitter,
  add: addEmitter,
  multiply: multiplyEmitter,
  dropout: dropoutEmitter,
  noise: noiseEmitter,
  prelu: preluEmitter,
  layerNorm: layerNormEmitter,
  concatenate: concatenateEmitter,
  flatten: flattenEmitter,
  pad: padEmitter,
};
