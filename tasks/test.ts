// Runs the tests with Deno's own runner, and ends with one plain line that a
// program can read: "12 passed, 0 failed, 3 skipped".

import { join } from "node:path";
import { runTask } from "./command_line.ts";
import { runDeno, setUp } from "./setup.ts";

const HELP = `Usage: deno task test [FILE ...] [--filter TEXT]

Runs the tests; arguments are passed to deno test. Ends with a line such as
"12 passed, 0 failed, 3 skipped".`;

/** The number of tests by outcome. */
export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts the tests in the JUnit file that deno test writes. Steps are part of
 * their test: "test > step" is not counted. This starts before an XML parser is
 * installed, and reads the output of one known program.
 */
export function countTests(junit: string): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const cases = [...junit.matchAll(
    /<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )];
  const names = cases.map(([, name]) => name);
  for (const [, name, body = ""] of cases) {
    if (names.some((other) => name.startsWith(`${other} &gt; `))) continue;
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}

/** The last line. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  return `${passed} passed, ${failed} failed${rest}`;
}

async function runTests(given: readonly string[]): Promise<number> {
  await setUp(["packages"]);
  const folder = Deno.makeTempDirSync({ prefix: "mien-test-" });
  const file = join(folder, "junit.xml");
  const code = await runDeno(
    // The task ok checks types once; otherwise every worker in a test would.
    ["test", "-A", "--no-check", `--junit-path=${file}`, ...given],
  );
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    Object.assign(counts, countTests(Deno.readTextFileSync(file)));
  } catch {
    console.error("error: the tests did not start; see the reason above");
  }
  Deno.removeSync(folder, { recursive: true });
  // An error outside of any test, such as a type error, has no test case.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(closingLine(counts));
  return code;
}

if (import.meta.main) {
  await runTask(
    { help: HELP, options: {}, passesOn: true },
    (_, given) => runTests(given),
  );
}
