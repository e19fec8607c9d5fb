// Tries one case after another in a process of its own, which deno task fuzz watches and may end:
// `child.ts TARGET SEED FIRST`. Says "start N" before each case and "end N {…}" after it.
import * as fs from "node:fs";
import * as path from "node:path";
import { randomAt } from "mien/random.ts";
import { UserError } from "mien/user_error.ts";
import { mutate } from "./mutate.ts";
import { targets } from "./targets.ts";

/** What became of a case. */
export interface Outcome {
  /** Read to the end, refused in our words, or something that is to be mended. */
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
  const changed = mutate(whole, randomAt(Number(seed), number));
  const same = changed.length === whole.length &&
    changed.every((byte, i) => byte === whole[i]);
  fs.writeFileSync(file, changed);
  try {
    const read = await target.read(file);
    if (!same && target.sealed) {
      return { kind: "found", what: "a changed file was read" };
    }
    if (expected && read !== expected) {
      return { kind: "found", what: "other content was read than was packed" };
    }
    return { kind: "read" };
  } catch (error) {
    if (error instanceof UserError) {
      const long = error.message.length > 1000;
      return long
        ? {
          kind: "found",
          what: `a message of ${error.message.length} letters`,
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
