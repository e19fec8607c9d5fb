import assert from "node:assert/strict";
import { formatSeconds, timeLeft } from "mien/progress.ts";

Deno.test("the time left is estimated from the pace so far", () => {
  assert.equal(timeLeft(10, 25, 100), 30);
  assert.equal(timeLeft(10, 100, 100), 0);
});

Deno.test("the time left is unknown before the first unit, or without a total", () => {
  assert.equal(timeLeft(10, 0, 100), null);
  assert.equal(timeLeft(10, 5, 0), null);
});

Deno.test("seconds are formatted as people write them", () => {
  assert.equal(formatSeconds(0.44), "0.4 s");
  assert.equal(formatSeconds(9.96), "10 s");
  assert.equal(formatSeconds(59.6), "1 min 00 s");
  assert.equal(formatSeconds(185), "3 min 05 s");
  assert.equal(formatSeconds(7800), "2 h 10 min");
});

/** What a program writes to standard error if that is not a terminal. */
async function linesOf(body: string): Promise<string[]> {
  const script = `import { createProgress } from "mien/progress.ts"; ${body}`;
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    cwd: new URL("..", import.meta.url),
    stderr: "piped",
  }).output();
  assert.equal(output.code, 0);
  return new TextDecoder().decode(output.stderr).split("\n")
    .filter((line) => line !== "");
}

Deno.test("quick work writes nothing to a log, slow work one line at its end", async () => {
  const quick = `const p = createProgress("Quick", 2); p.update(2); p.stop();`;
  const slow =
    `const p = createProgress("Slow", 4, "faces"); p.update(4, "loss 1");
    await new Promise((done) => setTimeout(done, 2100)); p.stop();`;
  const [none, one] = await Promise.all([linesOf(quick), linesOf(slow)]);
  assert.deepEqual(none, []);
  assert.equal(one.length, 1);
  assert.match(one[0], /^Slow: 4\/4 faces · [2-9]\.\d s · loss 1$/);
});
