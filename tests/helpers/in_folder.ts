// A temporary folder for a test.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Runs with an empty folder of its own, which is deleted afterwards. */
export async function inFolder<T>(
  act: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "mien-test-"));
  try {
    return await act(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
