// Tries one case after another in its own process, which `deno task fuzz` watches and may kill:
// `child.ts TARGET SEED FIRST FOLDER`. Prints "start N" before each case and "end N {…}" after it.
import * as fs from "node:fs";
import * as path from "node:path";
import { createRandom } from "mien/random.ts";
import { UserError } from "mien/user_error.ts";
import { mutate } from "./mutate.ts";
import { targets } from "./targets.ts";

/** The outcome of a case. */
export interface Outcome {
  /** Read completely, rejected with one of our errors, or a problem. */
  kind: "read" | "refused" | "found";
  what?: string;
  /** Bytes of memory afterwards. */
  memory: number;
}

const [name, seed, first, folder] = Deno.args;
const target = targets[name];
fs.mkdirSync(folder, { recursive: true });
const [broken] = await target.make(folder);
const file = path.join(folder, broken);
const whole = Uint8Array.from(fs.readFileSync(file));
const expected = await target.read(file);

async function tryCase(number: number): Promise<Omit<Outcome, "memory">> {
  const changed = mutate(whole, createRandom(Number(seed), number));
  const same = changed.length === whole.length &&
    changed.every((byte, i) => byte === whole[i]);
  fs.writeFileSync(file, changed);
  try {
    const read = await target.read(file);
    if (!same && target.sealed) {
      return { kind: "found", what: "a changed file was read" };
    }
    if (expected && read !== expected) {
      return {
        kind: "found",
        what: "the content that was read is not what was packed",
      };
    }
    return { kind: "read" };
  } catch (error) {
    if (error instanceof UserError) {
      const long = error.message.length > 1000;
      return long
        ? {
          kind: "found",
          what: `a message of ${error.message.length} characters`,
        }
        : { kind: "refused" };
    }
    return {
      kind: "found",
      what: String((error as Error)?.stack ?? error).split("\n").slice(0, 4)
        .join(" | "),
    };
  }
}

for (let number = Number(first);; number++) {
  console.log(`\nstart ${number}`);
  const outcome = await tryCase(number);
  const { rss } = Deno.memoryUsage();
  console.log(`\nend ${number} ${JSON.stringify({ ...outcome, memory: rss })}`);
}
