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
import { normEmitter } from "./norm.ts";
import {
  averagePoolEmitter,
  globalAverageEmitter,
  maxPoolEmitter,
} from "./pool.ts";

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
};
