// The last maps as the exact reason for the answer: what each part of the face adds to each score.

import { indexOfLargest } from "../../emotions.ts";
import type { TrainedNetwork } from "../../network/trained.ts";
import { mapScores } from "../head.ts";
import { make, percent, table } from "../page/dom.ts";
import { canvasOf, largest, paintHeat, paintMap } from "../page/paint.ts";
import { digits } from "./reason_text.ts";

/** Shows, for each class, its map, its score and its probability. */
export function drawScoreMaps(
  place: HTMLElement,
  network: TrainedNetwork,
  values: readonly Float32Array[],
  names: readonly string[],
  face: Uint8Array,
): void {
  const maps = mapScores(network, values);
  if (!maps) {
    place.replaceChildren(
      make(
        "p.soft",
        "This network does not end in a linear layer: it has no exact maps.",
      ),
    );
    return;
  }
  const { height, width, classes } = maps;
  const probabilities = values.at(-1)!;
  const most = Math.max(...classes.map(({ parts }) => largest(parts)));
  const best = indexOfLargest(probabilities);
  const rows = classes.map(({ parts, bias, score }, k) => {
    const canvas = canvasOf(width, height, `evidence for ${names[k]}`, 36);
    paintMap(
      canvas,
      { values: parts, rows: height, columns: width, channels: 1 },
      0,
      most,
    );
    const sum = parts.reduce((a, b) => a + b, 0);
    return [
      make("th", { scope: "row" }, names[k]),
      make("td", canvas),
      make("td", digits(sum)),
      make("td", digits(bias)),
      make("td", digits(score)),
      make("td", percent(probabilities[k])),
    ];
  });
  const heads = ["class", "map", "parts", "bias", "score", "answer"];
  const heat = canvasOf(48, 48, `where the network saw ${names[best]}`, 150);
  paintHeat(heat, face, classes[best].parts, height, width);
  place.replaceChildren(
    make(
      "p.soft",
      `Each position of the last ${height} × ${width} maps adds its part to ` +
        "a class's score. Nothing is estimated: the parts and the bias add up " +
        "to the score, and softmax turns the scores into the answer.",
    ),
    make("figure", heat, make("figcaption", `for ${names[best]}`)),
    make("div.scroll", table(heads, rows, "tight")),
  );
}
