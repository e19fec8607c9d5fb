// The tests' browser: headless Chromium or Chrome. Tests that need it are skipped,
// with a message, if there is none.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where Chromium or Chrome usually is; CHROMIUM names another. */
export const program = [
  Deno.env.get("CHROMIUM") ?? "",
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
].find((path) => existsSync(path));
if (!program) {
  console.log(
    "skipped: no Chromium for the browser tests (CHROMIUM names one)",
  );
}

// deno-fmt-ignore
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
];

/** How long a test waits for the browser, in ms: long, because it proves nothing about speed. */
export const PATIENCE = 120_000;

/** Starts the browser; the caller closes it. */
export function launchChromium(extra: string[] = []): Promise<Browser> {
  const args = [...ARGUMENTS, ...extra];
  return chromium.launch({ executablePath: program, args, timeout: PATIENCE });
}
