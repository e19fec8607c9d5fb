// deno task offsets: saves a model that gives some answers more readily than before, or all of them
// with more or less confidence. The method is in lib/model/answer_offsets.ts.

import { existsSync } from "node:fs";
import { EMOTIONS } from "mien/emotions.ts";
import { addOffsets, divideLogits } from "mien/model/answer_offsets.ts";
import { loadModel, saveModel } from "mien/model/saved_model.ts";
import { readNumber, runTask, UsageError, userPath } from "./command_line.ts";

const HELP = `Usage: deno task offsets MODEL OUT [EMOTION=OFFSET ...] [options]

Saves MODEL as OUT with an offset, in nats, added to the logit of each EMOTION
named: surprise=0.7 doubles the odds of surprise. A model learns how often each
emotion occurs in its training data; this corrects it for other data.

  --temperature T  then divide every logit by T: below 1 makes the model more
                   sure, above 1 less sure; "deno task evaluate" shows the
                   best value
  --help           show this text`;

await runTask({
  help: HELP,
  options: { temperature: { type: "string" } },
  positionals: { least: 2, most: 9, what: "MODEL, OUT or EMOTION=OFFSET" },
}, async (args, [from, out, ...pairs]) => {
  const temperature = readNumber("temperature", args.temperature, {
    least: 0.01,
  });
  if (temperature === undefined && pairs.length === 0) {
    throw new UsageError("give an EMOTION=OFFSET or a --temperature");
  }
  const offsets = EMOTIONS.map(() => 0);
  for (const pair of pairs) {
    const [emotion, text] = pair.split("=");
    const index = (EMOTIONS as readonly string[]).indexOf(emotion);
    const offset = Number(text || NaN);
    if (index < 0 || !Number.isFinite(offset)) {
      throw new UsageError(
        `"${pair}" is not EMOTION=OFFSET such as surprise=0.7; the emotions are ${
          EMOTIONS.join(", ")
        }`,
      );
    }
    offsets[index] = offset;
  }
  const place = userPath(out);
  if (existsSync(place)) {
    throw new UsageError(`${out} already exists; choose another folder`);
  }
  const model = await loadModel(userPath(from));
  addOffsets(model, offsets);
  if (temperature !== undefined) divideLogits(model, temperature);
  await saveModel(model, place);
  console.log(`${out}: written`);
});
