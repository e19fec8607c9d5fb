// One number taken apart, as tables and lines for the room Inside. The numbers shown add up: what is
// not listed has its own row.

import { make } from "../page/dom.ts";
import type { Neuron, Reason, Term } from "../neuron.ts";

/** Input maps that are shown in full. */
const SHOWN_TERMS = 6;

/** A number with four decimals. */
export function digits(value: number): string {
  return value.toFixed(4).replace("-", "−");
}

/** What layers do that only move values. */
const UNCHANGED: { [op: string]: string } = {
  concatenate: "One of the inputs' maps, which stand side by side:",
  flatten: "The maps' values in one row:",
  pad: "The map with zeros around it:",
};

function line(...words: string[]): HTMLElement {
  return make("p", words.join(""));
}

function grid(values: readonly number[], columns: number, name: string) {
  const rows = Array.from(
    { length: values.length / columns },
    (_, row) => values.slice(row * columns, (row + 1) * columns),
  );
  return make(
    "table.numbers",
    make("caption", name),
    ...rows.map((row) =>
      make("tr", ...row.map((value) => make("td", digits(value))))
    ),
  );
}

function termView(
  { channel, inputs, weights, sum }: Term,
  columns: number,
): HTMLElement {
  const products = inputs.map((input, i) => input * weights[i]);
  return make(
    "details",
    make("summary", `input map ${channel}: ${digits(sum)}`),
    make(
      "div.row.top.scroll",
      grid(inputs, columns, "window"),
      grid(weights, columns, "× weights"),
      grid(products, columns, `= products, sum ${digits(sum)}`),
    ),
  );
}

function windowView(
  { terms, bias, columns }: Extract<Reason, { kind: "window" }>,
  value: number,
): HTMLElement[] {
  const shown = terms.slice(0, SHOWN_TERMS), rest = terms.slice(SHOWN_TERMS);
  const views = shown.map((term) => termView(term, columns));
  if (views[0]) (views[0] as HTMLDetailsElement).open = columns > 1;
  const sum = (some: Term[]) => some.reduce((all, term) => all + term.sum, 0);
  const parts = shown.map((term) => digits(term.sum));
  if (rest.length > 0) parts.push(digits(sum(rest)));
  if (bias !== 0) parts.push(digits(bias));
  const total = parts.join(" + ").replaceAll("+ −", "− ");
  return [
    line(
      `Each input map's window times its weights, summed` +
        (terms.length > 1 ? `; largest first, of ${terms.length} maps:` : ":"),
    ),
    ...views,
    ...(rest.length > 0
      ? [
        line(
          `the other ${rest.length} input maps together: ${digits(sum(rest))}`,
        ),
      ]
      : []),
    ...(bias !== 0 ? [line(`bias: ${digits(bias)}`)] : []),
    make(
      "p",
      parts.length > 1 ? `${total} = ` : "The sum: ",
      make("strong", { "data-result": value }, digits(value)),
    ),
  ];
}

/** The lines that say how a value was computed. */
export function describeReason({ value, reason }: Neuron): HTMLElement[] {
  const result = make("strong", { "data-result": value }, digits(value));
  const ends = (words: string) => make("p", `${words} = `, result);
  switch (reason.kind) {
    case "input":
      return [
        line("The face's gray, 0 to 255, becomes −1 to 1: gray ÷ 127.5 − 1."),
        ends(`${Math.round((value + 1) * 127.5)} ÷ 127.5 − 1`),
      ];
    case "window":
      return windowView(reason, value);
    case "norm": {
      const { over, input, mean, deviation, gamma, beta } = reason;
      const centered = input - mean, scaled = centered / deviation;
      return [
        line(
          over === "training"
            ? "Batch normalization, with the mean and deviation from training:"
            : "Layer normalization, with the mean and deviation of all maps here:",
        ),
        line(`${digits(input)} − mean ${digits(mean)} = ${digits(centered)}`),
        line(`÷ deviation ${digits(deviation)} = ${digits(scaled)}`),
        line(`× scale ${digits(gamma)} = ${digits(scaled * gamma)}`),
        ends(`${digits(scaled * gamma)} + shift ${digits(beta)}`),
      ];
    }
    case "activation":
      if (reason.name === "relu") {
        return [
          line("ReLU: negative values become 0, the rest stay."),
          ends(`max(0, ${digits(reason.input)})`),
        ];
      }
      if (reason.name === "softmax") {
        const powers = reason.all.map(Math.exp);
        const sum = powers.reduce((a, b) => a + b, 0);
        return [
          line(
            "Softmax: e to the score, divided by the sum over all classes.",
          ),
          line(`e^${digits(reason.input)} = ${digits(Math.exp(reason.input))}`),
          ends(`÷ ${digits(sum)}`),
        ];
      }
      return [ends(`${reason.name}(${digits(reason.input)})`)];
    case "pool": {
      const list = reason.inputs.map(digits).join(", ");
      return reason.name === "maxPool"
        ? [line("The largest value in the window:"), ends(`max(${list})`)]
        : [line("The mean of the window:"), ends(`mean(${list})`)];
    }
    case "mean":
      return [
        line(`The mean of all ${reason.inputs.length} positions of the map:`),
        ends(
          `(${reason.inputs.map(digits).join(" + ")}) ÷ ${reason.inputs.length}`
            .replaceAll("+ −", "− "),
        ),
      ];
    case "pair":
      return [
        line(
          reason.name === "add"
            ? "The shortcut's value is added:"
            : "Both values are multiplied:",
        ),
        ends(
          reason.inputs.map(digits).join(reason.name === "add" ? " + " : " × ")
            .replace("+ −", "− "),
        ),
      ];
    case "same":
      return [
        line(UNCHANGED[reason.op] ?? "Active only during training:"),
        ends(digits(value)),
      ];
  }
}
