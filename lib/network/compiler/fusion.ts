// From a network's nodes to the operations that run: neighbors that one kernel
// computes together become one operation. Training and prediction fuse
// differently, as batch normalization uses the batch in one and folds into the
// convolution before it in the other. What runs them: forward.ts and
// prediction.ts.

import type {
  NetworkGraph,
  NetworkNode,
  NodeOperation,
  Shape,
  Window,
} from "../graph.ts";

/** The parts of a batch normalization node that operations need. */
export type Norm = Extract<NodeOperation, { op: "norm" }>;

/** An operation; `inputs` and `output` index values, one a node. */
export interface Operation {
  op: Exclude<NetworkNode["op"], "input">;
  node: NetworkNode;
  inputs: number[];
  output: number;
  /** Batch normalization of each input before use, or of the output of a folded convolution. */
  norms: (Norm | null)[];
  /** ReLU on the output. */
  relu: boolean;
}

/** A network as operations over values; a value has a node's index and shape. */
export interface Operations {
  operations: Operation[];
  shapes: Shape[];
  input: number;
  /** The value before the softmax. */
  logits: number;
}

/** The window of an operation that has one. */
export function windowOf({ node }: Operation): Window {
  if ("window" in node) return node.window;
  throw new TypeError(`${node.op} has no window`);
}

/** Fuses a graph's nodes for training or for prediction. */
export function fuse(graph: NetworkGraph, training: boolean): Operations {
  const { nodes } = graph;
  // Dropout and noise do nothing in prediction: their value is their input.
  const source = nodes.map((_, value) => value);
  const inputsOf = nodes.map((node, value) => {
    const inputs = node.inputs.map((input) => source[input]);
    const rests = node.op === "dropout" || node.op === "noise";
    if (!training && rests) source[value] = inputs[0];
    return inputs;
  });
  const uses = nodes.map(() => 0);
  inputsOf.forEach((inputs, value) => {
    if (source[value] !== value) return;
    for (const input of inputs) uses[input]++;
  });
  const made = new Map<number, Operation>();
  /** The operation that makes this value, if nothing else uses the value. */
  const only = (value: number) =>
    uses[value] === 1 ? made.get(value) : undefined;
  const replace = (old: number, operation: Operation) => {
    made.delete(old);
    made.set(operation.output, operation);
  };

  nodes.forEach((node, output) => {
    if (node.op === "input" || source[output] !== output) return;
    const inputs = inputsOf[output];
    if (node.op === "add") {
      // The kernel of the sum can compute one input itself, which comes first.
      const rank = (value: number) =>
        ["norm", "maxPool"].indexOf(only(value)?.op ?? "");
      inputs.sort((a, b) => rank(b) - rank(a));
    }
    const before = only(inputs[0]);
    const operation: Operation = {
      op: node.op,
      node,
      inputs: [...inputs],
      output,
      norms: [],
      relu: false,
    };
    if (node.op === "norm") {
      operation.norms = [node];
      const folds = before && !before.relu && before.norms.length === 0 &&
        (before.op === "conv" || before.op === "depthwise");
      if (!training && folds) {
        replace(before.output, { ...before, output, norms: [node] });
        return;
      }
    } else if (node.op === "activation" && node.kind === "relu") {
      const takes = before && !before.relu &&
        (before.op === "norm" ||
          !training && (before.op === "conv" || before.op === "depthwise"));
      if (takes) {
        replace(before.output, { ...before, output, relu: true });
        return;
      }
      Object.assign(operation, { op: "norm", norms: [null], relu: true });
    } else if (node.op === "maxPool") {
      operation.norms = [null];
      if (before?.op === "norm" && !before.relu) {
        made.delete(before.output);
        operation.inputs = [...before.inputs];
        operation.norms = [...before.norms];
      }
    } else if (node.op === "add") {
      if (before?.op === "maxPool" && before.inputs.length === 1) {
        const other = only(inputs[1]);
        const linear = other?.op === "norm" && !other.relu ? other : undefined;
        if (linear) made.delete(linear.output);
        replace(before.output, {
          ...before,
          output,
          inputs: [...before.inputs, linear?.inputs[0] ?? inputs[1]],
          norms: [...before.norms, linear?.norms[0] ?? null],
        });
        return;
      }
      if (before?.op === "norm" && !before.relu) {
        made.delete(before.output);
        operation.inputs[0] = before.inputs[0];
        operation.norms = [...before.norms, null];
      }
    }
    made.set(output, operation);
  });
  const last = made.get(nodes.length - 1)!;
  made.delete(last.output);
  // A value's uses follow it closely, a shortcut before the main path: in reverse,
  // a strided shortcut then adds to a gradient that is there.
  const latest = ({ inputs }: Operation) => Math.max(...inputs);
  return {
    operations: [...made.values()].sort((a, b) =>
      latest(a) - latest(b) || b.output - a.output
    ),
    shapes: nodes.map((node) => node.shape),
    input: nodes.findIndex((node) => node.op === "input"),
    logits: last.inputs[0],
  };
}
