// The explorer in headless Chromium, used as a person would. An error in the page's console fails
// the test, and so does a request to any server but the page's own.
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { serveExplorer } from "mien/explorer/server.ts";
import { launchChromium, PATIENCE, program } from "./chromium.ts";

/** Options of a test that needs the browser. */
export const BROWSER_TEST = {
  ignore: !program,
  sanitizeOps: false,
  sanitizeResources: false,
};

/** How a page is opened. */
export interface PageOptions {
  /** The part of the address after "#". */
  hash: string;
  site?: Parameters<typeof serveExplorer>[0];
  browser?: string[];
  /** Runs in the page before its own script. */
  before?: string;
}

/** Opens the explorer and calls a function with its page and address. */
export async function withExplorer(
  { hash, site, browser: extra, before }: PageOptions,
  use: (page: Page, url: string) => Promise<void>,
): Promise<void> {
  const server = await serveExplorer(site);
  const browser = await launchChromium(extra).catch(async (error) => {
    await server.close();
    throw error;
  });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    const wrong: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") wrong.push(message.text());
    });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("request", (request) => {
      const own = request.method() === "GET" &&
          /^(data:|blob:)/.test(request.url()) ||
        request.method() === "GET" && request.url().startsWith(server.url);
      if (!own) wrong.push(`${request.method()} ${request.url()}`);
    });
    if (before) await page.addInitScript(before);
    await page.goto(`${server.url}#${hash}`);
    await use(page, server.url);
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Moves a slider, as a hand would, and waits until the page has drawn. */
export async function moveSlider(
  page: Page,
  label: string,
  value: number,
): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(String(value));
  await page.evaluate(() =>
    new Promise((done) =>
      requestAnimationFrame(() => requestAnimationFrame(done))
    )
  );
}

/**
 * A function that returns the seconds of processor time that the page's thread has used. Unlike
 * elapsed time, they do not depend on what else the machine does.
 */
export async function processorTime(
  page: Page,
): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")!.value;
  };
}

/** The probabilities that the bars show. */
export async function shownProbabilities(page: Page): Promise<number[]> {
  const bars = page.locator("[data-probabilities]");
  await bars.waitFor();
  return (await bars.getAttribute("data-probabilities"))!.split(" ")
    .map(Number);
}

/** Fails unless numbers are the same to a tolerance. */
export function assertClose(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  tolerance: number,
): void {
  assert.equal(ours.length, theirs.length);
  Array.from(ours).forEach((value, i) =>
    assert.ok(
      Math.abs(value - theirs[i]) <= tolerance,
      `number ${i}: ${value}, not ${theirs[i]}`,
    )
  );
}
